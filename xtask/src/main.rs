//! House rules and long runs: `cargo xtask tidy`, `cargo xtask soak`.
//!
//! Deliberately absent: formatting, lints and tests, which cargo's own commands run (`.ci/run` runs all of them).

mod soak;
mod tidy;

use anyhow::bail;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | soak [ROUNDS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["soak"] => soak::run(&root(), soak::ROUNDS),
        ["soak", rounds] => soak::run(&root(), rounds.parse()?),
        _ => bail!("{USAGE}"),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace's folder").to_owned()
}

/// The cargo that runs us.
fn cargo() -> std::process::Command {
    std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Tells the developer something, on standard error.
fn say(line: &str) {
    use std::io::Write;
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

//! The person at the terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::Command;

/// A line that the person types.
pub(crate) fn ask(prompt: &str) -> anyhow::Result<String> {
    write!(std::io::stderr(), "{prompt}")?;
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// A line that the person types and nobody sees.
pub(crate) fn ask_hidden(prompt: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        return ask(prompt);
    }
    // Where the program is missing the line is seen, which is better than not being asked.
    let echo = |how: &str| drop(Command::new("stty").arg(how).status());
    echo("-echo");
    let line = ask(prompt);
    echo("echo");
    writeln!(std::io::stderr())?;
    line
}

//! The binary: argument parsing and one thin file per subcommand. It holds no logic.

mod commands;
mod report;
mod telemetry;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    report::exit(commands::run(cli))
}

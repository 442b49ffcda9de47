//! `hakata helm`: Helm's commands, flags and exit codes.

mod chart;
mod flags;
mod output;
mod postrender;
mod template;

use std::io::Write as _;

use clap::Subcommand;

use crate::report::Exit;

/// Package manager for Kubernetes: a drop-in for Helm 4
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    global: flags::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Template(template::Args),
}

/// Runs the command; errors are told as Helm tells them.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let done = match &args.command {
        Command::Template(command) => template::run(&args.global, command),
    };
    done.map_err(told)
}

/// Writes `Error: …` as Helm does, and keeps the exit code.
fn told(error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<Exit>().is_some() || error.downcast_ref::<std::io::Error>().is_some() {
        return error;
    }
    // Nothing can be done about a closed standard error.
    let _ = writeln!(std::io::stderr(), "Error: {error}");
    Exit { code: 1, message: String::new() }.into()
}

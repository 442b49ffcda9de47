//! `hakata helm`: Helm's commands, flags and exit codes.

mod chart;
mod create;
mod dependency;
mod flags;
mod lint;
mod output;
mod package;
mod postrender;
mod show;
mod template;
mod version;

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
    Create(create::Args),
    #[command(visible_aliases = ["dep", "dependencies"])]
    Dependency(dependency::Args),
    Lint(lint::Args),
    Package(package::Args),
    #[command(visible_alias = "inspect")]
    Show(show::Args),
    Template(template::Args),
    Version(version::Args),
}

/// Runs the command; errors are told as Helm tells them.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let done = match &args.command {
        Command::Create(command) => create::run(command),
        Command::Dependency(command) => dependency::run(command),
        Command::Lint(command) => lint::run(&args.global, command),
        Command::Package(command) => package::run(command),
        Command::Show(command) => show::run(command),
        Command::Template(command) => template::run(&args.global, command),
        Command::Version(command) => version::run(command),
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

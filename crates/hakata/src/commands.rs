//! The commands, one file each.

mod demo;
mod down;
mod helm;
mod image;
mod kustomize;
mod server;
mod snapshot;
mod status;
mod up;
mod version;

use clap::{Parser, Subcommand};

/// A whole Kubernetes node in one binary, with the tools people install around it
#[derive(Parser)]
#[command(name = "hakata", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Down(down::Args),
    Helm(Box<helm::Args>),
    Image(image::Args),
    Kustomize(Box<kustomize::Args>),
    Server(server::Args),
    Snapshot(snapshot::Args),
    Status(status::Args),
    Up(up::Args),
    Version(version::Args),
}

/// Runs the chosen command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Down(args) => down::run(&args),
        Command::Helm(args) => helm::run(&args),
        Command::Image(args) => image::run(&args),
        Command::Kustomize(args) => kustomize::run(&args),
        Command::Server(args) => server::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Up(args) => up::run(&args),
        Command::Version(args) => version::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

//! The commands, one file each.

mod demo;
mod down;
mod example;
mod helm;
mod image;
mod kustomize;
mod pods;
mod pressure;
mod secrets;
mod server;
mod snapshot;
mod status;
pub(crate) mod target;
mod up;
mod verbs;
mod version;

use std::ffi::OsString;
use std::path::Path;

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
    Annotate(Box<verbs::annotate::Args>),
    Apply(Box<verbs::apply::Args>),
    Attach(Box<pods::attach::Args>),
    Cp(Box<pods::cp::Args>),
    Create(Box<verbs::create::Args>),
    Delete(Box<verbs::delete::Args>),
    Demo(demo::Args),
    Describe(Box<verbs::describe::Args>),
    Diff(Box<verbs::diff::Args>),
    Down(down::Args),
    Events(Box<verbs::events::Args>),
    Exec(Box<pods::exec::Args>),
    Get(Box<verbs::get::Args>),
    #[command(hide = true)]
    Example(example::Args),
    Helm(Box<helm::Args>),
    Image(image::Args),
    Kustomize(Box<kustomize::Args>),
    Label(Box<verbs::annotate::Args>),
    Logs(Box<pods::logs::Args>),
    Patch(Box<verbs::patch::Args>),
    PortForward(Box<pods::port_forward::Args>),
    Pressure(Box<pressure::Args>),
    Rollout(Box<verbs::rollout::Args>),
    Scale(Box<verbs::scale::Args>),
    Secrets(secrets::Args),
    Server(server::Args),
    Snapshot(snapshot::Args),
    Status(status::Args),
    Top(Box<verbs::top::Args>),
    Up(up::Args),
    Version(version::Args),
    Wait(Box<verbs::wait::Args>),
}

/// Reads the command line; that of Helm is read as Helm reads it. A link to us that is called `helm` is Helm.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Cli {
    let mut args: Vec<OsString> = args.collect();
    if args.first().is_some_and(|own| Path::new(own).file_name().is_some_and(|name| name == "helm")) {
        args.insert(1, "helm".into());
    }
    let args = target::flags_last(args);
    match args.get(1).is_some_and(|verb| verb == "helm") {
        true => helm::parse(&args),
        false => Cli::parse_from(args),
    }
}

/// Runs the chosen command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Annotate(args) => verbs::annotate::run_annotate(&args),
        Command::Apply(args) => verbs::apply::run_apply(&args),
        Command::Attach(args) => pods::attach::attach(&args),
        Command::Cp(args) => pods::cp::cp(&args),
        Command::Create(args) => verbs::create::run_create(&args),
        Command::Delete(args) => verbs::delete::run_delete(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Describe(args) => verbs::describe::run_describe(&args),
        Command::Diff(args) => verbs::diff::run_diff(&args),
        Command::Down(args) => down::run(&args),
        Command::Events(args) => verbs::events::run_events(&args),
        Command::Exec(args) => pods::exec::exec(&args),
        Command::Get(args) => verbs::get::run_get(&args),
        Command::Example(args) => example::run(&args),
        Command::Helm(args) => helm::run(&args),
        Command::Image(args) => image::run(&args),
        Command::Kustomize(args) => kustomize::run(&args),
        Command::Label(args) => verbs::annotate::run_label(&args),
        Command::Logs(args) => pods::logs::logs(&args),
        Command::Patch(args) => verbs::patch::run_patch(&args),
        Command::PortForward(args) => pods::port_forward::port_forward(&args),
        Command::Pressure(args) => pressure::run(&args),
        Command::Rollout(args) => verbs::rollout::run_rollout(&args),
        Command::Scale(args) => verbs::scale::run_scale(&args),
        Command::Secrets(args) => secrets::run(&args),
        Command::Server(args) => server::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Top(args) => verbs::top::run_top(&args),
        Command::Up(args) => up::run(&args),
        Command::Version(args) => version::run(&args),
        Command::Wait(args) => verbs::wait::run_wait(&args),
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

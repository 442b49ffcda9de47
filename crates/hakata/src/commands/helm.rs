//! `hakata helm`: Helm's commands, flags and exit codes.

mod chart;
mod cluster;
mod completion;
mod create;
mod dependency;
mod env;
mod flags;
mod get;
mod install;
mod lint;
mod ordering;
mod output;
mod package;
mod plugin;
mod postrender;
mod printing;
mod pull;
mod registry;
mod releases;
mod repo;
mod resources;
mod search;
mod show;
mod signing;
mod template;
mod terminal;
mod test;
mod upgrade;
mod usage;
mod verify;
mod version;
mod waiting;

use std::ffi::OsString;
use std::io::Write as _;

use clap::Subcommand;

use crate::report::Exit;

pub(crate) use usage::parse;

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
    Completion(completion::Args),
    Create(create::Args),
    #[command(visible_aliases = ["dep", "dependencies"])]
    Dependency(dependency::Args),
    Env(env::Args),
    Get(get::Args),
    #[command(visible_alias = "hist")]
    History(releases::HistoryArgs),
    Install(install::Args),
    Lint(lint::Args),
    #[command(visible_alias = "ls")]
    List(releases::ListArgs),
    Package(package::Args),
    Plugin(plugin::Args),
    #[command(visible_alias = "fetch")]
    Pull(Box<pull::PullArgs>),
    Push(Box<pull::PushArgs>),
    Registry(registry::Args),
    Repo(repo::Args),
    Rollback(releases::RollbackArgs),
    Search(search::Args),
    #[command(visible_alias = "inspect")]
    Show(show::Args),
    Status(releases::StatusArgs),
    Template(template::Args),
    Test(test::Args),
    #[command(visible_aliases = ["del", "delete", "un"])]
    Uninstall(releases::UninstallArgs),
    Unlock(releases::UnlockArgs),
    Upgrade(upgrade::Args),
    Verify(verify::Args),
    Version(version::Args),
    #[command(external_subcommand)]
    OfPlugin(Vec<OsString>),
}

/// Runs the command; errors are told as Helm tells them.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let done = match &args.command {
        Command::Completion(command) => completion::run(command),
        Command::Create(command) => create::run(&args.global, command),
        Command::Dependency(command) => dependency::run(&args.global, command),
        Command::Env(command) => env::run(&args.global, command),
        Command::Get(command) => get::run(&args.global, command),
        Command::History(command) => releases::history(&args.global, command),
        Command::Install(command) => install::run(&args.global, command),
        Command::List(command) => releases::list(&args.global, command),
        Command::Rollback(command) => releases::rollback(&args.global, command),
        Command::Status(command) => releases::show_status(&args.global, command),
        Command::Test(command) => test::run(&args.global, command),
        Command::Uninstall(command) => releases::uninstall(&args.global, command),
        Command::Unlock(command) => releases::unlock(&args.global, command),
        Command::Upgrade(command) => upgrade::run(&args.global, command),
        Command::Lint(command) => lint::run(&args.global, command),
        Command::OfPlugin(words) => plugin::run_command(&args.global, words),
        Command::Plugin(command) => plugin::run(&args.global, command),
        Command::Package(command) => package::run(&args.global, command),
        Command::Pull(command) => pull::pull(&args.global, command),
        Command::Push(command) => pull::push(&args.global, command),
        Command::Registry(command) => registry::run(&args.global, command),
        Command::Repo(command) => repo::run(&args.global, command),
        Command::Search(command) => search::run(&args.global, command),
        Command::Show(command) => show::run(&args.global, command),
        Command::Template(command) => template::run(&args.global, command),
        Command::Verify(command) => verify::run(command),
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

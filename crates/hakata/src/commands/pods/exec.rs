//! `hakata exec`

use super::{choose, run, session};
use crate::commands::target::TargetFlags;
use remote::command::Verb;

/// Run a command in a container
///
/// The exit code is the command's.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata exec web -- ls /\n  hakata exec -it deploy/web -c app -- sh")]
pub(crate) struct Args {
    /// A pod, or a pod of this: POD, deploy/NAME, svc/NAME, …
    #[arg(value_name = "POD | TYPE/NAME")]
    pod: String,
    /// What to run
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// The container; the annotated one or the first if not given
    #[arg(long, short)]
    container: Option<String>,
    /// Pass standard input on
    #[arg(long, short = 'i')]
    stdin: bool,
    /// Give the command a terminal
    #[arg(long, short)]
    tty: bool,
    /// Say nothing but what the command says
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn exec(args: &Args) -> anyhow::Result<()> {
    run(&args.target, |connection| async move {
        let chosen = choose(&connection, &args.pod, args.container.as_deref(), args.quiet, "exec into").await?;
        session(&connection, &chosen, Verb::Exec(&args.command), args.stdin, args.tty).await
    })
}

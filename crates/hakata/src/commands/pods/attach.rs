//! `hakata attach`

use super::{choose, note, run, session};
use crate::commands::target::TargetFlags;
use remote::command::Verb;

/// Join the process of a running container
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata attach web\n  hakata attach -it deploy/web -c app")]
pub(crate) struct Args {
    /// A pod, or a pod of this: POD, deploy/NAME, svc/NAME, …
    #[arg(value_name = "POD | TYPE/NAME")]
    pod: String,
    /// The container; the annotated one or the first if not given
    #[arg(long, short)]
    container: Option<String>,
    /// Pass standard input on
    #[arg(long, short = 'i')]
    stdin: bool,
    /// Standard input is a terminal
    #[arg(long, short)]
    tty: bool,
    /// Say nothing but what the process says
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn attach(args: &Args) -> anyhow::Result<()> {
    run(&args.target, |connection| async move {
        let chosen = choose(&connection, &args.pod, args.container.as_deref(), args.quiet, "attach").await?;
        if !args.quiet && args.stdin && args.tty {
            note("If you don't see a command prompt, try pressing enter.\n");
        }
        session(&connection, &chosen, Verb::Attach, args.stdin, args.tty).await
    })
}

//! `hakata events`

use super::{OutputFlag, run};
use crate::commands::target::TargetFlags;
use verbs::events::Events;

/// List what happened, the oldest first
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  hakata events\n  hakata events --for pod/web --watch\n  hakata events --types=Warning -A"
)]
pub(crate) struct Args {
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only of this object
    #[arg(long = "for", value_name = "TYPE/NAME")]
    of: Option<String>,
    /// Only of these types: Normal, Warning
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// And what happens from now on
    #[arg(long, short)]
    watch: bool,
    /// Without titles
    #[arg(long)]
    no_headers: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_events(args: &Args) -> anyhow::Result<()> {
    let events = Events {
        all_namespaces: args.all_namespaces,
        of: args.of.clone(),
        types: args.types.clone(),
        watch: args.watch,
        no_headers: args.no_headers,
        format: args.output.format()?,
    };
    run(&args.target, |api| async move { verbs::events::run(&api, &events, &mut std::io::stdout()).await })
}

//! `hakata scale`

use super::{DryRunFlag, FileFlags, run};
use crate::commands::target::{TargetFlags, duration};
use std::time::Duration;
use verbs::scale::Scale;
use verbs::select::Selection;

/// Set how many replicas there shall be
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata scale deploy/web --replicas=3\n  hakata scale rs -l app=web --replicas=0")]
pub(crate) struct Args {
    /// TYPE NAME … or TYPE/NAME …
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    replicas: i64,
    /// Only if there are so many now
    #[arg(long, value_name = "N")]
    current_replicas: Option<i64>,
    /// Only if the object has this version
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    resource_version: String,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// All objects of the types
    #[arg(long)]
    all: bool,
    /// How long to wait for it; not at all for 0
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    dry_run: DryRunFlag,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_scale(args: &Args) -> anyhow::Result<()> {
    let scale = Scale {
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            all: args.all,
            ..Selection::default()
        },
        replicas: args.replicas,
        current_replicas: args.current_replicas,
        resource_version: args.resource_version.clone(),
        timeout: Some(args.timeout).filter(|timeout| !timeout.is_zero()),
        dry_run: args.dry_run.value(),
    };
    run(&args.target, |api| async move { verbs::scale::run(&api, &scale, &mut std::io::stdout()).await })
}

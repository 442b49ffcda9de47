//! `hakata delete`

use super::{DryRunFlag, FileFlags, OutputFlag, run};
use crate::commands::target::{Limit, TargetFlags, limit};
use verbs::delete::Delete;
use verbs::select::Selection;

/// Delete objects, and wait until they are gone
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata delete pod web\n  \
    hakata delete -k overlays/production\n  \
    hakata delete deploy,svc -l app=web")]
pub(crate) struct Args {
    /// TYPE NAME …, TYPE/NAME … or TYPE[,TYPE] with a selector
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// All objects of the types
    #[arg(long)]
    all: bool,
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// Only objects with these fields
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    field_selector: String,
    /// What becomes of dependents: background, foreground or orphan
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_value = "background", default_missing_value = "background")]
    cascade: String,
    /// Seconds to end in peace
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    grace_period: Option<i64>,
    /// At once, without waiting for a confirmation
    #[arg(long)]
    force: bool,
    /// In one second
    #[arg(long)]
    now: bool,
    /// An object that is not there is no error
    #[arg(long)]
    ignore_not_found: bool,
    /// Wait until they are gone
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    wait: bool,
    /// How long to wait; 0 for as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = limit)]
    timeout: Limit,
    #[command(flatten)]
    dry_run: DryRunFlag,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_delete(args: &Args) -> anyhow::Result<()> {
    let cascade = match args.cascade.as_str() {
        "background" | "true" => "Background",
        "foreground" => "Foreground",
        "orphan" | "false" => "Orphan",
        other => {
            let text =
                format!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\"");
            return Err(super::told(verbs::Error::usage(text)));
        }
    };
    let delete = Delete {
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            field_selector: args.field_selector.clone(),
            all_namespaces: args.all_namespaces,
            all: args.all,
        },
        cascade: cascade.to_owned(),
        grace_period: args.grace_period.and_then(|seconds| u32::try_from(seconds).ok()),
        force: args.force,
        now: args.now,
        ignore_not_found: args.ignore_not_found || args.all,
        wait: args.wait,
        timeout: args.timeout.0.filter(|timeout| !timeout.is_zero()),
        dry_run: args.dry_run.value(),
        format: args.output.format()?,
    };
    run(&args.target, |api| async move { verbs::delete::run(&api, &delete, &mut std::io::stdout()).await })
}

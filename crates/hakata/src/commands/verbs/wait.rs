//! `hakata wait`

use super::{FileFlags, run};
use crate::commands::target::{Limit, TargetFlags, limit};
use verbs::select::Selection;
use verbs::wait::{Condition, Wait};

/// Wait until objects are there, gone, or meet a condition
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata wait pod/web --for=condition=Ready\n  \
    hakata wait deploy/web --for=jsonpath='{.status.readyReplicas}'=2 --timeout=60s\n  \
    hakata wait pod/web --for=delete")]
pub(crate) struct Args {
    /// TYPE NAME … or TYPE/NAME …
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// create, delete, condition=NAME[=VALUE] or jsonpath=PATH[=VALUE] (repeatable)
    #[arg(long = "for", value_name = "CONDITION", required = true)]
    conditions: Vec<String>,
    /// How long; 0 looks once, a negative one waits for ever
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = limit, allow_hyphen_values = true)]
    timeout: Limit,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// Only objects with these fields
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    field_selector: String,
    /// All objects of the types
    #[arg(long)]
    all: bool,
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_wait(args: &Args) -> anyhow::Result<()> {
    let conditions: Result<Vec<_>, _> = args.conditions.iter().map(|text| Condition::parse(text)).collect();
    let wait = Wait {
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            field_selector: args.field_selector.clone(),
            all_namespaces: args.all_namespaces,
            all: args.all,
        },
        conditions: conditions.map_err(super::told)?,
        timeout: args.timeout.0,
    };
    run(&args.target, |api| async move { verbs::wait::run(&api, &wait, &mut std::io::stdout()).await })
}

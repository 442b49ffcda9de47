//! `hakata describe`

use super::{FileFlags, run};
use crate::commands::target::TargetFlags;
use verbs::describe::Describe;
use verbs::select::Selection;

/// Tell everything about objects
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  hakata describe pod web\n  hakata describe deploy -l app=web\n  hakata describe nodes"
)]
pub(crate) struct Args {
    /// TYPE [NAME|PREFIX …] or TYPE/NAME …
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    selector: String,
    /// With what happened to them; by itself only for a single object
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    show_events: Option<bool>,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_describe(args: &Args) -> anyhow::Result<()> {
    let describe = Describe {
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            all_namespaces: args.all_namespaces,
            all: true,
            ..Selection::default()
        },
        show_events: args.show_events,
    };
    run(&args.target, |api| async move { verbs::describe::run(&api, &describe, &mut std::io::stdout()).await })
}

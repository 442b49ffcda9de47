//! `hakata label` and `hakata annotate`

use super::{DryRunFlag, FileFlags, OutputFlag, run};
use crate::commands::target::TargetFlags;
use verbs::annotate::{Annotate, Which};
use verbs::select::Selection;

/// Set and remove labels or annotations
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata label pod web tier=front\n  \
    hakata label pods --all tier-\n  \
    hakata annotate deploy/web note='hand-made' --overwrite")]
pub(crate) struct Args {
    /// TYPE NAME … KEY=VALUE … KEY- …
    #[arg(value_name = "TYPE|TYPE/NAME|KEY=VALUE|KEY-")]
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
    /// Values that are there may be replaced
    #[arg(long)]
    overwrite: bool,
    /// Show them
    #[arg(long)]
    list: bool,
    /// Only if the object has this version
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    resource_version: String,
    #[command(flatten)]
    dry_run: DryRunFlag,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    target: TargetFlags,
}

fn run_on(which: Which, args: &Args) -> anyhow::Result<()> {
    let annotate = Annotate {
        which,
        selection: Selection {
            args: args.args.clone(),
            sources: args.files.sources(),
            selector: args.selector.clone(),
            field_selector: args.field_selector.clone(),
            all_namespaces: args.all_namespaces,
            all: args.all,
        },
        overwrite: args.overwrite,
        list: args.list,
        resource_version: args.resource_version.clone(),
        dry_run: args.dry_run.value(),
        format: args.output.format()?,
    };
    run(&args.target, |api| async move { verbs::annotate::run(&api, &annotate, &mut std::io::stdout()).await })
}

pub(crate) fn run_label(args: &Args) -> anyhow::Result<()> {
    run_on(Which::Labels, args)
}

pub(crate) fn run_annotate(args: &Args) -> anyhow::Result<()> {
    run_on(Which::Annotations, args)
}

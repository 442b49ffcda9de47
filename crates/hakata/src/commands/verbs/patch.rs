//! `hakata patch`

use super::{DryRunFlag, FileFlags, OutputFlag, run};
use crate::commands::target::TargetFlags;
use anyhow::Context as _;
use std::path::PathBuf;
use verbs::patch::Patch;
use verbs::select::Selection;

/// Change some fields of objects
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata patch deploy web -p '{\"spec\":{\"replicas\":2}}'\n  \
    hakata patch pod web --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/labels/tier\"}]'")]
pub(crate) struct Args {
    /// TYPE NAME or TYPE/NAME
    #[arg(value_name = "TYPE|TYPE/NAME")]
    args: Vec<String>,
    #[command(flatten)]
    files: FileFlags,
    /// The patch, JSON or YAML
    #[arg(long, short, value_name = "PATCH", default_value = "", hide_default_value = true)]
    patch: String,
    /// A file with the patch
    #[arg(long, value_name = "FILE", conflicts_with = "patch")]
    patch_file: Option<PathBuf>,
    /// strategic, merge or json
    #[arg(long = "type", value_name = "TYPE", default_value = "strategic")]
    ty: String,
    /// status, scale or another subresource
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    subresource: String,
    #[command(flatten)]
    dry_run: DryRunFlag,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_patch(args: &Args) -> anyhow::Result<()> {
    let text = match &args.patch_file {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("unable to read patch file {}", file.display()))?
        }
        None => args.patch.clone(),
    };
    let patch = Patch {
        selection: Selection { args: args.args.clone(), sources: args.files.sources(), ..Selection::default() },
        patch: text,
        ty: args.ty.clone(),
        subresource: args.subresource.clone(),
        dry_run: args.dry_run.value(),
        format: args.output.format()?,
    };
    run(&args.target, |api| async move { verbs::patch::run(&api, &patch, &mut std::io::stdout()).await })
}

//! `hakata create`

use super::{DryRunFlag, FileFlags, OutputFlag, run};
use crate::commands::target::TargetFlags;
use verbs::apply::Apply;
use verbs::select::Selection;

/// Create objects from files
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata create -f job.yaml\n  cat pod.yaml | hakata create -f -")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileFlags,
    /// Who manages the fields
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    field_manager: String,
    /// What to do with unknown fields: strict, warn or ignore
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_value = "strict", default_missing_value = "strict")]
    validate: String,
    #[command(flatten)]
    dry_run: DryRunFlag,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    target: TargetFlags,
}

pub(crate) fn run_create(args: &Args) -> anyhow::Result<()> {
    let create = Apply {
        selection: Selection { sources: args.files.sources(), ..Selection::default() },
        field_manager: args.field_manager.clone(),
        dry_run: args.dry_run.value(),
        validation: super::apply::validation(&args.validate).to_owned(),
        format: args.output.format()?,
        ..Apply::default()
    };
    run(&args.target, |api| async move { verbs::create::run(&api, &create, &mut std::io::stdout()).await })
}

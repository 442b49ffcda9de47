//! `hakata apply`

use super::{DryRunFlag, FileFlags, OutputFlag, run};
use crate::commands::target::TargetFlags;
use verbs::apply::Apply;
use verbs::select::Selection;

/// Make objects what files say they are
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata apply -f app.yaml\n  \
    hakata apply -k overlays/production\n  \
    hakata apply -f manifests/ -R --server-side")]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileFlags,
    /// Let the server merge
    #[arg(long)]
    server_side: bool,
    /// Take fields from other managers
    #[arg(long, requires = "server_side")]
    force_conflicts: bool,
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

impl Args {
    pub(super) fn apply(&self) -> anyhow::Result<Apply> {
        Ok(Apply {
            selection: Selection { sources: self.files.sources(), ..Selection::default() },
            server_side: self.server_side,
            force_conflicts: self.force_conflicts,
            field_manager: self.field_manager.clone(),
            dry_run: self.dry_run.value(),
            validation: validation(&self.validate).to_owned(),
            format: self.output.format()?,
        })
    }
}

/// The server's word for it.
pub(super) fn validation(flag: &str) -> &'static str {
    match flag {
        "strict" | "true" => "Strict",
        "warn" => "Warn",
        _ => "Ignore",
    }
}

pub(crate) fn run_apply(args: &Args) -> anyhow::Result<()> {
    let apply = args.apply()?;
    if apply.selection.sources.is_empty() {
        return Err(super::told(verbs::Error::usage("must specify one of -f and -k")));
    }
    run(&args.target, |api| async move { verbs::apply::run(&api, &apply, &mut std::io::stdout()).await })
}

//! `hakata kustomize edit fix`

use kustomize::edit::Edit;
use kustomize::{Disk, Options, build};
use std::io::Write;

const FIXED: &str = "
Fixed fields:
  patchesJson6902 -> patches
  patchesStrategicMerge -> patches
  commonLabels -> labels";

const VARS_FIXED: &str = "
  vars -> replacements";

const VARS_LEFT: &str = "

To convert vars -> replacements, run the command `kustomize edit fix --vars`

WARNING: Converting vars to replacements will potentially overwrite many resource files
and the resulting files may not produce the same output when `kustomize build` is run.
We recommend doing this in a clean git repository where the change is easy to undo.";

/// Replace deprecated fields by the ones that took their places
///
/// Fields that are missing are added.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Turn vars into replacements; changes the files that mention them, so have them in git
    #[arg(long)]
    vars: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let dir = super::super::present_dir()?;
    let before = output(&dir);
    let mut edit = Edit::open(&Disk, &dir).map_err(super::super::explain)?;
    edit.fix().map_err(super::super::explain)?;
    if args.vars {
        edit.fix_vars().map_err(super::super::explain)?;
    }
    super::super::save(&edit)?;
    writeln!(std::io::stdout(), "{FIXED}{}", if args.vars { VARS_FIXED } else { VARS_LEFT })?;
    match (before, output(&dir)) {
        (_, Err(error)) => writeln!(
            std::io::stderr(),
            "Warning: 'Fixed' kustomization now produces the error when running `kustomize build`: {error}"
        )?,
        (before, Ok(after)) if before.as_ref() != Ok(&after) => writeln!(
            std::io::stderr(),
            "Warning: 'Fixed' kustomization now produces different output when running `kustomize build`:\n...{after}..."
        )?,
        _ => {}
    }
    Ok(())
}

/// What the kustomization builds.
fn output(dir: &str) -> kustomize::Result<String> {
    build(&Disk, dir, &Options::default())?.into_yaml()
}

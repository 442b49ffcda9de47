//! `hakata kustomize edit fix`

use kustomize::edit::Edit;
use kustomize::{Disk, Options, build};
use std::io::Write;

const FIXED: &str = "
Fixed fields:
  patchesJson6902 -> patches
  patchesStrategicMerge -> patches
  commonLabels -> labels
";

/// Replace deprecated fields by the ones that took their places
///
/// Fields that are missing are added. vars are left as they are.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(super) fn run(_: &Args) -> anyhow::Result<()> {
    let dir = super::super::present_dir()?;
    let before = output(&dir);
    let mut edit = Edit::open(&Disk, &dir).map_err(super::super::explain)?;
    edit.fix().map_err(super::super::explain)?;
    super::super::save(&edit)?;
    writeln!(std::io::stdout(), "{FIXED}")?;
    if before.is_some() && before != output(&dir) {
        writeln!(std::io::stderr(), "Warning: 'Fixed' kustomization now produces different output from the original.")?;
    }
    Ok(())
}

/// What the kustomization builds, if it can be built at all.
fn output(dir: &str) -> Option<String> {
    build(&Disk, dir, &Options::default()).ok()?.to_yaml().ok()
}

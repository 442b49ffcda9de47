//! `hakata helm verify`, and the flags of commands that verify what they use.

use std::path::{Path, PathBuf};

use helm::provenance;

use super::output::print;

/// Verify that a chart at the given path has been signed and is valid
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The archive; its provenance is beside it, as PATH.prov
    path: PathBuf,
    /// keyring containing public keys
    #[arg(long)]
    keyring: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let keyring = args.keyring.clone().unwrap_or_else(provenance::default_keyring);
    print(&provenance::verify(&args.path, &keyring)?.told())
}

/// Flags of commands that can verify a chart before they use it.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct VerifyFlags {
    /// verify the package before using it
    #[arg(long)]
    pub(crate) verify: bool,
    /// location of public keys used for verification
    #[arg(long)]
    pub(crate) keyring: Option<PathBuf>,
}

impl VerifyFlags {
    /// Verifies an archive where that is wanted.
    pub(crate) fn check(&self, archive: &Path) -> anyhow::Result<Option<provenance::Verified>> {
        if !self.verify {
            return Ok(None);
        }
        let keyring = self.keyring.clone().unwrap_or_else(provenance::default_keyring);
        Ok(Some(provenance::verify(archive, &keyring)?))
    }
}

//! `cargo xtask soak`: the long forms of tests that run a short form in CI.

use anyhow::{Context as _, ensure};
use std::path::Path;

/// How often the store's process is killed in the long form.
pub(crate) const ROUNDS: u32 = 200;

/// Runs every test that has a long form, optimised, one crate after another.
pub(crate) fn run(root: &Path, rounds: u32) -> anyhow::Result<()> {
    crate::say(&format!("soak: {rounds} kill rounds of the store"));
    let status = crate::cargo()
        .current_dir(root)
        .args(["test", "--release", "--package", "store", "--", "--nocapture"])
        .env("HAKATA_SOAK_ROUNDS", rounds.to_string())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the store did not survive; the seed printed above repeats the run (HAKATA_SEED)");
    crate::say("soak: passed");
    Ok(())
}

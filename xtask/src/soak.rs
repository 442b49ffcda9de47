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
    fuzz(root)?;
    crate::say("soak: passed");
    Ok(())
}

/// How many templates and archives are tried in the long form.
const FUZZ_ROUNDS: u32 = 300_000;

fn fuzz(root: &Path) -> anyhow::Result<()> {
    crate::say(&format!("soak: {FUZZ_ROUNDS} arbitrary templates and archives"));
    let status = crate::cargo()
        .current_dir(root)
        .args(["test", "--release", "--package", "helm", "--test", "arbitrary", "--", "--nocapture"])
        .env("HAKATA_FUZZ_ROUNDS", FUZZ_ROUNDS.to_string())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "one did not come to an end; the seed printed above repeats the run (HAKATA_SEED)");
    Ok(())
}

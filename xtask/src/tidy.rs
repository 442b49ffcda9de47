//! `cargo xtask tidy`: the house rules that neither the compiler nor the linter knows.
//!
//! Also an ordinary test, so `cargo test --workspace` holds them. Every finding names the file and what to do.
//! Exceptions, each with its reason, stand in one place: `exceptions`.

mod exceptions;
mod files;
mod manifests;

use anyhow::bail;
use std::path::Path;

/// Checks the tree under `root` and prints what is wrong with it.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let findings = check(root)?;
    if findings.is_empty() {
        crate::say("tidy: everything is in order");
        return Ok(());
    }
    for finding in &findings {
        crate::say(&format!("tidy: {finding}"));
    }
    bail!("{} findings", findings.len());
}

/// Everything that is wrong with the tree under `root`, one line each.
fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut findings = files::check(root)?;
    findings.extend(manifests::check(root)?);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    //! The rules hold for the tree that these tests were built from.

    #[test]
    fn the_tree_is_tidy() {
        let findings = super::check(&crate::root()).expect("the tree can be read");
        assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    }
}

//! What every manifest has to say: its rank, and that versions, dependencies and lints come from the workspace.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a package takes over from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];
/// Tables of dependencies.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
/// The highest rank: the command line.
const TOP: u64 = 5;

/// Everything that is wrong with the manifests of the workspace at `root`.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let ranks: BTreeMap<&str, u64> =
        packages.iter().filter_map(|package| Some((name(package), rank(package)?))).collect();
    let mut findings = Vec::new();
    for package in packages {
        findings.extend(ranked(package, &ranks));
        let path = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let manifest: toml::Table = text.parse().with_context(|| format!("cannot read {shown}"))?;
        findings.extend(inherits(&shown, &manifest));
        findings.extend(dependencies(&shown, &manifest));
        findings.extend(folder(&shown, path, name(package)));
    }
    Ok(findings)
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let output = crate::cargo()
        .current_dir(root)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata did not print JSON")
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}

fn rank(package: &Value) -> Option<u64> {
    package["metadata"]["layer"]["rank"].as_u64().filter(|rank| *rank <= TOP)
}

/// Dependencies point to the same rank or a lower one.
fn ranked(package: &Value, ranks: &BTreeMap<&str, u64>) -> Vec<String> {
    let user = name(package);
    let Some(own) = ranks.get(user) else {
        return vec![format!(
            "{user}: has no rank; say [package.metadata.layer] rank = 0 to {TOP}, see ARCHITECTURE.md"
        )];
    };
    let used = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let higher =
        used.iter().map(name).filter_map(|used| Some((used, ranks.get(used)?))).filter(|(_, rank)| *rank > own);
    higher
        .map(|(used, rank)| {
            format!("{user} (rank {own}) depends on {used} (rank {rank}); dependencies point down, see ARCHITECTURE.md")
        })
        .collect()
}

fn inherits(shown: &str, manifest: &toml::Table) -> Vec<String> {
    let package = manifest.get("package").and_then(toml::Value::as_table);
    let mut findings: Vec<String> = INHERITED
        .into_iter()
        .filter(|key| !package.is_some_and(|package| package.get(*key).is_some_and(from_workspace)))
        .map(|key| format!("{shown}: say {key}.workspace = true in [package]"))
        .collect();
    if !manifest.get("lints").is_some_and(from_workspace) {
        findings.push(format!("{shown}: say workspace = true in [lints]"));
    }
    findings
}

/// Every dependency stands in the root manifest, with its version.
fn dependencies(shown: &str, manifest: &toml::Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    let mut findings = Vec::new();
    for owner in std::iter::once(manifest).chain(targets) {
        for table in DEPENDENCIES {
            let Some(listed) = owner.get(table).and_then(toml::Value::as_table) else { continue };
            let own = listed.iter().filter(|(_, value)| !from_workspace(value));
            findings.extend(own.map(|(name, _)| {
                format!(
                    "{shown}: declare {name} in the root's [workspace.dependencies], and {name}.workspace = true here"
                )
            }));
        }
    }
    findings
}

fn from_workspace(value: &toml::Value) -> bool {
    value.get("workspace").and_then(toml::Value::as_bool) == Some(true)
}

/// A crate's folder has its name.
fn folder(shown: &str, path: &Path, name: &str) -> Option<String> {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_none_or(|folder| folder != name).then(|| format!("{shown}: the folder of {name} has another name"))
}

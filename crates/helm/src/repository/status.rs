//! `helm dependency list`: whether a chart has what it needs.

use std::fs;
use std::path::{Path, PathBuf};

use gotemplate::semver::Version;

use super::manager::clean;
use crate::Error;
use crate::chart::{Chart, Dependency};
use crate::dependencies::is_compatible;

/// The table of dependencies, its columns no wider than this, and warnings of charts nobody asked for.
///
/// # Errors
/// Where there is no chart.
pub fn list(path: &Path, widest: usize) -> Result<String, Error> {
    let chart = crate::chart::load(path)?;
    let directory = clean(&path.join("charts"));
    if chart.metadata.dependencies.is_empty() {
        return Ok(format!("WARNING: no dependencies at {}\n", directory.display()));
    }
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned).to_vec()];
    for dependency in &chart.metadata.dependencies {
        let (name, version, repository) = (&dependency.name, &dependency.version, &dependency.repository);
        rows.push(vec![name.clone(), version.clone(), repository.clone(), status(&directory, dependency, &chart)]);
    }
    let mut out = crate::table(&rows, widest);
    out.push('\n');
    for path in entries(&directory) {
        let shown = gotemplate::format::quote(&path.display().to_string().into());
        match crate::chart::load(&path) {
            Err(_) => out.push_str(&format!("WARNING: {shown} is not a chart.\n")),
            Ok(found) if !chart.metadata.dependencies.iter().any(|dependency| dependency.name == found.name()) => {
                out.push_str(&format!("WARNING: {shown} is not in Chart.yaml.\n"));
            }
            Ok(_) => {}
        }
    }
    Ok(out)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let chart = |path: &PathBuf| path.is_dir() || path.extension().is_some_and(|extension| extension == "tgz");
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(chart).collect();
    paths.sort();
    paths
}

fn status(directory: &Path, dependency: &Dependency, parent: &Chart) -> String {
    let prefix = format!("{}-", dependency.name);
    let archive = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".tgz")).map(str::to_owned)
    };
    let mut archives: Vec<(PathBuf, String)> =
        entries(directory).into_iter().filter_map(|path| archive(&path).map(|version| (path, version))).collect();
    if archives.len() > 1 {
        archives.retain(|(_, version)| Version::parse_strict(version).is_ok());
        if archives.len() > 1 {
            return "too many matches".to_owned();
        }
    }
    if let Some((path, _)) = archives.first() {
        return match crate::chart::load(path) {
            Err(_) => "corrupt",
            Ok(chart) if chart.name() != dependency.name => "misnamed",
            Ok(chart) if fits(dependency, &chart) => "ok",
            Ok(_) => "wrong version",
        }
        .to_owned();
    }
    match parent.dependencies.iter().find(|chart| chart.name() == dependency.name) {
        None => "missing",
        Some(chart) if fits(dependency, chart) => "unpacked",
        Some(_) => "wrong version",
    }
    .to_owned()
}

fn fits(dependency: &Dependency, chart: &Chart) -> bool {
    chart.metadata.version == dependency.version || is_compatible(&dependency.version, &chart.metadata.version)
}

//! Where charts come from: the dependencies of a chart, and repositories.
//!
//! Only local places are reached as yet: `file://` repositories, and charts that are there already.

mod locking;
mod status;

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::chart::{Chart, Dependency, Lock};
use crate::dependencies::is_compatible;

pub use locking::digest;
pub use status::list;

/// Fetches a chart from a repository into the cache.
///
/// # Errors
/// Where the repository is not known.
pub fn fetch(reference: &str, _version: Option<&str>, repository: Option<&str>) -> Result<PathBuf, Error> {
    if let Some(url) = repository {
        return Err(Error::Repository(format!("repository {url} cannot be reached")));
    }
    match reference.split_once('/') {
        Some((repo, _)) => Err(Error::Repository(format!("repo {repo} not found"))),
        None => Err(Error::Repository(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"
        ))),
    }
}

/// Puts the newest charts that fit into `charts/`, and writes down which they are.
///
/// # Errors
/// Where a chart is not to be had.
pub fn update(path: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = crate::chart::load_directory(path)?;
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let found = resolve(path, &chart.metadata.dependencies)?;
    let locked: Vec<Dependency> = found.iter().map(|(dependency, _)| dependency.clone()).collect();
    save_all(path, found, tell)?;
    let digest = digest(&chart.metadata.dependencies, &locked);
    if chart.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
        return Ok(());
    }
    write_lock(path, &chart, Lock { generated: locking::now(), digest, dependencies: locked })
}

/// Puts the charts that the lock names into `charts/`; without a lock, as [`update`].
///
/// # Errors
/// Where the lock is out of date, or a chart is not to be had.
pub fn build(path: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = crate::chart::load_directory(path)?;
    let Some(lock) = &chart.lock else { return update(path, tell) };
    if digest(&chart.metadata.dependencies, &lock.dependencies) != lock.digest {
        return Err(Error::Chart(
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies".to_owned(),
        ));
    }
    save_all(path, resolve(path, &lock.dependencies)?, tell)
}

/// The charts that dependencies mean, with the versions they have.
fn resolve(path: &Path, dependencies: &[Dependency]) -> Result<Vec<(Dependency, Option<Chart>)>, Error> {
    dependencies.iter().map(|dependency| resolve_one(path, dependency)).collect()
}

fn resolve_one(path: &Path, dependency: &Dependency) -> Result<(Dependency, Option<Chart>), Error> {
    let (name, wanted) = (&dependency.name, &dependency.version);
    let locked = |version: &str| Dependency {
        name: name.clone(),
        version: version.to_owned(),
        repository: dependency.repository.clone(),
        ..Dependency::default()
    };
    let place = match dependency.repository.strip_prefix("file://") {
        Some(place) => path.join(place),
        None if dependency.repository.is_empty() => path.join("charts").join(name),
        None => {
            let url = &dependency.repository;
            return Err(Error::Repository(format!("could not download {url}: the repository cannot be reached")));
        }
    };
    if !place.is_dir() {
        return Err(Error::Repository(format!("directory {} not found", place.display())));
    }
    let chart = crate::chart::load_directory(&place)?;
    if !is_compatible(wanted, &chart.metadata.version) {
        return Err(Error::Chart(format!("can't get a valid version for dependency {name}")));
    }
    let version = chart.metadata.version.clone();
    Ok((locked(&version), (!dependency.repository.is_empty()).then_some(chart)))
}

/// Writes archives of charts, after all of them were found; older archives of theirs go.
fn save_all(path: &Path, found: Vec<(Dependency, Option<Chart>)>, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let directory = path.join("charts");
    fs::create_dir_all(&directory).map_err(|source| Error::file(&directory, source))?;
    tell(&format!("Saving {} charts", found.len()));
    let mut written = Vec::new();
    let mut names = Vec::new();
    for (dependency, chart) in found {
        if let Some(mut chart) = chart {
            written.push(crate::package::save(&mut chart, &directory)?);
            names.push(dependency.name);
        }
    }
    tell("Deleting outdated charts");
    let entries = fs::read_dir(&directory).map_err(|source| Error::file(&directory, source))?;
    for entry in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let archive = entry.extension().is_some_and(|extension| extension == "tgz") && !written.contains(&entry);
        if archive && crate::chart::load(&entry).is_ok_and(|chart| names.iter().any(|name| name == chart.name())) {
            fs::remove_file(&entry).map_err(|source| Error::file(&entry, source))?;
        }
    }
    Ok(())
}

fn write_lock(path: &Path, chart: &Chart, lock: Lock) -> Result<(), Error> {
    let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
    let file = path.join(name);
    fs::write(&file, yaml::from_json(&lock.to_json())).map_err(|source| Error::file(&file, source))
}

//! The charts that a chart is made of: which they are, where they are, and bringing them into `charts/`.
//!
//! A repository is asked for its index once for an update, and repositories that the chart does not name are not asked
//! at all.

mod resolving;
mod saving;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use gotemplate::url::Url;
use sha2::{Digest as _, Sha256};

use super::config::{Entry, Repositories};
use super::index::Index;
use super::locking::{self, digest, digest_of_old};
use super::{Reach, fetch};
use crate::Error;
use crate::chart::{Chart, Dependency, Lock};

/// What Helm calls the index of a repository that nobody has added.
const UNMANAGED: &str = "helm-manager-";

/// Puts the newest charts that fit into `charts/`, and writes down which they are.
///
/// # Errors
/// Where a chart is not to be had.
pub fn update(path: &Path, reach: &Reach, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = load(path)?;
    let mut wanted = chart.metadata.dependencies.clone();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut work = Work::new(path, reach)?;
    work.name(&mut wanted)?;
    work.refresh(&wanted, tell)?;
    let mut locked = work.resolve(&wanted)?;
    work.save_all(&mut locked, tell)?;
    let digest = digest(&wanted, &locked);
    if chart.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
        return Ok(());
    }
    write_lock(path, &chart, &Lock { generated: locking::now(), digest, dependencies: locked })
}

/// Puts the charts that the lock names into `charts/`; without a lock, as [`update`].
///
/// # Errors
/// Where the lock is out of date, or a chart is not to be had.
pub fn build(path: &Path, reach: &Reach, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = load(path)?;
    let Some(lock) = &chart.lock else { return update(path, reach, tell) };
    let mut wanted = chart.metadata.dependencies.clone();
    let old = digest_of_old(&wanted);
    let mut work = Work::new(path, reach)?;
    work.name(&mut wanted)?;
    if digest(&wanted, &lock.dependencies) != lock.digest {
        let stale = |lock: &str, chart: &str, how: &str| {
            let words = format!("the lock file ({lock}) is out of sync with the dependencies file ({chart})");
            Err(Error::Chart(format!("{words}. Please update the dependencies{how}")))
        };
        match chart.metadata.api_version == "v1" {
            // Helm 2 wrote digests of another kind.
            true if old == lock.digest => {}
            true => return stale("requirements.lock", "requirements.yaml", ""),
            false => return stale("Chart.lock", "Chart.yaml", " with 'helm dependency update'"),
        }
    }
    let mut locked = lock.dependencies.clone();
    work.refresh(&locked, tell)?;
    work.save_all(&mut locked, tell)
}

fn load(path: &Path) -> Result<Chart, Error> {
    let about = fs::metadata(path).map_err(|error| {
        let why = error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
        Error::Chart(format!("could not find {path}: stat {path}: {why}", path = path.display()))
    })?;
    if !about.is_dir() {
        return Err(Error::Chart("only unpacked charts can be updated".to_owned()));
    }
    crate::chart::load_directory(path)
}

fn write_lock(path: &Path, chart: &Chart, lock: &Lock) -> Result<(), Error> {
    let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
    let file = path.join(name);
    if let Ok(elsewhere) = fs::read_link(&file) {
        return Err(Error::Chart(format!("the {name} file is a symlink to {:?}", elsewhere.display().to_string())));
    }
    fs::write(&file, yaml::from_json(&lock.to_json())).map_err(|source| Error::file(&file, source))
}

/// The work for one chart.
struct Work<'a> {
    path: &'a Path,
    reach: &'a Reach,
    known: Repositories,
    /// By the addresses of their repositories.
    indexes: BTreeMap<String, Index>,
}

impl<'a> Work<'a> {
    fn new(path: &'a Path, reach: &'a Reach) -> Result<Self, Error> {
        Ok(Self { path, reach, known: Repositories::load(&reach.places)?, indexes: BTreeMap::new() })
    }

    /// Replaces the names of repositories by their addresses.
    fn name(&self, wanted: &mut [Dependency]) -> Result<(), Error> {
        let mut missing = Vec::new();
        for dependency in wanted {
            let repository = dependency.repository.clone();
            let kept = repository.is_empty() || repository.starts_with("oci://");
            if repository.starts_with("file://") {
                self.local(&repository)?;
            } else if let Some(alias) = alias(&repository)
                && let Some(entry) = self.known.get(alias)
            {
                dependency.repository.clone_from(&entry.url);
            } else if !kept && self.known.at(&repository).is_none() && !is_request(&repository) {
                missing.push(repository);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.join(", ");
        let mut words = format!("no repository definition for {names}. Please add them via 'helm repo add'");
        if missing.iter().any(|one| !one.contains("//") && alias(one).is_none()) {
            words.push_str(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\n\
                 repository, use \"https://charts.example.com/\" or \"@example\" instead of\n\
                 \"example\". Don't forget to add the repo, too ('helm repo add').",
            );
        }
        Err(Error::Repository(words))
    }

    /// Gets the indexes of the repositories that are named, each once.
    fn refresh(&self, wanted: &[Dependency], tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let (mut added, mut others): (Vec<Entry>, Vec<Entry>) = (Vec::new(), Vec::new());
        let on_web = wanted.iter().filter(|one| is_repository(&one.repository));
        for entry in on_web.map(|one| self.entry(&one.repository)) {
            let list = if entry.name.starts_with(UNMANAGED) { &mut others } else { &mut added };
            if !list.iter().any(|known| known.base() == entry.base()) {
                list.push(entry);
            }
        }
        if self.reach.skip_refresh {
            return Ok(());
        }
        if !others.is_empty() {
            tell("Getting updates for unmanaged Helm repositories...");
            self.ask(&others, tell)?;
        }
        if !added.is_empty() {
            tell("Hang tight while we grab the latest from your chart repositories...");
            self.ask(&added, tell)?;
            tell("Update Complete. ⎈Happy Helming!⎈");
        }
        Ok(())
    }

    /// A repository that does not answer is told of; what is kept of it may do.
    fn ask(&self, entries: &[Entry], tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let places = &self.reach.places;
        for entry in entries {
            fetch::handler(places, &entry.url)?;
            let url = &entry.url;
            let (shown, more) = match entry.name.starts_with(UNMANAGED) {
                true => (url, String::new()),
                false => (&entry.name, format!(" ({url})")),
            };
            match fetch::refresh(places, entry) {
                Ok(_) => tell(&format!("...Successfully got an update from the {shown:?} chart repository")),
                Err(error) => {
                    tell(&format!("...Unable to get an update from the {shown:?} chart repository{more}:\n\t{error}"))
                }
            }
        }
        Ok(())
    }

    /// The repository at an address: as it was added, or as Helm keeps one that was not.
    fn entry(&self, url: &str) -> Entry {
        let sum = || Sha256::digest(url.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let unmanaged = || Entry { name: format!("{UNMANAGED}{}", sum()), url: url.to_owned(), ..Entry::default() };
        self.known.at(url).cloned().unwrap_or_else(unmanaged)
    }

    /// A folder of this machine that a repository names.
    fn local(&self, repository: &str) -> Result<PathBuf, Error> {
        let place = clean(&self.path.join(repository.trim_start_matches("file://")));
        match place.exists() {
            true => Ok(place),
            false => Err(Error::Repository(format!("directory {} not found", place.display()))),
        }
    }
}

/// The name of a repository that was added.
fn alias(repository: &str) -> Option<&str> {
    repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"))
}

/// Whether charts are looked for in an index of it.
fn is_repository(repository: &str) -> bool {
    !repository.is_empty() && !repository.starts_with("file://") && !repository.starts_with("oci://")
}

/// Whether somebody could be asked for it: an address with a scheme, or a path from the root.
fn is_request(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| !url.scheme.is_empty() || text.starts_with('/'))
}

/// A path without steps that lead nowhere.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match (part, out.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(out.pop()),
            (part, _) => out.push(part),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        let check = |path: &str, want: &str| assert_eq!(clean(Path::new(path)), Path::new(want), "{path}");
        check("./charts/a", "charts/a");
        check("a/../../b", "../b");
        check("/../a/./b/..", "/a");
        check("./.", ".");
    }
}

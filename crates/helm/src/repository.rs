//! Where charts come from: the dependencies of a chart, repositories and registries.
//!
//! A dependency's repository is asked for its index once for an update, and no other repository is asked at all.

pub mod config;
mod credentials;
pub mod fetch;
pub mod getters;
mod http;
pub mod hub;
pub mod index;
mod locking;
pub mod oci;
mod places;
pub mod search;
mod status;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::chart::{Chart, Dependency, Lock};
use crate::dependencies::is_compatible;
use config::{Entry, Repositories};
use index::Index;
use oci::Access;

pub use locking::digest;
pub(crate) use oci::pull_plugin;
pub use places::Places;
pub use status::list;

/// Gets what is served under an address.
pub(crate) fn get(url: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
    http::block(http::get(url, entry))
}

/// How repositories are asked.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Helm's files.
    pub places: Places,
    /// Indexes that are kept will do.
    pub skip_refresh: bool,
    /// For registries.
    pub access: Access,
    /// What is fetched has to be signed, or need not be.
    pub verifying: Verifying,
}

/// Whether charts are fetched with their signatures, and by which keys those are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verifying {
    /// Signatures are left alone.
    #[default]
    Never,
    /// A chart that has no signature is taken with a warning; a wrong signature is refused.
    Possible(PathBuf),
    /// A chart without a signature is refused.
    Always(PathBuf),
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            places: Places::of_environment(),
            skip_refresh: false,
            access: Access::default(),
            verifying: Verifying::Never,
        }
    }
}

/// Puts the newest charts that fit into `charts/`, and writes down which they are.
///
/// # Errors
/// Where a chart is not to be had.
pub fn update(path: &Path, reach: &Reach, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = crate::chart::load_directory(path)?;
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let found = Asking::new(path, reach).all(&chart.metadata.dependencies, tell)?;
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
pub fn build(path: &Path, reach: &Reach, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let chart = crate::chart::load_directory(path)?;
    let Some(lock) = &chart.lock else { return update(path, reach, tell) };
    if digest(&chart.metadata.dependencies, &lock.dependencies) != lock.digest {
        return Err(Error::Chart(
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies".to_owned(),
        ));
    }
    save_all(path, Asking::new(path, reach).all(&lock.dependencies, tell)?, tell)
}

/// A dependency with the version that was chosen, and where its chart is.
type Chosen = (Dependency, Found);

/// A chart that was found.
enum Found {
    /// In `charts/` already.
    InPlace,
    /// In a folder of this machine; the chart is as large as it is, so it is kept apart.
    Folder(Box<Chart>),
    /// Fetched.
    Archive(Box<Fetched>),
}

/// An archive as it came, with its provenance where that was wanted.
struct Fetched {
    file: String,
    data: Vec<u8>,
    provenance: Option<Vec<u8>>,
}

/// The search for dependencies, with the indexes it has read.
struct Asking<'a> {
    path: &'a Path,
    reach: &'a Reach,
    indexes: HashMap<String, Index>,
    /// URLs of archives that were fetched.
    fetched: HashSet<String>,
}

impl<'a> Asking<'a> {
    fn new(path: &'a Path, reach: &'a Reach) -> Self {
        Self { path, reach, indexes: HashMap::new(), fetched: HashSet::new() }
    }

    fn all(&mut self, wanted: &[Dependency], tell: &mut dyn FnMut(&str)) -> Result<Vec<Chosen>, Error> {
        let known = Repositories::load(&self.reach.places)?;
        wanted.iter().map(|dependency| self.one(dependency, &known, tell)).collect()
    }

    fn one(
        &mut self,
        dependency: &Dependency,
        known: &Repositories,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Chosen, Error> {
        let repository = dependency.repository.as_str();
        if repository.is_empty() {
            let name = &dependency.name;
            tell(&format!(
                "Dependency {name} did not declare a repository. Assuming it exists in the charts directory"
            ));
        }
        if repository.is_empty() || repository.starts_with("file://") {
            return local(self.path, dependency);
        }
        if repository.starts_with("oci://") {
            return self.of_registry(dependency, tell);
        }
        let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        let entry = match alias {
            Some(name) => {
                let missing = || Error::Repository(format!("repo {name} not found"));
                known.get(name).cloned().ok_or_else(missing)?
            }
            None => known.at(repository).cloned().unwrap_or_else(|| Entry {
                name: fetch::name_of(repository),
                url: repository.to_owned(),
                ..Entry::default()
            }),
        };
        let index = self.index(&entry, tell)?;
        let found = index.find(&dependency.name, &dependency.version).map_err(|_| {
            let (name, url) = (&dependency.name, &entry.url);
            Error::Repository(format!(
                "can't get a valid version for dependency {name:?} from {url}: no version meets {:?}",
                dependency.version
            ))
        })?;
        let version = index::text(found, "version").to_owned();
        if self.has(&index, &entry, &dependency.name, &version) {
            tell(&format!("Already downloaded {} from repo {}", dependency.name, dependency.repository));
            return Ok((locked(dependency, &version), Found::InPlace));
        }
        tell(&format!("Downloading {} from repo {}", dependency.name, dependency.repository));
        let archive = fetch::from_index(&self.reach.places, &index, &entry, &dependency.name, &version)?;
        self.chosen(dependency, archive, tell)
    }

    /// The index of a repository; asked for once.
    fn index(&mut self, entry: &Entry, tell: &mut dyn FnMut(&str)) -> Result<Index, Error> {
        if let Some(index) = self.indexes.get(&entry.url) {
            return Ok(index.clone());
        }
        let kept = fetch::index_path(&self.reach.places, &entry.name);
        let index = match self.reach.skip_refresh && kept.is_file() {
            true => Index::load(&kept)?,
            false => {
                let index = fetch::refresh(&self.reach.places, entry).map_err(|error| {
                    let url = &entry.url;
                    Error::Repository(format!(
                        "looks like {url:?} is not a valid chart repository or cannot be reached: {error}"
                    ))
                })?;
                tell(&format!("...Successfully got an update from the {:?} chart repository", entry.url));
                index
            }
        };
        self.indexes.insert(entry.url.clone(), index.clone());
        Ok(index)
    }

    fn of_registry(&mut self, dependency: &Dependency, tell: &mut dyn FnMut(&str)) -> Result<Chosen, Error> {
        tell(&format!("Downloading {} from repo {}", dependency.name, dependency.repository));
        let source = fetch::Source {
            reference: dependency.name.clone(),
            version: dependency.version.clone(),
            repository: dependency.repository.clone(),
            access: self.reach.access.clone(),
            ..fetch::Source::default()
        };
        let archive = fetch::archive(&self.reach.places, &source)?;
        if let Some(told) = &archive.registry {
            tell(told.trim_end_matches('\n'));
        }
        self.chosen(dependency, archive, tell)
    }

    /// Whether the same archive was fetched for another dependency.
    fn has(&self, index: &Index, entry: &Entry, name: &str, version: &str) -> bool {
        fetch::url_in_index(index, entry, name, version).is_ok_and(|url| self.fetched.contains(&url))
    }

    fn chosen(
        &mut self,
        dependency: &Dependency,
        archive: fetch::Archive,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Chosen, Error> {
        let chart = crate::chart::read_archive(&archive.data)?;
        if chart.name() != dependency.name {
            let (found, wanted) = (chart.name(), &dependency.name);
            return Err(Error::Chart(format!("{} holds chart {found:?}, not {wanted:?}", archive.url)));
        }
        let version = chart.metadata.version.clone();
        let file = match archive.file.ends_with(".tgz") {
            true => archive.file.clone(),
            false => format!("{}-{version}.tgz", dependency.name),
        };
        let provenance = self
            .verified(&archive, &file, tell)
            .map_err(|error| Error::Repository(format!("could not download {}: {error}", archive.url)))?;
        self.fetched.insert(archive.url.clone());
        let fetched = Fetched { file, data: archive.data, provenance };
        Ok((locked(dependency, &version), Found::Archive(Box::new(fetched))))
    }

    /// The provenance of an archive, where it is wanted and right.
    fn verified(
        &self,
        archive: &fetch::Archive,
        file: &str,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Option<Vec<u8>>, Error> {
        let (keyring, needed) = match &self.reach.verifying {
            Verifying::Never => return Ok(None),
            Verifying::Possible(keyring) => (keyring, false),
            Verifying::Always(keyring) => (keyring, true),
        };
        match archive.provenance() {
            Ok(provenance) => {
                crate::provenance::verify_data(&archive.data, file, &provenance, keyring)?;
                Ok(Some(provenance))
            }
            Err(_) if needed => Err(archive.unsigned()),
            Err(error) => {
                tell(&format!("WARNING: Verification not found for {}: {error}", archive.url));
                Ok(None)
            }
        }
    }
}

fn locked(dependency: &Dependency, version: &str) -> Dependency {
    Dependency {
        name: dependency.name.clone(),
        version: version.to_owned(),
        repository: dependency.repository.clone(),
        ..Dependency::default()
    }
}

/// A chart on this machine.
fn local(path: &Path, dependency: &Dependency) -> Result<Chosen, Error> {
    let (name, wanted) = (&dependency.name, &dependency.version);
    let place = match dependency.repository.strip_prefix("file://") {
        Some(place) => path.join(place),
        None => path.join("charts").join(name),
    };
    if !place.is_dir() {
        return Err(Error::Repository(format!("directory {} not found", place.display())));
    }
    let chart = crate::chart::load_directory(&place)?;
    if !is_compatible(wanted, &chart.metadata.version) {
        return Err(Error::Chart(format!("can't get a valid version for dependency {name}")));
    }
    let version = chart.metadata.version.clone();
    let found = if dependency.repository.is_empty() { Found::InPlace } else { Found::Folder(Box::new(chart)) };
    Ok((locked(dependency, &version), found))
}

/// Writes archives of charts, after all of them were found; older archives of theirs go.
fn save_all(path: &Path, found: Vec<Chosen>, tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let directory = path.join("charts");
    fs::create_dir_all(&directory).map_err(|source| Error::file(&directory, source))?;
    tell(&format!("Saving {} charts", found.len()));
    let mut written = Vec::new();
    let mut names = Vec::new();
    for (dependency, found) in found {
        let path = match found {
            Found::InPlace => continue,
            Found::Folder(mut chart) => crate::package::save(&mut chart, &directory)?,
            Found::Archive(fetched) => save(&directory, &fetched)?,
        };
        written.push(path);
        names.push(dependency.name);
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

/// Writes an archive as it came, with its provenance beside it.
fn save(directory: &Path, fetched: &Fetched) -> Result<PathBuf, Error> {
    let path = directory.join(&fetched.file);
    places::write(&path, &fetched.data)?;
    if let Some(provenance) = &fetched.provenance {
        places::write(&crate::provenance::path_of(&path), provenance)?;
    }
    Ok(path)
}

fn write_lock(path: &Path, chart: &Chart, lock: Lock) -> Result<(), Error> {
    let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
    let file = path.join(name);
    fs::write(&file, yaml::from_json(&lock.to_json())).map_err(|source| Error::file(&file, source))
}

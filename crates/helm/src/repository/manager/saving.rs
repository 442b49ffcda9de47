//! Charts on their way into `charts/`: all of them are had before the first is put there.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use gotemplate::semver::Version;

use super::{Work, clean};
use crate::Error;
use crate::chart::Dependency;
use crate::dependencies::is_compatible;
use crate::repository::fetch::{self, Archive, Source};
use crate::repository::index::text;
use crate::repository::{Verifying, places};

/// A file for `charts/`.
struct Ready {
    file: OsString,
    data: Vec<u8>,
}

/// Where an archive is fetched from.
struct Place {
    /// As it is told.
    url: String,
    source: Source,
}

impl Work<'_> {
    /// Brings the charts, and takes away those that nobody wants any more.
    pub(super) fn save_all(&mut self, locked: &mut [Dependency], tell: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let folder = clean(&self.path.join("charts"));
        if folder.exists() && !folder.is_dir() {
            return Err(Error::Chart(format!("{:?} is not a directory", folder.display().to_string())));
        }
        fs::create_dir_all(&folder).map_err(|source| Error::file(&folder, source))?;
        tell(&format!("Saving {} charts", locked.len()));
        let ready = self.all(locked, tell).inspect_err(|error| tell(&format!("Save error occurred:  {error}")))?;
        for one in &ready {
            places::write(&folder.join(&one.file), &one.data)?;
        }
        tell("Deleting outdated charts");
        let kept: HashSet<&OsString> = ready.iter().map(|one| &one.file).collect();
        let beside: HashSet<&str> =
            locked.iter().filter(|one| one.repository.is_empty()).map(|one| one.name.as_str()).collect();
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|source| Error::file(&folder, source))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| !path.is_dir() && path.file_name().is_some_and(|name| !kept.contains(&name.to_owned())))
            .collect();
        entries.sort();
        entries.iter().for_each(|path| remove(path, &beside, tell));
        Ok(())
    }

    fn all(&mut self, locked: &mut [Dependency], tell: &mut dyn FnMut(&str)) -> Result<Vec<Ready>, Error> {
        let mut ready = Vec::new();
        let mut fetched = HashSet::new();
        for dependency in locked {
            let (name, repository) = (dependency.name.clone(), dependency.repository.clone());
            if repository.is_empty() {
                tell(&format!(
                    "Dependency {name} did not declare a repository. Assuming it exists in the charts directory"
                ));
                self.beside(dependency)?;
                continue;
            }
            if repository.starts_with("file://") {
                ready.push(self.packed(dependency)?);
                continue;
            }
            let place = self.place(dependency)?;
            if !fetched.insert(place.url.clone()) {
                tell(&format!("Already downloaded {name} from repo {repository}"));
                continue;
            }
            tell(&format!("Downloading {name} from repo {repository}"));
            ready.extend(self.fetch(&place, tell).map_err(|error| {
                let url = place.url.rsplit_once(':').filter(|_| place.url.starts_with("oci://"));
                let url = url.map_or(&*place.url, |(url, _)| url);
                Error::Repository(format!("could not download {url}: {error}"))
            })?);
        }
        Ok(ready)
    }

    /// A chart that is in `charts/` already, unpacked.
    fn beside(&self, dependency: &Dependency) -> Result<(), Error> {
        let Dependency { name, version: wanted, .. } = dependency;
        let folder = clean(&self.path.join("charts").join(name));
        let chart = crate::chart::load_directory(&folder)
            .map_err(|error| Error::Chart(format!("unable to load chart '{}': {error}", folder.display())))?;
        let version = &chart.metadata.version;
        if is_compatible(wanted, version) {
            return Ok(());
        }
        let words = format!("dependency {name} at version {version} does not satisfy the constraint {wanted}");
        Err(Error::Chart(words))
    }

    /// A chart of this machine, packed; it has the version that it has.
    fn packed(&self, dependency: &mut Dependency) -> Result<Ready, Error> {
        let chart = crate::chart::load_directory(&self.local(&dependency.repository)?)?;
        if !is_compatible(&dependency.version, &chart.metadata.version) {
            let name = &dependency.name;
            return Err(Error::Chart(format!("can't get a valid version for dependency {name}")));
        }
        dependency.version.clone_from(&chart.metadata.version);
        let file = OsString::from(format!("{}-{}.tgz", chart.name(), chart.metadata.version));
        Ok(Ready { file, data: crate::package::archive(&chart)? })
    }

    fn place(&mut self, dependency: &Dependency) -> Result<Place, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let access = self.reach.access.clone();
        if repository.starts_with("oci://") {
            let reference = format!("{repository}/{name}");
            let url = format!("{reference}:{version}");
            let source = Source { reference, version: version.clone(), access, ..Source::default() };
            return Ok(Place { url, source });
        }
        let entry = self.entry(repository);
        let missing = |why: &str| Error::Repository(format!("could not find : {why}"));
        let same = |other: &str| match (Version::parse(version), Version::parse(other)) {
            (Ok(one), Ok(other)) => one.compare(&other).is_eq(),
            _ => version == other,
        };
        let entries = self.index(repository)?.entries.get(name).ok_or_else(|| missing("entry not found"))?;
        let found = entries
            .iter()
            .find(|entry| entry["urls"][0].is_string() && (version.is_empty() || same(text(entry, "version"))));
        let found = found.ok_or_else(|| missing("no matching version"))?;
        let url = fetch::absolute(entry.base(), found["urls"][0].as_str().unwrap_or_default());
        let digest = text(found, "digest").to_owned();
        let source = Source { reference: url.clone(), entry, access, digest, ..Source::default() };
        Ok(Place { url, source })
    }

    /// An archive, with its provenance where that is wanted and right.
    fn fetch(&self, place: &Place, tell: &mut dyn FnMut(&str)) -> Result<Vec<Ready>, Error> {
        let archive = fetch::archive(&self.reach.places, &place.source)?;
        if let Some(told) = &archive.registry {
            tell(told.trim_end_matches('\n'));
        }
        let signed = self.verified(&archive, tell)?;
        let file = OsString::from(&archive.file);
        let mut ready = Vec::new();
        if let Some(data) = signed {
            ready.push(Ready { file: OsString::from(format!("{}.prov", archive.file)), data });
        }
        ready.push(Ready { file, data: archive.data });
        Ok(ready)
    }

    /// The provenance of an archive, where it is wanted and right.
    fn verified(&self, archive: &Archive, tell: &mut dyn FnMut(&str)) -> Result<Option<Vec<u8>>, Error> {
        let (keyring, needed) = match &self.reach.verifying {
            Verifying::Never => return Ok(None),
            Verifying::Possible(keyring) => (keyring, false),
            Verifying::Always(keyring) => (keyring, true),
        };
        match archive.provenance() {
            Ok(provenance) => {
                crate::provenance::verify_data(&archive.data, &archive.file, &provenance, keyring)?;
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

/// Takes a chart away that is wanted no more; what is no chart stays.
fn remove(path: &Path, beside: &HashSet<&str>, tell: &mut dyn FnMut(&str)) {
    let shown = path.display();
    match crate::chart::load_archive(path) {
        Err(error) => tell(&format!("Could not verify {shown} for deletion: {error} (Skipping)")),
        Ok(chart) if beside.contains(chart.name()) => {}
        Ok(_) => {
            if let Err(error) = fs::remove_file(path) {
                tell(&format!("Could not delete {shown}: {error} (Skipping)"));
            }
        }
    }
}

//! Charts out of repositories: indexes kept for a while, archives checked against their digest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gotemplate::url::Url;
use sha2::{Digest as _, Sha256};

use super::config::{Entry, Repositories};
use super::http::{PATIENCE, block, get, get_within};
use super::index::{Index, text};
use super::oci::{self, Access};
use super::places::{Places, write};
use crate::{Error, plugin};

/// Where a chart comes from, and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// `repository/chart`, a URL, or a name in `repository`.
    pub reference: String,
    /// A constraint; the newest release for none.
    pub version: String,
    /// The URL of a repository that need not be known.
    pub repository: String,
    /// For `repository`.
    pub entry: Entry,
    /// For registries.
    pub access: Access,
    /// What an index says of the archive; empty where nobody says anything.
    pub digest: String,
}

/// A chart's archive.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// `NAME-VERSION.tgz`
    pub file: String,
    /// The archive.
    pub data: Vec<u8>,
    /// Its provenance, where a registry has one.
    pub provenance: Option<Vec<u8>>,
    /// Where it was.
    pub url: String,
    /// What is to be said of it, if it is from a registry.
    pub registry: Option<String>,
    /// How its repository was reached.
    entry: Entry,
    /// Where the plug-ins are that may have fetched it.
    places: Option<Places>,
}

impl Archive {
    /// The provenance file of the archive, from where the archive was.
    ///
    /// # Errors
    /// Where there is none.
    pub fn provenance(&self) -> Result<Vec<u8>, Error> {
        let missing = || {
            let kind = "application/vnd.cncf.helm.chart.provenance.v1.prov";
            Error::Repository(format!("manifest does not contain a layer with mediatype {kind}"))
        };
        match (&self.registry, &self.places) {
            (None, Some(places)) => bytes(places, &format!("{}.prov", self.url), &self.entry),
            _ => self.provenance.clone().ok_or_else(missing),
        }
    }

    /// As [`Archive::provenance`], where nothing goes without.
    ///
    /// # Errors
    /// Where there is none.
    pub fn wanted_provenance(&self) -> Result<Vec<u8>, Error> {
        self.provenance().map_err(|_| self.unsigned())
    }

    /// That there is no provenance, where nothing goes without.
    #[must_use]
    pub fn unsigned(&self) -> Error {
        Error::Repository(format!("failed to fetch provenance {:?}", format!("{}.prov", self.url)))
    }
}

/// Where the index of a known repository is kept.
pub(super) fn index_path(places: &Places, name: &str) -> PathBuf {
    places.repository_cache.join(format!("{name}-index.yaml"))
}

/// Gets a repository's index anew, and keeps it.
///
/// # Errors
/// Where the repository does not give it.
pub fn refresh(places: &Places, entry: &Entry) -> Result<Index, Error> {
    refresh_within(places, entry, PATIENCE)
}

/// As [`refresh`], for a repository that has so long to give it.
///
/// # Errors
/// Where the repository does not give it, or not in time.
pub fn refresh_within(places: &Places, entry: &Entry, limit: Duration) -> Result<Index, Error> {
    let url = format!("{}/index.yaml", entry.base());
    let data = match is_web(&url) {
        true => block(get_within(&url, entry, limit))?,
        false => plugin::fetch(places, &url, entry)?.ok_or_else(|| unhandled(&url))?,
    };
    let data = String::from_utf8_lossy(&data).into_owned();
    let index = Index::parse(&data)?;
    let names: Vec<&str> = index.entries.keys().map(String::as_str).collect();
    write(&places.repository_cache.join(format!("{}-charts.txt", entry.name)), (names.join("\n") + "\n").as_bytes())?;
    write(&index_path(places, &entry.name), data.as_bytes())?;
    Ok(index)
}

/// That somebody gets indexes from such addresses.
///
/// # Errors
/// Where nobody does.
pub(super) fn handler(places: &Places, url: &str) -> Result<(), Error> {
    let url = Url::parse(url).map_err(|why| Error::Repository(format!("invalid chart URL format: {why}")))?;
    let known = matches!(&*url.scheme, "http" | "https") || plugin::fetches(places, &url.scheme);
    if known { Ok(()) } else { Err(unhandled(&format!("{}://", url.scheme))) }
}

fn unhandled(url: &str) -> Error {
    Error::Repository(format!("could not find protocol handler for: {}", scheme(url)))
}

/// Gets a chart's archive.
///
/// # Errors
/// Where it is not to be had.
pub fn archive(places: &Places, source: &Source) -> Result<Archive, Error> {
    if source.reference.starts_with("oci://") || source.repository.starts_with("oci://") {
        return from_registry(places, source);
    }
    if !source.repository.is_empty() {
        let entry = Entry { url: source.repository.clone(), name: name_of(&source.repository), ..source.entry.clone() };
        let index = refresh(places, &entry).map_err(|error| {
            let url = &source.repository;
            Error::Repository(format!(
                "looks like {url:?} is not a valid chart repository or cannot be reached: {error}"
            ))
        })?;
        if index.find(&source.reference, &source.version).is_err() {
            let named = named(&source.reference, &source.version);
            return Err(Error::Repository(format!("chart {named} not found in {} repository", source.repository)));
        }
        return from_index(places, &index, &entry, &source.reference, &source.version);
    }
    if source.reference.contains("://") {
        return checked(of_url(places, &source.reference, &source.entry)?, &source.digest);
    }
    from_known(places, &source.reference, &source.version)
}

fn named(name: &str, version: &str) -> String {
    if version.is_empty() { format!("{name:?}") } else { format!("{name:?} version {version:?}") }
}

/// A name for the cache of a repository that has none.
fn name_of(url: &str) -> String {
    let sum = Sha256::digest(url.as_bytes());
    sum.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn from_known(places: &Places, reference: &str, version: &str) -> Result<Archive, Error> {
    let Some((name, chart)) = reference.split_once('/') else {
        return Err(Error::Repository(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"
        )));
    };
    let known = Repositories::load(places)?;
    let entry = known.get(name).ok_or_else(|| Error::Repository(format!("repo {name} not found")))?;
    let path = index_path(places, name);
    if !path.is_file() {
        let missing = "no cached repo found. (try 'helm repo update')";
        return Err(Error::Repository(format!("{missing}: open {}: no such file or directory", path.display())));
    }
    let index = Index::load(&path)?;
    index.find(chart, version).map_err(|error| {
        Error::Repository(format!(
            "chart {chart:?} matching {version} not found in {name} index. (try 'helm repo update'): {error}"
        ))
    })?;
    from_index(places, &index, entry, chart, version)
}

/// The chart that an index names.
fn from_index(places: &Places, index: &Index, entry: &Entry, name: &str, version: &str) -> Result<Archive, Error> {
    let found = index.find(name, version)?;
    checked(of_url(places, &url_in_index(index, entry, name, version)?, entry)?, text(found, "digest"))
}

/// An archive that is what an index says.
fn checked(archive: Archive, wanted: &str) -> Result<Archive, Error> {
    let sum = digest(&archive.data);
    if !wanted.is_empty() && wanted.trim_start_matches("sha256:") != sum {
        return Err(Error::Repository(format!("{} has digest {sum}, the index says {wanted}", archive.url)));
    }
    Ok(archive)
}

/// Where an index says that a chart is.
fn url_in_index(index: &Index, entry: &Entry, name: &str, version: &str) -> Result<String, Error> {
    let url = index.find(name, version)?["urls"][0].as_str().unwrap_or_default();
    match url {
        "" => Err(Error::Repository(format!("chart {name:?} has no downloadable URLs"))),
        url => Ok(absolute(entry.base(), url)),
    }
}

fn digest(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A URL that may be relative to the repository.
pub(super) fn absolute(base: &str, url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    match url.strip_prefix('/') {
        None => format!("{base}/{url}"),
        Some(path) => {
            let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            format!("{host}/{path}")
        }
    }
}

fn of_url(places: &Places, url: &str, entry: &Entry) -> Result<Archive, Error> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let file = path.rsplit('/').next().unwrap_or("chart.tgz").to_owned();
    let data = bytes(places, url, entry)?;
    let places = Some(places.clone());
    Ok(Archive { file, data, url: url.to_owned(), entry: entry.clone(), places, ..Archive::default() })
}

/// What is at an address, over the network or out of the hands of a plug-in.
fn bytes(places: &Places, url: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
    match is_web(url) {
        true => block(get(url, entry)),
        false => plugin::fetch(places, url, entry)?
            .ok_or_else(|| Error::Repository(format!("scheme {:?} not supported", scheme(url)))),
    }
}

fn is_web(url: &str) -> bool {
    matches!(scheme(url), "http" | "https")
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

fn from_registry(places: &Places, source: &Source) -> Result<Archive, Error> {
    let url = match source.repository.as_str() {
        "" => source.reference.clone(),
        repository => format!("{}/{}", repository.trim_end_matches('/'), source.reference),
    };
    let pulled = oci::pull(places, &url, &source.version, &source.access)?;
    let (place, told) = (pulled.reference.clone(), pulled.told("Pulled"));
    let (path, tag) = place.rsplit_once(':').unwrap_or((&place, ""));
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok(Archive {
        file: format!("{name}-{}.tgz", tag.replace('_', "+")),
        data: pulled.data,
        provenance: pulled.provenance,
        url: format!("oci://{place}"),
        registry: Some(told),
        ..Archive::default()
    })
}

/// Gets a chart into the cache, and gives its path there and what was fetched.
///
/// # Errors
/// Where it is not to be had.
pub fn fetch(places: &Places, source: &Source) -> Result<(PathBuf, Archive), Error> {
    let archive = archive(places, source)?;
    let path = places.repository_cache.join(Path::new(&archive.file).file_name().unwrap_or_default());
    write(&path, &archive.data)?;
    Ok((path, archive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_be_relative() {
        let base = "https://r.example/charts";
        assert_eq!(absolute(base, "a.tgz"), "https://r.example/charts/a.tgz");
        assert_eq!(absolute(base, "/b/a.tgz"), "https://r.example/b/a.tgz");
        assert_eq!(absolute(base, "http://o.example/a.tgz"), "http://o.example/a.tgz");
    }
}

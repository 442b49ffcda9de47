//! `index.yaml`: what a repository has.

use std::collections::BTreeMap;
use std::path::Path;

use gotemplate::semver::{Constraints, Version};
use sha2::{Digest as _, Sha256};
use value::{Map, Value, json};

use super::places::write;
use crate::Error;

/// What a repository has, the newest version of each chart first.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Versions by the chart's name.
    pub entries: BTreeMap<String, Vec<Value>>,
}

/// A field of an entry as text.
pub(super) fn text<'v>(entry: &'v Value, name: &str) -> &'v str {
    entry[name].as_str().unwrap_or_default()
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(data: &str) -> Result<Self, Error> {
        if data.trim().is_empty() {
            return Err(Error::Repository("empty index.yaml file".to_owned()));
        }
        let value = yaml::to_json(data)
            .map_err(|error| Error::Repository(format!("error converting YAML to JSON: {error}")))?;
        if text(&value, "apiVersion").is_empty() {
            return Err(Error::Repository("no API version specified".to_owned()));
        }
        let mut entries = BTreeMap::new();
        for (name, versions) in value["entries"].as_object().into_iter().flatten() {
            let versions = versions.as_array().into_iter().flatten();
            // What has no version cannot be asked for.
            let valid = versions.filter(|entry| Version::parse(text(entry, "version")).is_ok());
            entries.insert(name.to_string(), valid.cloned().collect());
        }
        let mut index = Self { entries };
        index.sort();
        Ok(index)
    }

    /// Reads an index from a file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let data = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
        Self::parse(&data).map_err(|error| Error::Repository(format!("error loading {}: {error}", path.display())))
    }

    fn sort(&mut self) {
        for versions in self.entries.values_mut() {
            versions.sort_by(|a, b| match (Version::parse(text(b, "version")), Version::parse(text(a, "version"))) {
                (Ok(b), Ok(a)) => b.compare(&a),
                _ => std::cmp::Ordering::Equal,
            });
        }
    }

    /// The newest version of a chart that meets a constraint; the newest release for none.
    ///
    /// # Errors
    /// Where the repository has none.
    pub fn find(&self, name: &str, wanted: &str) -> Result<&Value, Error> {
        let missing = || Error::Repository("no chart name found".to_owned());
        let versions = self.entries.get(name).ok_or_else(missing)?;
        if versions.is_empty() {
            return Err(Error::Repository("no chart version found".to_owned()));
        }
        let wanted = if wanted.is_empty() { "*" } else { wanted };
        let constraint = Constraints::parse(wanted).map_err(|error| Error::Repository(error.to_string()))?;
        // Someone who names a version exactly gets it, whatever stands after its plus sign.
        if wanted != "*"
            && let Some(exact) = versions.iter().find(|entry| text(entry, "version") == wanted)
        {
            return Ok(exact);
        }
        let fits =
            |entry: &&Value| Version::parse(text(entry, "version")).is_ok_and(|version| constraint.check(&version));
        versions
            .iter()
            .find(fits)
            .ok_or_else(|| Error::Repository(format!("no chart version found for {name}-{wanted}")))
    }

    /// The index of a folder's archives, their URLs below `base`; entries of another index are kept beside them.
    ///
    /// # Errors
    /// Where an archive cannot be read.
    pub fn of_folder(folder: &Path, base: &str, merged: Option<Self>) -> Result<Self, Error> {
        let mut index = merged.unwrap_or_default();
        for path in archives(folder)? {
            let chart = crate::chart::load(&path)?;
            let data = std::fs::read(&path).map_err(|source| Error::file(&path, source))?;
            let place = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            let url = if base.is_empty() { place } else { format!("{}/{place}", base.trim_end_matches('/')) };
            let sum: String = Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect();
            let mut entry = chart.metadata.to_json().as_object().cloned().unwrap_or_default();
            entry.insert("created".to_owned(), jiff::Timestamp::now().to_string().into());
            entry.insert("digest".to_owned(), sum.into());
            entry.insert("urls".to_owned(), json!([url]));
            let versions = index.entries.entry(chart.name().to_owned()).or_default();
            versions.retain(|known| text(known, "version") != chart.metadata.version);
            versions.push(Value::Object(entry));
        }
        index.sort();
        Ok(index)
    }

    /// Writes the index, as YAML or JSON.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, path: &Path, as_json: bool) -> Result<(), Error> {
        let entries: Map =
            self.entries.iter().map(|(name, versions)| (name.clone(), versions.clone().into())).collect();
        let value = json!({ "apiVersion": "v1", "entries": entries, "generated": jiff::Timestamp::now().to_string() });
        let data = if as_json { value.to_string() } else { yaml::from_json(&value) };
        write(path, data.as_bytes())
    }
}

/// The archives of a folder and of those directly below it.
fn archives(folder: &Path) -> Result<Vec<std::path::PathBuf>, Error> {
    let list = |folder: &Path| -> Result<Vec<std::path::PathBuf>, Error> {
        let failed = |source| Error::file(folder, source);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort();
        Ok(paths)
    };
    let is_archive = |path: &Path| path.extension().is_some_and(|extension| extension == "tgz") && path.is_file();
    let mut found = Vec::new();
    for path in list(folder)? {
        if path.is_dir() {
            found.extend(list(&path)?.into_iter().filter(|path| is_archive(path)));
        } else if is_archive(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "\
apiVersion: v1
entries:
  web:
  - {name: web, version: 1.2.0, urls: [web-1.2.0.tgz]}
  - {name: web, version: 2.0.0-rc.1, urls: [web-2.0.0-rc.1.tgz]}
  - {name: web, version: 1.10.0, urls: [web-1.10.0.tgz]}
  - {name: web, version: nonsense, urls: [x]}
";

    #[test]
    fn the_newest_version_that_fits_is_found() {
        let index = Index::parse(INDEX).unwrap();
        let version = |wanted: &str| index.find("web", wanted).map(|entry| text(entry, "version").to_owned());
        assert_eq!(version("").unwrap(), "1.10.0");
        assert_eq!(version("~1.2").unwrap(), "1.2.0");
        assert_eq!(version(">0.0.0-0").unwrap(), "2.0.0-rc.1");
        assert_eq!(version("1.2.0").unwrap(), "1.2.0");
        assert_eq!(version("^3").unwrap_err().to_string(), "no chart version found for web-^3");
        assert_eq!(index.find("other", "").unwrap_err().to_string(), "no chart name found");
        assert_eq!(Index::parse("entries: {}").unwrap_err().to_string(), "no API version specified");
    }
}

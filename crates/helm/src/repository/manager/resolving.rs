//! Which versions are taken.

use gotemplate::semver::{Constraints, Version};

use super::Work;
use crate::Error;
use crate::chart::Dependency;
use crate::repository::index::{Index, text};
use crate::repository::{fetch, oci};

impl Work<'_> {
    /// Each dependency with the version that is taken for it.
    pub(super) fn resolve(&mut self, wanted: &[Dependency]) -> Result<Vec<Dependency>, Error> {
        let mut locked = Vec::new();
        let mut missing = Vec::new();
        for dependency in wanted {
            let Dependency { name, version, repository, .. } = dependency;
            let constraint = Constraints::parse(version).map_err(|error| {
                Error::Chart(format!("dependency {name:?} has an invalid version/constraint format: {error}"))
            })?;
            match self.version(dependency, &constraint)? {
                Some(version) => locked.push(Dependency {
                    name: name.clone(),
                    version,
                    repository: repository.clone(),
                    ..Dependency::default()
                }),
                None => missing.push(format!("{name:?} (repository {repository:?}, version {version:?})")),
            }
        }
        if missing.is_empty() {
            return Ok(locked);
        }
        Err(Error::Repository(format!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )))
    }

    /// The newest version that meets a constraint, if there is one.
    fn version(&mut self, dependency: &Dependency, constraint: &Constraints) -> Result<Option<String>, Error> {
        let Dependency { name, version, repository, .. } = dependency;
        let fits = |version: &str| Version::parse(version).is_ok_and(|version| constraint.check(&version));
        if repository.is_empty() {
            self.local(&format!("charts/{name}"))?;
            return Ok(Some(version.clone()));
        }
        if repository.starts_with("file://") {
            let chart = crate::chart::load_directory(&self.local(repository)?)?;
            return Ok(Some(chart.metadata.version).filter(|version| fits(version)));
        }
        if repository.starts_with("oci://") {
            if Version::parse(version).is_ok() {
                return Ok(Some(version.clone()));
            }
            let url = format!("{}/{name}", repository.trim_end_matches('/'));
            let versions = oci::versions(&self.reach.places, &url, &self.reach.access).map_err(|error| {
                let words = format!("could not retrieve list of tags for repository {repository}");
                Error::Repository(format!("{words}: {error}"))
            })?;
            // Where none fits, what is wanted is asked for as it is.
            return Ok(Some(versions.into_iter().find(|version| fits(version)).unwrap_or_else(|| version.clone())));
        }
        let index = self.index(repository)?;
        let entries = index.entries.get(name);
        let entries =
            entries.ok_or_else(|| Error::Repository(format!("{name} chart not found in repo {repository}")))?;
        let found = entries.iter().find(|entry| entry["urls"][0].is_string() && fits(text(entry, "version")));
        Ok(found.map(|entry| text(entry, "version").to_owned()))
    }

    /// The index that is kept of a repository.
    pub(super) fn index(&mut self, repository: &str) -> Result<&Index, Error> {
        if !self.indexes.contains_key(repository) {
            let name = self.entry(repository).name;
            let index = Index::load(&fetch::index_path(&self.reach.places, &name)).map_err(|error| {
                let why = match &error {
                    Error::File { path, source } => crate::error::of_file(path, source),
                    other => other.to_string(),
                };
                let words = format!("no cached repository for {name} found. (try 'helm repo update')");
                Error::Repository(format!("{words}: {why}"))
            })?;
            self.indexes.insert(repository.to_owned(), index);
        }
        Ok(&self.indexes[repository])
    }
}

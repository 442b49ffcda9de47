//! Where plug-ins come from: folders, archives here or elsewhere, registries, and repositories of git.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::is_archive;
use crate::Error;
use crate::provenance;
use crate::repository::config::Entry;
use crate::repository::oci::Access;
use crate::repository::{Places, pull_plugin};

/// Where a plug-in comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An archive of this machine.
    Archive(PathBuf),
    /// An archive that is served.
    Http(String),
    /// `oci://…`
    Registry(String),
    /// A repository of git.
    Git(String),
}

/// An archive, and what vouches for it.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// What its provenance calls it.
    pub name: String,
    /// Its bytes.
    pub data: Vec<u8>,
    /// What is beside it, as `.prov`.
    pub provenance: Option<Vec<u8>>,
}

impl Source {
    /// What a person means by a path or an address.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn of(text: &str) -> Result<Self, Error> {
        let path = Path::new(text);
        let served = text.starts_with("http://") || text.starts_with("https://");
        // `user@host:path`, as git takes it.
        let remote = text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
        match path.exists() {
            _ if text.starts_with("oci://") => Ok(Self::Registry(text.to_owned())),
            true if path.is_file() && is_archive(text) => Ok(Self::Archive(path.to_owned())),
            true => Ok(Self::Folder(path.to_owned())),
            false if served && is_archive(text) => Ok(Self::Http(text.to_owned())),
            false if text.contains("://") || remote => Ok(Self::Git(text.to_owned())),
            false => Err(Error::Plugin(format!(
                "cannot get information about plugin source {text:?} (if it's a local directory, does it exist?), last error was: Cannot detect VCS"
            ))),
        }
    }

    /// Fetches an archive; none where the source is none.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn archive(&self, places: &Places, access: &Access) -> Result<Option<Archive>, Error> {
        Ok(Some(match self {
            Self::Folder(_) | Self::Git(_) => return Ok(None),
            Self::Archive(path) => Archive {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                data: std::fs::read(path).map_err(|source| Error::file(path, source))?,
                provenance: std::fs::read(provenance::path_of(path)).ok(),
            },
            Self::Http(url) => {
                let get = |url: &str| crate::repository::get(url, &Entry::default());
                Archive {
                    name: url.rsplit('/').next().unwrap_or_default().to_owned(),
                    data: get(url)?,
                    provenance: get(&format!("{url}.prov")).ok(),
                }
            }
            Self::Registry(url) => {
                let failed = |error: Error| Error::Plugin(format!("failed to pull plugin from {url}: {error}"));
                let (name, pulled) = pull_plugin(places, url, access).map_err(failed)?;
                Archive { name, data: pulled.data, provenance: pulled.provenance }
            }
        }))
    }
}

/// Copies a repository of git into a folder, at a tag that meets a version constraint, or as it is.
///
/// # Errors
/// Where git is not there, or fails.
pub fn clone(url: &str, version: &str, folder: &Path) -> Result<(), Error> {
    git(&["clone", "--quiet", "--recursive", "--", url, &folder.display().to_string()], None)?;
    if version.is_empty() {
        return Ok(());
    }
    let known = git(&["rev-parse", "--quiet", "--verify", &format!("{version}^{{commit}}")], Some(folder));
    let reference = match known {
        Ok(_) => version.to_owned(),
        Err(_) => newest(&git(&["tag"], Some(folder))?, version)
            .ok_or_else(|| Error::Plugin(format!("requested version {version:?} does not exist for plugin {url:?}")))?,
    };
    git(&["checkout", "--quiet", &reference], Some(folder)).map(drop)
}

/// The newest of the tags, one a line, that meets a constraint.
fn newest(tags: &str, version: &str) -> Option<String> {
    use gotemplate::semver::{Constraints, Version};
    let constraint = Constraints::parse(version).ok()?;
    let mut fitting: Vec<(Version, &str)> =
        tags.lines().filter_map(|tag| Some((Version::parse(tag).ok()?, tag))).collect();
    fitting.retain(|(tag, _)| constraint.check(tag));
    fitting.sort_by(|a, b| a.0.compare(&b.0));
    fitting.pop().map(|(_, tag)| tag.to_owned())
}

/// Brings a plug-in's repository up to date.
///
/// # Errors
/// Where it is none, somebody changed it, or git fails.
pub fn pull(folder: &Path) -> Result<(), Error> {
    if !folder.join(".git").exists() {
        return Err(Error::Plugin("cannot get information about plugin source".to_owned()));
    }
    if !git(&["status", "--porcelain"], Some(folder))?.trim().is_empty() {
        return Err(Error::Plugin("plugin repo was modified".to_owned()));
    }
    git(&["fetch", "--quiet", "--tags", "origin"], Some(folder))?;
    // A tag that was chosen stays: there is no branch to follow.
    if git(&["symbolic-ref", "--quiet", "HEAD"], Some(folder)).is_ok() {
        git(&["pull", "--quiet", "--ff-only"], Some(folder))?;
    }
    match folder.join("plugin.yaml").is_file() {
        true => Ok(()),
        false => Err(Error::Plugin("plugin metadata (plugin.yaml) missing".to_owned())),
    }
}

fn git(args: &[&str], folder: Option<&Path>) -> Result<String, Error> {
    let mut command = Command::new("git");
    command.args(args).env("GIT_TERMINAL_PROMPT", "0");
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = command.output().map_err(|error| {
        Error::Plugin(format!("git, which gets plug-ins from repositories, cannot be run: {error}"))
    })?;
    let words = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Error::Plugin(format!("unable to get repository: {}", words.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let here = tempfile::tempdir().unwrap();
        let path = |name: &str| here.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("a-1.0.0.tgz"), "x").unwrap();
        let kinds = [
            (path(""), "Folder"),
            (path("a-1.0.0.tgz"), "Archive"),
            ("https://example.com/a.tgz".to_owned(), "Http"),
            ("oci://example.com/a:1.0.0".to_owned(), "Registry"),
            ("https://example.com/a/b".to_owned(), "Git"),
            ("git@example.com:a/b.git".to_owned(), "Git"),
            (format!("file://{}", path("")), "Git"),
        ];
        for (text, want) in kinds {
            assert!(format!("{:?}", Source::of(&text).unwrap()).starts_with(want), "{text}");
        }
        assert!(Source::of(&path("nothing")).unwrap_err().to_string().ends_with("last error was: Cannot detect VCS"));
    }

    #[test]
    fn the_newest_tag_that_fits_is_taken() {
        let tags = "v0.9.0\nv1.2.0\nv1.10.0\nnightly\nv2.0.0\n";
        assert_eq!(newest(tags, "^1"), Some("v1.10.0".to_owned()));
        assert_eq!(newest(tags, "> 5"), None);
    }
}

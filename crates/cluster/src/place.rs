//! Named clusters on one machine, and where each keeps what.
//!
//! Data that outlives a reboot lies in `/var/lib/hakata/NAME`, what does not in `/run/hakata/NAME`.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The cluster that is meant if nobody says which.
pub const DEFAULT_NAME: &str = "hakata";
/// Where clusters keep their data.
pub const DATA_ROOT: &str = "/var/lib/hakata";
/// Where clusters keep what ends with the machine's run.
pub const RUN_ROOT: &str = "/run/hakata";
/// Longest name: it becomes part of the names of nftables tables, cgroups and sockets.
const LONGEST: usize = 40;

/// A text cannot name a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a cluster; use up to {LONGEST} lower case letters, digits and dashes, such as `team-a`")]
pub struct NameError(pub String);

/// A cluster's name and folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    name: String,
    data: PathBuf,
    run: PathBuf,
}

impl Place {
    /// The cluster of this name.
    pub fn named(name: &str) -> Result<Place, NameError> {
        Place::at(name, Path::new(DATA_ROOT).join(name))
    }

    /// The cluster of this name with its data elsewhere.
    pub fn at(name: &str, data: PathBuf) -> Result<Place, NameError> {
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let bytes = name.as_bytes();
        if bytes.len() > LONGEST || !edge(bytes.first()) || !edge(bytes.last()) || !bytes.iter().copied().all(inner) {
            return Err(NameError(name.to_owned()));
        }
        Ok(Place { name: name.to_owned(), data, run: Path::new(RUN_ROOT).join(name) })
    }

    /// The cluster whose data lies in this folder. A folder elsewhere than usual gives a name of its own, which is the
    /// same at every start.
    pub fn of_data(data: &Path) -> Place {
        let usual = data.parent().is_some_and(|parent| parent == Path::new(DATA_ROOT));
        let base = data.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if usual && let Ok(place) = Place::at(base, data.to_owned()) {
            return place;
        }
        let whole = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
        let tag: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{DEFAULT_NAME}-{tag}");
        Place { run: Path::new(RUN_ROOT).join(&name), name, data: data.to_owned() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where everything lies that outlives a reboot.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where sockets, namespaces and the like lie.
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The administrator's kubeconfig that the server writes.
    pub fn kubeconfig(&self) -> PathBuf {
        self.data.join("kubeconfig")
    }

    /// What the server says while nobody watches.
    pub fn log(&self) -> PathBuf {
        self.data.join("server.log")
    }

    /// The control group of all its pods, below the roots.
    pub fn cgroup(&self) -> String {
        format!("hakata-{}", self.name)
    }

    /// The name of its context in kubeconfigs: told apart from contexts of other tools.
    pub fn context(&self) -> String {
        if self.name.starts_with(DEFAULT_NAME) { self.name.clone() } else { format!("{DEFAULT_NAME}-{}", self.name) }
    }

    /// Every named cluster that has data on this machine, by name.
    pub fn all() -> Vec<Place> {
        let entries = std::fs::read_dir(DATA_ROOT).into_iter().flatten().filter_map(Result::ok);
        let mut found: Vec<Place> =
            entries.filter_map(|entry| Place::named(entry.file_name().to_str()?).ok()).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_apart() {
        let place = Place::named("team-a").unwrap();
        assert_eq!(place.data(), Path::new("/var/lib/hakata/team-a"));
        assert_eq!((place.run(), place.context()), (Path::new("/run/hakata/team-a"), "hakata-team-a".to_owned()));
        assert_eq!(Place::named(DEFAULT_NAME).unwrap().context(), "hakata");
        let (one, other) = (Place::of_data(Path::new("/a/data")), Place::of_data(Path::new("/b/data")));
        assert_ne!(one.name(), other.name());
        assert_eq!(one, Place::of_data(Path::new("/a/data")));
        assert_eq!(Place::of_data(Path::new("/var/lib/hakata/x")).name(), "x");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for name in ["", "-a", "a-", "A", "a/b", "..", "a.b", &"x".repeat(41)] {
            assert_eq!(Place::named(name), Err(NameError(name.to_owned())));
        }
    }
}

//! Where Helm keeps what it knows of repositories: the same files, so that both programs share them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::Error;

/// Helm's files and folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Caches.
    pub cache_home: PathBuf,
    /// Settings.
    pub config_home: PathBuf,
    /// Plug-ins and the like.
    pub data_home: PathBuf,
    /// The list of repositories.
    pub repositories: PathBuf,
    /// Indexes and archives of repositories.
    pub repository_cache: PathBuf,
    /// Charts by their digest.
    pub content_cache: PathBuf,
    /// Credentials of registries.
    pub registries: PathBuf,
    /// Plug-ins.
    pub plugins: PathBuf,
}

impl Places {
    /// As the environment says.
    #[must_use]
    pub fn of_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let home = |own: &str, shared: &str, below: &str| {
            let own = variable(own).map(PathBuf::from);
            own.or_else(|| variable(shared).map(|dir| PathBuf::from(dir).join("helm")))
                .unwrap_or_else(|| PathBuf::from(variable("HOME").unwrap_or_default()).join(below).join("helm"))
        };
        let cache = home("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache");
        let config = home("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config");
        let data = home("HELM_DATA_HOME", "XDG_DATA_HOME", ".local/share");
        let or = |name: &str, default: PathBuf| variable(name).map_or(default, PathBuf::from);
        Self {
            repositories: or("HELM_REPOSITORY_CONFIG", config.join("repositories.yaml")),
            repository_cache: or("HELM_REPOSITORY_CACHE", cache.join("repository")),
            content_cache: or("HELM_CONTENT_CACHE", cache.join("content")),
            registries: or("HELM_REGISTRY_CONFIG", config.join("registry/config.json")),
            plugins: or("HELM_PLUGINS", data.join("plugins")),
            cache_home: cache,
            config_home: config,
            data_home: data,
        }
    }
}

impl Places {
    /// The variables that tell other programs of these places.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let all = [
            ("HELM_CACHE_HOME", &self.cache_home),
            ("HELM_CONFIG_HOME", &self.config_home),
            ("HELM_CONTENT_CACHE", &self.content_cache),
            ("HELM_DATA_HOME", &self.data_home),
            ("HELM_PLUGINS", &self.plugins),
            ("HELM_REGISTRY_CONFIG", &self.registries),
            ("HELM_REPOSITORY_CACHE", &self.repository_cache),
            ("HELM_REPOSITORY_CONFIG", &self.repositories),
        ];
        all.map(|(name, path)| (name.to_owned(), path.display().to_string())).to_vec()
    }
}

/// Writes a file that a reader never sees half of.
pub(super) fn write(path: &std::path::Path, data: &[u8]) -> Result<(), Error> {
    write_with_mode(path, data, 0o644)
}

/// As [`write`], for what others have no business with.
pub(super) fn write_private(path: &std::path::Path, data: &[u8]) -> Result<(), Error> {
    write_with_mode(path, data, 0o600)
}

fn write_with_mode(path: &std::path::Path, data: &[u8], mode: u32) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|source| Error::file(parent, source))?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let draft = PathBuf::from(draft);
    let failed = |source| Error::file(&draft, source);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&draft).map_err(failed)?;
    file.write_all(data).map_err(failed)?;
    drop(file);
    std::fs::rename(&draft, path).map_err(|source| Error::file(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_say_where() {
        let of = |set: &[(&str, &str)]| {
            Places::from_variables(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let plain = of(&[("HOME", "/h")]);
        assert_eq!(plain.repositories, PathBuf::from("/h/.config/helm/repositories.yaml"));
        assert_eq!(plain.repository_cache, PathBuf::from("/h/.cache/helm/repository"));
        let own = of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HELM_CONFIG_HOME", "/c"), ("HELM_PLUGINS", "/p")]);
        assert_eq!(own.repository_cache, PathBuf::from("/x/helm/repository"));
        assert_eq!(own.registries, PathBuf::from("/c/registry/config.json"));
        assert_eq!(own.plugins, PathBuf::from("/p"));
    }
}

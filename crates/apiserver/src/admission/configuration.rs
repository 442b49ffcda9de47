//! The file that configures admission plug-ins: AdmissionConfiguration.

use object::View;
use std::path::{Path, PathBuf};

/// What plug-ins are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Pod Security's defaults and exemptions.
    pub pod_security: podsecurity::Configuration,
}

/// Why a file cannot configure admission.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It cannot be read.
    #[error("cannot read the admission configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read the admission configuration {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// It is something else.
    #[error(
        "{path} holds apiVersion {api_version:?} and kind {kind:?}, but has to hold an AdmissionConfiguration of apiserver.config.k8s.io/v1"
    )]
    Kind {
        /// Which.
        path: PathBuf,
        /// What it says.
        api_version: String,
        /// What it says.
        kind: String,
    },
    /// It is about a plug-in that cannot be told anything.
    #[error("{path} configures the plug-in {name:?}, which takes no configuration; PodSecurity does")]
    Plugin {
        /// Which file.
        path: PathBuf,
        /// Which plug-in.
        name: String,
    },
    /// What a plug-in is told is wrong.
    #[error("{path} is no configuration for {plugin}: {why}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// For which plug-in.
        plugin: &'static str,
        /// All that is wrong.
        why: String,
    },
}

impl Configuration {
    /// Reads the file `path`. Further files that it names are looked for beside it.
    pub fn load(path: &Path) -> Result<Configuration, ConfigurationError> {
        let value = read(path)?;
        let value = View::from(&value);
        let (api_version, kind) = (value.str("apiVersion"), value.str("kind"));
        let is_known = matches!(api_version, "apiserver.config.k8s.io/v1" | "apiserver.k8s.io/v1alpha1");
        if !is_known || kind != "AdmissionConfiguration" {
            let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
            return Err(ConfigurationError::Kind { path: path.to_owned(), api_version, kind });
        }
        let mut configuration = Configuration::default();
        for plugin in value.list("plugins") {
            match plugin.str("name") {
                "PodSecurity" => configuration.pod_security = pod_security(path, plugin)?,
                name => return Err(ConfigurationError::Plugin { path: path.to_owned(), name: name.to_owned() }),
            }
        }
        Ok(configuration)
    }
}

/// What a plug-in is told: in the file itself or in another.
fn pod_security(path: &Path, plugin: View<'_>) -> Result<podsecurity::Configuration, ConfigurationError> {
    let (inline, other) = (plugin.get("configuration"), plugin.str("path"));
    if inline.exists() {
        return read_pod_security(path, inline);
    }
    if other.is_empty() {
        return Ok(podsecurity::Configuration::default());
    }
    let other = path.parent().unwrap_or(Path::new("")).join(other);
    read_pod_security(&other, View::from(&read(&other)?))
}

fn read_pod_security(path: &Path, value: View<'_>) -> Result<podsecurity::Configuration, ConfigurationError> {
    podsecurity::Configuration::read(value).map_err(|errors| ConfigurationError::Invalid {
        path: path.to_owned(),
        plugin: "PodSecurity",
        why: object::status::aggregate(&errors),
    })
}

fn read(path: &Path) -> Result<object::Value, ConfigurationError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigurationError::Read { path: path.to_owned(), source })?;
    yaml::to_json_strict(&text).map_err(|source| ConfigurationError::Yaml { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Configuration, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admission.yaml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(
            folder.path().join("pods.yaml"),
            "{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {enforce: restricted}}",
        )
        .unwrap();
        let read = Configuration::load(&path);
        read.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";

    #[test]
    fn plugins_are_told_in_the_file_or_beside_it() {
        let inline = "plugins:\n- name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    defaults: {enforce: baseline}\n";
        let read = load(&format!("{HEAD}{inline}")).unwrap();
        assert_eq!(read.pod_security.defaults.enforce.to_string(), "baseline:latest");
        let read = load(&format!("{HEAD}plugins: [{{name: PodSecurity, path: pods.yaml}}]")).unwrap();
        assert_eq!(read.pod_security.defaults.enforce.to_string(), "restricted:latest");
        assert_eq!(load(HEAD).unwrap(), Configuration::default());
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(
            load("kind: Pod").unwrap_err(),
            "admission.yaml holds apiVersion \"\" and kind \"Pod\", but has to hold an AdmissionConfiguration of apiserver.config.k8s.io/v1"
        );
        assert_eq!(
            load(&format!("{HEAD}plugins: [{{name: AlwaysDeny}}]")).unwrap_err(),
            "admission.yaml configures the plug-in \"AlwaysDeny\", which takes no configuration; PodSecurity does"
        );
        let wrong = load(&format!("{HEAD}plugins: [{{name: PodSecurity, configuration: {{kind: Pod}}}}]")).unwrap_err();
        assert!(wrong.starts_with("admission.yaml is no configuration for PodSecurity: [apiVersion: "), "{wrong}");
        assert!(load(&format!("{HEAD}plugins: [{{name: PodSecurity, path: none.yaml}}]")).is_err());
    }
}

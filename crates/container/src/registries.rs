//! Where images come from: mirrors, credentials, registries without or with a certificate of their own.
//!
//! `keyring` reads Docker's files of credentials, which are also the form of `imagePullSecrets`.

mod keyring;

pub use keyring::{Keyring, KeyringError};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a machine says it, if it does.
pub const FILE: &str = "/etc/hakata/registries.yaml";

/// Docker's own name of the registry that `docker.io` means.
const DOCKER: &str = "docker.io";

/// All that is said about registries. The file's form is that of k3s's `registries.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registries {
    /// By registry (`docker.io`, or `*` for all others): where to ask first.
    pub mirrors: BTreeMap<String, Mirror>,
    /// By host (`r.example:5000`): how to speak with it.
    pub configs: BTreeMap<String, Host>,
}

/// Where to ask in place of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mirror {
    /// Addresses (`https://mirror.example`), in order. The registry itself comes last.
    pub endpoint: Vec<String>,
}

/// How to speak with a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Credentials.
    pub auth: Option<Credentials>,
    /// Its certificate.
    pub tls: Tls,
}

/// A name and a password, or a token.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
    /// A token that the registry itself takes.
    pub registry_token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nobody finds a password in a log.
        out.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What is said about a host's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// Any certificate will do.
    pub insecure_skip_verify: bool,
    /// A file of authorities to trust beside the machine's.
    pub ca_file: Option<PathBuf>,
}

/// Why a file of registries cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistriesError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read {}: {message}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// It does not say what it should.
    #[error("{} is not a file of registries", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// One place to ask for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) plain: bool,
    pub(crate) tls: Tls,
    pub(crate) auth: Option<Credentials>,
}

impl Registries {
    /// Reads a file; a missing one says nothing.
    pub fn load(path: &Path) -> Result<Registries, RegistriesError> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Registries::default()),
            other => other.map_err(|source| RegistriesError::Read { path: path.to_owned(), source })?,
        };
        let wrong = |error: yaml::Error| RegistriesError::Yaml { path: path.to_owned(), message: error.to_string() };
        let value = yaml::to_json(&text).map_err(wrong)?;
        if value.is_null() {
            return Ok(Registries::default());
        }
        value::from_value(value).map_err(|source| RegistriesError::Shape { path: path.to_owned(), source })
    }

    /// Where to ask for images of a registry, in order.
    pub(crate) fn endpoints(&self, domain: &str) -> Vec<Endpoint> {
        let mirror = self.mirrors.get(domain).or_else(|| self.mirrors.get("*"));
        let mirrors = mirror.iter().flat_map(|mirror| &mirror.endpoint).map(|address| self.endpoint_at(address));
        mirrors.chain([self.endpoint(domain)]).collect()
    }

    /// The registry itself: in plain HTTP if it is this machine, and nothing is said about its certificate.
    pub(crate) fn endpoint(&self, domain: &str) -> Endpoint {
        let plain = is_here(domain) && !self.configs.get(domain).is_some_and(|host| host.tls != Tls::default());
        self.host(domain, plain)
    }

    fn endpoint_at(&self, address: &str) -> Endpoint {
        let (plain, rest) = match (address.strip_prefix("http://"), address.strip_prefix("https://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => (is_here(address), address),
        };
        self.host(rest.split('/').next().unwrap_or(rest), plain)
    }

    fn host(&self, host: &str, plain: bool) -> Endpoint {
        let said = self.configs.get(host).cloned().unwrap_or_default();
        Endpoint { host: host.to_owned(), plain, tls: said.tls, auth: said.auth }
    }
}

/// `localhost`, `127.…`, `[::1]`.
fn is_here(domain: &str) -> bool {
    let host = match domain.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => domain,
    };
    host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Registries;

    fn asked(text: &str, domain: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registries.yaml");
        std::fs::write(&path, text).unwrap();
        let registries = Registries::load(&path).unwrap();
        let shown = |one: super::Endpoint| {
            let user = one.auth.map(|auth| auth.username + "@").unwrap_or_default();
            let trust = if one.tls.insecure_skip_verify { " any" } else { "" };
            format!("{}://{user}{}{trust}", if one.plain { "http" } else { "https" }, one.host)
        };
        registries.endpoints(domain).into_iter().map(shown).collect()
    }

    #[test]
    fn mirrors_come_first() {
        let text = "
mirrors:
  docker.io:
    endpoint: [\"https://mirror.example\", \"http://10.0.0.1:5000/v2\"]
  \"*\":
    endpoint: [\"https://all.example\"]
configs:
  mirror.example:
    auth: {username: me, password: secret}
  r.example:5000:
    tls: {insecure_skip_verify: true}
";
        assert_eq!(
            asked(text, "docker.io"),
            ["https://me@mirror.example", "http://10.0.0.1:5000", "https://docker.io"]
        );
        assert_eq!(asked(text, "r.example:5000"), ["https://all.example", "https://r.example:5000 any"]);
        assert_eq!(asked("", "localhost:5000"), ["http://localhost:5000"]);
        assert_eq!(asked("", "[::1]:5000"), ["http://[::1]:5000"]);
        assert_eq!(
            asked("configs: {\"localhost:5000\": {tls: {ca_file: /ca}}}", "localhost:5000"),
            ["https://localhost:5000"]
        );
    }
}

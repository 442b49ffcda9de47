//! Docker's files of credentials (`config.json`, and the older `.dockercfg`), and which of them fit an image: by host,
//! with `*` for parts of its name, and by the beginning of the path; the longest match first.

use super::{Credentials, DOCKER};
use crate::images::Reference;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Credentials by place.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    entries: Vec<(String, Credentials)>,
}

/// Why a file of credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It is not what Docker writes.
    #[error("the credentials are not in Docker's form")]
    Shape(#[source] serde_json::Error),
    /// The coded form of name and password is broken.
    #[error("the credentials for {host} are not a name and a password in base64")]
    Coding {
        /// Where they are for.
        host: String,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    registrytoken: String,
}

impl Keyring {
    /// Reads `.dockerconfigjson` (and Docker's `config.json`), or `.dockercfg`.
    pub fn parse(text: &[u8]) -> Result<Keyring, KeyringError> {
        let value: value::Value = serde_json::from_slice(text).map_err(KeyringError::Shape)?;
        let auths = match value.get("auths") {
            Some(_) => value::from_value::<File>(value).map_err(KeyringError::Shape)?.auths,
            // Docker's own file may hold other settings and no credentials.
            None if value.get("credsStore").is_some() || value.get("HttpHeaders").is_some() => BTreeMap::new(),
            None => value::from_value(value).map_err(KeyringError::Shape)?,
        };
        let entries = auths.into_iter().map(|(place, auth)| {
            let credentials = auth.credentials(&place)?;
            Ok((place, credentials))
        });
        Ok(Keyring { entries: entries.collect::<Result<_, KeyringError>>()? })
    }

    /// Adds another's.
    pub fn extend(&mut self, other: Keyring) {
        self.entries.extend(other.entries);
    }

    /// What fits an image, best first.
    pub fn find(&self, reference: &Reference) -> Vec<Credentials> {
        let repository = reference.repository();
        let fits = |(place, credentials): &(String, Credentials)| {
            let place = normal(place);
            matches(&place, &repository).then(|| (place.len(), credentials.clone()))
        };
        let mut found: Vec<_> = self.entries.iter().filter_map(fits).collect();
        found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        found.into_iter().map(|(_, credentials)| credentials).collect()
    }
}

impl Auth {
    fn credentials(self, host: &str) -> Result<Credentials, KeyringError> {
        let mut credentials =
            Credentials { username: self.username, password: self.password, registry_token: self.registrytoken };
        if !self.auth.is_empty() {
            let wrong = || KeyringError::Coding { host: host.to_owned() };
            let text = STANDARD.decode(self.auth.trim()).map_err(|_| wrong())?;
            let text = String::from_utf8(text).map_err(|_| wrong())?;
            let (name, password) = text.split_once(':').ok_or_else(wrong)?;
            name.clone_into(&mut credentials.username);
            password.trim_end_matches('\0').clone_into(&mut credentials.password);
        }
        Ok(credentials)
    }
}

/// Without scheme and version: `https://index.docker.io/v1/` is `docker.io`.
fn normal(place: &str) -> String {
    let place = place.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let place = place.trim_end_matches("/v1").trim_end_matches("/v2");
    match place.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", path)) => format!("{DOCKER}/{path}"),
        None if matches!(place, "index.docker.io" | "registry-1.docker.io") => DOCKER.to_owned(),
        _ => place.to_owned(),
    }
}

fn matches(place: &str, repository: &str) -> bool {
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let (its_host, its_path) = repository.split_once('/').unwrap_or((repository, ""));
    let parts = |host: &str| host.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, found) = (parts(host), parts(its_host));
    let same_host = wanted.len() == found.len() && wanted.iter().zip(&found).all(|(wanted, found)| glob(wanted, found));
    same_host
        && (path.is_empty()
            || its_path == path
            || its_path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}

/// One `*` stands for any text in one part of a host's name.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((front, back)) => {
            text.len() >= front.len() + back.len() && text.starts_with(front) && text.ends_with(back)
        }
        None => pattern == text,
    }
}

#[cfg(test)]
mod tests {
    use super::Keyring;
    use crate::images::Reference;

    const FILE: &[u8] = br#"{"auths": {
        "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
        "r.example": {"username": "host", "password": "x"},
        "r.example/team": {"username": "team", "password": "x"},
        "*.cloud.example": {"username": "any", "password": "x"}}}"#;

    #[test]
    fn the_best_match_comes_first() {
        let keyring = Keyring::parse(FILE).unwrap();
        let check = |image: &str, want: &[&str]| {
            let found = keyring.find(&Reference::parse(image).unwrap());
            assert_eq!(found.iter().map(|one| one.username.as_str()).collect::<Vec<_>>(), want, "{image}");
        };
        check("busybox", &["hub"]);
        check("r.example/other/x", &["host"]);
        check("r.example/team/x:1", &["team", "host"]);
        check("r.example/teams/x", &["host"]);
        check("eu.cloud.example/x", &["any"]);
        check("a.eu.cloud.example/x", &[]);
    }

    #[test]
    fn the_older_form_and_what_is_broken() {
        let keyring = Keyring::parse(br#"{"r.example": {"auth": "YTpiOmM="}}"#).unwrap();
        let found = keyring.find(&Reference::parse("r.example/x").unwrap());
        assert_eq!((found[0].username.as_str(), found[0].password.as_str()), ("a", "b:c"));
        assert!(Keyring::parse(br#"{"auths": {"r": {"auth": "!"}}}"#).is_err());
        assert!(Keyring::parse(b"[]").is_err());
    }
}

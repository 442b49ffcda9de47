//! `repositories.yaml`: which repositories a person has added.

use std::fs;

use value::{Value, json};

use super::places::{Places, write_private};
use crate::Error;

/// A repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are Helm's")]
pub struct Entry {
    pub name: String,
    pub url: String,
    pub username: String,
    pub password: String,
    pub ca_file: String,
    pub cert_file: String,
    pub key_file: String,
    pub insecure_skip_tls_verify: bool,
    pub pass_credentials_all: bool,
}

impl Entry {
    fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            url: text("url"),
            username: text("username"),
            password: text("password"),
            ca_file: text("caFile"),
            cert_file: text("certFile"),
            key_file: text("keyFile"),
            insecure_skip_tls_verify: value["insecure_skip_tls_verify"] == true,
            pass_credentials_all: value["pass_credentials_all"] == true,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "url": self.url, "username": self.username, "password": self.password,
            "caFile": self.ca_file, "certFile": self.cert_file, "keyFile": self.key_file,
            "insecure_skip_tls_verify": self.insecure_skip_tls_verify,
            "pass_credentials_all": self.pass_credentials_all,
        })
    }

    /// The URL without slashes at its end.
    pub(super) fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Repositories {
    /// In the order in which they were added.
    pub entries: Vec<Entry>,
    generated: String,
}

impl Repositories {
    /// Reads the list; it is empty where there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn load(places: &Places) -> Result<Self, Error> {
        let path = &places.repositories;
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(|source| Error::file(path, source))?,
        };
        let value = yaml::to_json(&text)
            .map_err(|error| Error::Repository(format!("failed loading file: {}: {error}", path.display())))?;
        let entries = value["repositories"].as_array().into_iter().flatten().map(Entry::from_json).collect();
        let generated = value["generated"].as_str().unwrap_or_default().to_owned();
        Ok(Self { entries, generated })
    }

    /// Writes the list.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, places: &Places) -> Result<(), Error> {
        let generated = if self.generated.is_empty() { "0001-01-01T00:00:00Z" } else { &self.generated };
        let entries: Vec<Value> = self.entries.iter().map(Entry::to_json).collect();
        let value = json!({ "apiVersion": "", "generated": generated, "repositories": entries });
        // It may hold passwords.
        write_private(&places.repositories, yaml::from_json(&value).as_bytes())
    }

    /// The repository of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The repository at this URL.
    #[must_use]
    pub fn at(&self, url: &str) -> Option<&Entry> {
        let url = url.trim_end_matches('/');
        self.entries.iter().find(|entry| entry.base() == url)
    }

    /// Adds a repository, or replaces the one of its name.
    pub fn put(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes a repository out; false where there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() < before
    }
}

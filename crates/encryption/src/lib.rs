//! Encryption at rest: which values lie encrypted on disk, and by which keys.
//!
//! [`Encryption`] is what an EncryptionConfiguration says: for each resource a list of providers, of which the first
//! seals and all open. A sealed value begins with its provider and key (`k8s:enc:aesgcm:v1:KEY:`), as upstream's do,
//! and is bound to its place, so that nobody can exchange two of them. [`keyring`] makes and turns over the
//! configuration that a server has if nobody wrote one.
//!
//! Deliberately absent: files, and speaking with key management services, which whoever reads a configuration brings
//! ([`KeyService`]).

mod cipher;
mod configuration;
pub mod keyring;
mod kms;

pub use cipher::SealError;
pub use kms::{KeyService, KmsSettings, Wrapped};

use cipher::Provider;
use object::View;
use object::field::Error;
use std::sync::Arc;

/// What every sealed value begins with.
const SEALED: &[u8] = b"k8s:enc:";

/// Who speaks with key management services.
pub type Services<'a> = &'a dyn Fn(&KmsSettings) -> Arc<dyn KeyService>;

/// What is encrypted, and how.
#[derive(Debug)]
pub struct Encryption {
    rules: Vec<Rule>,
}

/// How some resources are encrypted.
#[derive(Debug)]
struct Rule {
    resources: Vec<Pattern>,
    /// The first seals, all open.
    providers: Vec<Provider>,
}

/// `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    resource: String,
    group: String,
}

/// Why a stored value cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Nobody has its key.
    #[error("it is encrypted ({0}...) and none of the configured keys is the one")]
    NoKey(String),
    /// It is not encrypted, and may not be.
    #[error("it is not encrypted, and the configuration has no provider `identity` that would read it")]
    Plain,
    /// The key is not the one that its name says, or the value was changed.
    #[error("it cannot be decrypted with the key {0:?}: the key is another, or the value was changed")]
    Wrong(String),
    /// A key management service does not tell.
    #[error("the key management service {name:?} does not decrypt its key: {why}")]
    Service {
        /// Which.
        name: String,
        /// Why not.
        why: String,
    },
}

impl Encryption {
    /// Reads an EncryptionConfiguration.
    ///
    /// # Errors
    /// All that is wrong with it, in upstream's words.
    pub fn read(value: View<'_>, services: Services<'_>) -> Result<Encryption, Vec<Error>> {
        configuration::read(value, services)
    }

    /// Asks key management services by which keys they encrypt now; true if any has another, so that values do not lie
    /// any more as they would be written.
    ///
    /// # Errors
    /// Which does not answer, and why.
    pub fn refresh(&self) -> Result<bool, String> {
        let mut changed = false;
        for provider in self.rules.iter().filter_map(|rule| rule.providers.first()) {
            changed |= provider.refresh().map_err(|why| format!("{}: {why}", provider.name()))?;
        }
        Ok(changed)
    }

    /// Encrypts a value of a resource for its place; `None` if it lies there as it is.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn seal(&self, of: (&str, &str), place: &str, value: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        match self.writer(of) {
            Some(provider) => provider.seal(place, value),
            None => Ok(None),
        }
    }

    /// Decrypts what lies at a place; `None` if it lies there as it is.
    ///
    /// # Errors
    /// If it is encrypted by a key that nobody has, or was changed.
    pub fn open(&self, of: (&str, &str), place: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(rule) = self.rule(of) else {
            return if stored.starts_with(SEALED) { Err(OpenError::NoKey(shown(stored))) } else { Ok(None) };
        };
        if !stored.starts_with(SEALED) {
            let may_be_plain = rule.providers.iter().any(Provider::is_identity);
            return if may_be_plain { Ok(None) } else { Err(OpenError::Plain) };
        }
        let provider = rule.providers.iter().find(|provider| provider.made(stored));
        let provider = provider.ok_or_else(|| OpenError::NoKey(shown(stored)))?;
        let name = || provider.name().to_owned();
        match provider.open(place, stored) {
            Ok(Some(value)) => Ok(Some(value)),
            Ok(None) => Err(OpenError::Wrong(name())),
            Err(why) => Err(OpenError::Service { name: name(), why }),
        }
    }

    /// True if a value lies as it would be written now. Its beginning is enough.
    pub fn is_current(&self, of: (&str, &str), stored: &[u8]) -> bool {
        match self.writer(of).filter(|provider| !provider.is_identity()) {
            Some(provider) => provider.would_make(stored),
            None => !stored.starts_with(SEALED),
        }
    }

    /// Name of the key that seals values of a resource; `None` if they are not encrypted.
    pub fn key_name(&self, of: (&str, &str)) -> Option<&str> {
        self.writer(of).filter(|provider| !provider.is_identity()).map(Provider::name)
    }

    fn rule(&self, of: (&str, &str)) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.resources.iter().any(|pattern| pattern.matches(of)))
    }

    fn writer(&self, of: (&str, &str)) -> Option<&Provider> {
        self.rule(of).and_then(|rule| rule.providers.first())
    }
}

impl Pattern {
    /// `RESOURCE.GROUP`, or `RESOURCE` of the core group.
    fn parse(text: &str) -> Pattern {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Pattern { resource: resource.to_owned(), group: group.to_owned() }
    }

    fn matches(&self, (group, resource): (&str, &str)) -> bool {
        (self.resource == "*" || self.resource == resource) && (self.group == "*" || self.group == group)
    }
}

/// The beginning of a sealed value, which tells its provider and key.
fn shown(stored: &[u8]) -> String {
    let end =
        stored.iter().enumerate().filter(|(_, byte)| **byte == b':').nth(4).map_or(stored.len().min(64), |(at, _)| at);
    String::from_utf8_lossy(&stored[..end.min(128)]).into_owned()
}

#[cfg(test)]
mod tests;

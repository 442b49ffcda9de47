//! How the API server guards itself: one table ([`FIELDS`]) of flags, which are spelled as kube-apiserver's.
//!
//! From the table come the flags of `hakata server`, the keys of its file and the variables of the environment. A
//! [`Layer`] is what one of these says; [`Guard`] is what all of them mean.

mod fields;

pub use fields::FIELDS;

use super::settings::SettingsError;
use object::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What guards the API server beside certificates, roles and quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// A file that configures admission plug-ins.
    pub admission: Option<PathBuf>,
    /// What is audited, and where it goes.
    pub audit: Audit,
    /// A file that says what lies encrypted on disk; without it the server makes one.
    pub encryption: Option<PathBuf>,
    /// Whose tokens are believed, beside those of service accounts.
    pub authentication: Authentication,
    /// A file that says who decides what is allowed; without it nodes' rules and roles do.
    pub authorization: Option<PathBuf>,
}

/// Whose tokens are believed, beside those of service accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// A file of issuers.
    pub file: Option<PathBuf>,
    /// One issuer, by flags.
    pub oidc: Oidc,
    /// A kubeconfig that leads to who knows tokens.
    pub webhook: Option<PathBuf>,
    /// How long its answers hold.
    pub webhook_ttl: Duration,
    /// In which version of `authentication.k8s.io` it is asked.
    pub webhook_version: String,
    /// Whether bootstrap tokens are believed.
    pub bootstrap_tokens: bool,
}

impl Default for Authentication {
    fn default() -> Authentication {
        Authentication {
            file: None,
            oidc: Oidc::default(),
            webhook: None,
            webhook_ttl: Duration::from_secs(120),
            webhook_version: "v1beta1".to_owned(),
            bootstrap_tokens: false,
        }
    }
}

/// One issuer of tokens, by flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oidc {
    /// Its URL.
    pub issuer_url: Option<String>,
    /// For whom its tokens have to be.
    pub client_id: Option<String>,
    /// The claim that is the user's name; `sub` without it.
    pub username_claim: Option<String>,
    /// What is put before it; `-` for nothing.
    pub username_prefix: Option<String>,
    /// The claim that has the groups.
    pub groups_claim: Option<String>,
    /// What is put before them.
    pub groups_prefix: Option<String>,
    /// Claims that tokens must have, as `KEY=VALUE`.
    pub required_claims: Vec<String>,
    /// By which algorithms tokens may be signed; RS256 without it.
    pub signing_algorithms: Vec<String>,
    /// Authorities of its certificate.
    pub ca_file: Option<PathBuf>,
}

/// What is audited, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// True if nothing is.
    pub off: bool,
    /// A file of rules; without it our own hold.
    pub policy: Option<PathBuf>,
    /// A file of events; without it `audit/audit.log` in the data folder.
    pub log: Option<PathBuf>,
    /// Days for which old files are kept; 0 for ever.
    pub log_max_age: u64,
    /// Old files that are kept; 0 for all.
    pub log_max_backup: u64,
    /// Megabytes after which a new file is begun.
    pub log_max_size: u64,
    /// A kubeconfig that leads to who gets events.
    pub webhook: Option<PathBuf>,
    /// Events that may wait for the webhook.
    pub webhook_buffer_size: u64,
    /// Most events in one post.
    pub webhook_max_batch: u64,
    /// How long the first event of a post waits for others.
    pub webhook_max_wait: Duration,
    /// How long it takes to try again after the first failure.
    pub webhook_initial_backoff: Duration,
    /// How large events in the file may be.
    pub log_truncate: Truncation,
    /// How large events for the webhook may be.
    pub webhook_truncate: Truncation,
}

/// How large events may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// One event.
    pub max_event: u64,
    /// Events that are handed over together.
    pub max_batch: u64,
}

impl Default for Truncation {
    fn default() -> Truncation {
        Truncation { enabled: false, max_event: 102_400, max_batch: 10_485_760 }
    }
}

impl Default for Audit {
    fn default() -> Audit {
        Audit {
            off: false,
            policy: None,
            log: None,
            log_max_age: 30,
            log_max_backup: 5,
            log_max_size: 50,
            webhook: None,
            webhook_buffer_size: 10_000,
            webhook_max_batch: 400,
            webhook_max_wait: Duration::from_secs(30),
            webhook_initial_backoff: Duration::from_secs(10),
            log_truncate: Truncation::default(),
            webhook_truncate: Truncation::default(),
        }
    }
}

/// One setting of [`Guard`].
pub struct Field {
    /// The flag's name, and the key in the file.
    pub key: &'static str,
    /// What stands for its value in the help.
    pub value_name: &'static str,
    /// The help.
    pub help: &'static str,
    /// What its value has to be.
    pub want: &'static str,
    /// Takes a value over; `None` if it is not of its kind.
    set: fn(&mut Guard, &Value) -> Option<()>,
}

impl Field {
    /// Its variable in the environment.
    pub fn variable(&self) -> String {
        format!("HAKATA_{}", self.key.replace('-', "_").to_ascii_uppercase())
    }

    /// True if the flag needs no value.
    pub fn is_switch(&self) -> bool {
        self.value_name.is_empty()
    }

    /// The field of this key.
    pub fn find(key: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.key == key)
    }
}

/// What one layer says of the guard, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<&'static str, Value>);

impl Layer {
    /// Takes a value, which stands at `place`.
    ///
    /// # Errors
    /// If it is not of its kind.
    pub fn take(
        &mut self,
        field: &'static Field,
        value: Value,
        place: impl Fn() -> String,
    ) -> Result<(), SettingsError> {
        let read = (field.set)(&mut Guard::default(), &value);
        read.ok_or_else(|| SettingsError::BadValue { place: place(), value: value.to_string(), want: field.want })?;
        self.0.insert(field.key, value);
        Ok(())
    }

    /// This layer over another.
    pub(super) fn over(mut self, below: Layer) -> Layer {
        for (key, value) in below.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// What it means.
    pub(super) fn guard(&self) -> Guard {
        let mut guard = Guard::default();
        for field in FIELDS {
            if let Some(value) = self.0.get(field.key) {
                (field.set)(&mut guard, value).expect("values were checked when they were taken");
            }
        }
        guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_takes_values_of_its_kind_alone() {
        let mut keys: Vec<&str> = FIELDS.iter().map(|field| field.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), FIELDS.len(), "keys stand once");
        for field in FIELDS {
            let mut layer = Layer::default();
            let error = layer.take(field, object::json!({"a": 1}), || field.key.to_owned()).unwrap_err();
            assert_eq!(error.to_string(), format!("{} is {{\"a\":1}}, but has to be {}", field.key, field.want));
        }
    }
}

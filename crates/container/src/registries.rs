//! Where images come from: mirrors, credentials, registries without or with a certificate of their own.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

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

/// A name and a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
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

//! What an image says about how it is run.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parts of an image's configuration that a container needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// The first part of the command.
    #[serde(rename = "Entrypoint", deserialize_with = "null_is_empty")]
    pub entrypoint: Vec<String>,
    /// The rest of the command.
    #[serde(rename = "Cmd", deserialize_with = "null_is_empty")]
    pub cmd: Vec<String>,
    /// `NAME=VALUE`.
    #[serde(rename = "Env", deserialize_with = "null_is_empty")]
    pub env: Vec<String>,
    /// `user`, `user:group`, in names or numbers.
    #[serde(rename = "User", deserialize_with = "null_is_empty")]
    pub user: String,
    /// The working directory.
    #[serde(rename = "WorkingDir", deserialize_with = "null_is_empty")]
    pub working_dir: String,
    /// The signal that asks it to end.
    #[serde(rename = "StopSignal", deserialize_with = "null_is_empty")]
    pub stop_signal: String,
    /// Paths that are volumes.
    #[serde(rename = "Volumes", deserialize_with = "null_is_empty")]
    pub volumes: BTreeMap<String, value::Value>,
    /// Ports, as `80/tcp`.
    #[serde(rename = "ExposedPorts", deserialize_with = "null_is_empty")]
    pub exposed_ports: BTreeMap<String, value::Value>,
    /// Labels.
    #[serde(rename = "Labels", deserialize_with = "null_is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Docker writes `null` where it means nothing.
fn null_is_empty<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An image's whole configuration file, as far as we read it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigFile {
    pub(crate) architecture: String,
    pub(crate) os: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) config: ImageConfig,
    pub(crate) rootfs: RootFs,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RootFs {
    pub(crate) diff_ids: Vec<String>,
}

/// A manifest, or an index of manifests, as far as we read them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    /// Of an index.
    pub(crate) manifests: Vec<Descriptor>,
}

/// What points at a blob.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Platform {
    pub(crate) architecture: String,
    pub(crate) os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

/// What this machine's architecture is called in images.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

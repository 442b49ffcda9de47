//! Filters of system calls: which profile a container has, in the form of the OCI runtime specification, and made into
//! what the kernel takes. A profile that cannot be applied whole is an error: a container never runs with less than it
//! asked for.
//!
//! `usual` is the profile `RuntimeDefault`, `compile` makes filters. 32-bit programs do not run under a filter: the
//! kernel ends them at their first call.

mod compile;
mod usual;

use crate::config::{ContainerConfig, Seccomp};
use crate::error::Error;
use crate::oci::install::Filter;
use serde::{Deserialize, Serialize};
use value::Value;

/// A profile's largest size as a file.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A profile, in the form that OCI runtimes read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    default_action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_errno_ret: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    architectures: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    listener_path: String,
    #[serde(default)]
    syscalls: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    names: Vec<String>,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errno_ret: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    args: Vec<Argument>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u8,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

impl Profile {
    /// The profile that a container with these capabilities asks for, if any.
    pub(crate) fn of(config: &ContainerConfig, capabilities: &[String]) -> Result<Option<Profile>, Error> {
        match &config.seccomp {
            Seccomp::Unconfined => Ok(None),
            _ if config.privileged => Ok(None),
            Seccomp::RuntimeDefault => Ok(Some(usual::profile(capabilities))),
            Seccomp::Localhost(path) => {
                let read = std::fs::File::open(path).and_then(|file| {
                    let mut text = Vec::new();
                    std::io::Read::read_to_end(&mut std::io::Read::take(file, LARGEST), &mut text).map(|_| text)
                });
                let text = read.map_err(|error| Error::io("read the seccomp profile", path, error))?;
                let parsed = serde_json::from_slice(&text);
                let parsed =
                    parsed.map_err(|error| Error::io("read the seccomp profile", path, std::io::Error::from(error)))?;
                Ok(Some(parsed))
            }
        }
    }

    pub(crate) fn as_value(&self) -> Value {
        // A profile is made of text and numbers, which all have a place in JSON.
        value::to_value(self).unwrap_or_default()
    }

    /// The filters for this machine, in the order of installing.
    pub(crate) fn compile(&self, container: &str) -> Result<Vec<Filter>, Error> {
        compile::filters(self)
            .map_err(|why| Error::Config { name: container.to_owned(), message: format!("seccomp profile: {why}") })
    }
}

//! The layers that a server's configuration comes from: flags over a file over the environment over defaults.
//!
//! One table ([`FIELDS`], and that of [`guard`]) knows every setting: its key in the file, which is also the flag's name, its variable in the
//! environment, and how its value is read. Paths are relative to where the server is started.

use super::guard::{self, Layer};
use super::{Cidr, Config, NodeConfig, Open};
use crate::place::{NameError, Place};
use object::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one layer says; what it leaves out comes from the layer below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// See [`Config::cluster_cidr`].
    pub cluster_cidr: Option<Cidr>,
    /// See [`Config::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`Config::listen`].
    pub listen: Option<SocketAddr>,
    /// The cluster's name, see [`crate::place::Place`].
    pub name: Option<String>,
    /// The name of this server as a node.
    pub node_name: Option<String>,
    /// See [`Config::write_kubeconfig`].
    pub write_kubeconfig: Option<PathBuf>,
    /// See [`Config::service_cidr`].
    pub service_cidr: Option<Cidr>,
    /// See [`Config::tls_names`].
    pub tls_san: Option<Vec<String>>,
    /// See [`Config::token_auth_file`].
    pub token_auth_file: Option<PathBuf>,
    /// See [`Config::kubelet_preferred_address_types`].
    pub kubelet_preferred_address_types: Option<Vec<String>>,
    /// Whether the control plane runs alone.
    pub no_node: Option<bool>,
    /// See [`Config::grace`], in seconds.
    pub shutdown_grace: Option<u64>,
    /// See [`Config::guard`].
    pub guard: Layer,
}

/// Why a layer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the config file {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is no YAML.
    #[error("cannot read the config file {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// The file holds something else than settings.
    #[error("the config file {path} does not hold keys and values, such as `listen: 127.0.0.1:6443`")]
    NoMap {
        /// Which.
        path: PathBuf,
    },
    /// The file has a key that means nothing.
    #[error("the config file {path} has the unknown key {key:?}; allowed are {allowed}")]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// What could have been meant.
        allowed: String,
    },
    /// A value is not of its kind.
    #[error("{place} is {value}, but has to be {want}")]
    BadValue {
        /// The key in its file, or the variable.
        place: String,
        /// What stands there.
        value: String,
        /// What may stand there.
        want: &'static str,
    },
}

/// One setting.
struct Field {
    key: &'static str,
    variable: &'static str,
    want: &'static str,
    /// Takes a value over; `None` if it is not of its kind.
    set: fn(&mut Settings, &Value) -> Option<()>,
}

/// What a range of addresses is.
const RANGE: &str = "a range of IPv4 addresses with a prefix of 8 to 28 bits, such as 10.43.0.0/16";

/// Every setting, sorted by key.
const FIELDS: [Field; 12] = [
    Field {
        key: "cluster-cidr",
        variable: "HAKATA_CLUSTER_CIDR",
        want: RANGE,
        set: |settings, value| set(&mut settings.cluster_cidr, value.as_str()?.parse().ok()),
    },
    Field {
        key: "data-dir",
        variable: "HAKATA_DATA_DIR",
        want: "a folder",
        set: |settings, value| set(&mut settings.data_dir, path(value)),
    },
    Field {
        key: "kubelet-preferred-address-types",
        variable: "HAKATA_KUBELET_PREFERRED_ADDRESS_TYPES",
        want: "a list of types of addresses, such as InternalIP",
        set: |settings, value| set(&mut settings.kubelet_preferred_address_types, names(value)),
    },
    Field {
        key: "listen",
        variable: "HAKATA_LISTEN",
        want: "an address and a port, such as 127.0.0.1:6443",
        set: |settings, value| set(&mut settings.listen, value.as_str()?.parse().ok()),
    },
    Field {
        key: "name",
        variable: "HAKATA_NAME",
        want: "up to 40 lower case letters, digits and dashes",
        set: |settings, value| set(&mut settings.name, name(value)),
    },
    Field {
        key: "no-node",
        variable: "HAKATA_NO_NODE",
        want: "true or false",
        set: |settings, value| set(&mut settings.no_node, boolean(value)),
    },
    Field {
        key: "node-name",
        variable: "HAKATA_NODE_NAME",
        want: "a host name",
        set: |settings, value| set(&mut settings.node_name, Some(value.as_str()?.to_owned())),
    },
    Field {
        key: "service-cidr",
        variable: "HAKATA_SERVICE_CIDR",
        want: RANGE,
        set: |settings, value| set(&mut settings.service_cidr, value.as_str()?.parse().ok()),
    },
    Field {
        key: "shutdown-grace",
        variable: "HAKATA_SHUTDOWN_GRACE",
        want: "a number of seconds",
        set: |settings, value| set(&mut settings.shutdown_grace, number(value)),
    },
    Field {
        key: "tls-san",
        variable: "HAKATA_TLS_SAN",
        want: "a list of host names",
        set: |settings, value| set(&mut settings.tls_san, names(value)),
    },
    Field {
        key: "token-auth-file",
        variable: "HAKATA_TOKEN_AUTH_FILE",
        want: "a file",
        set: |settings, value| set(&mut settings.token_auth_file, path(value)),
    },
    Field {
        key: "write-kubeconfig",
        variable: "HAKATA_WRITE_KUBECONFIG",
        want: "a file",
        set: |settings, value| set(&mut settings.write_kubeconfig, path(value)),
    },
];

impl Settings {
    /// What the YAML file `path` says.
    pub fn load(path: &Path) -> Result<Settings, SettingsError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        Settings::parse(&text, path)
    }

    /// What the YAML `text` says; errors name `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Settings, SettingsError> {
        let read = yaml::to_json_strict(text);
        let value = read.map_err(|source| SettingsError::Yaml { path: path.to_owned(), source })?;
        let mut settings = Settings::default();
        let map = match &value {
            Value::Null => return Ok(settings),
            Value::Object(map) => map,
            _ => return Err(SettingsError::NoMap { path: path.to_owned() }),
        };
        for (key, value) in map {
            let place = || format!("{key} in the config file {}", path.display());
            if let Some(field) = guard::Field::find(key) {
                settings.guard.take(field, value.clone(), place)?;
                continue;
            }
            let Some(field) = FIELDS.iter().find(|field| field.key == key) else {
                let (path, key) = (path.to_owned(), key.clone());
                return Err(SettingsError::UnknownKey { path, key: key.into(), allowed: allowed() });
            };
            field.take(&mut settings, value, place)?;
        }
        Ok(settings)
    }

    /// What the environment says, asked variable by variable.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let mut settings = Settings::default();
        for field in &FIELDS {
            if let Some(text) = variable(field.variable) {
                field.take(&mut settings, &Value::String(text), || field.variable.to_owned())?;
            }
        }
        for field in guard::FIELDS {
            if let Some(text) = variable(&field.variable()) {
                settings.guard.take(field, Value::String(text), || field.variable())?;
            }
        }
        Ok(settings)
    }

    /// This layer over another.
    pub fn over(self, below: Settings) -> Settings {
        Settings {
            cluster_cidr: self.cluster_cidr.or(below.cluster_cidr),
            data_dir: self.data_dir.or(below.data_dir),
            listen: self.listen.or(below.listen),
            name: self.name.or(below.name),
            node_name: self.node_name.or(below.node_name),
            write_kubeconfig: self.write_kubeconfig.or(below.write_kubeconfig),
            service_cidr: self.service_cidr.or(below.service_cidr),
            tls_san: self.tls_san.or(below.tls_san),
            token_auth_file: self.token_auth_file.or(below.token_auth_file),
            kubelet_preferred_address_types: self
                .kubelet_preferred_address_types
                .or(below.kubelet_preferred_address_types),
            no_node: self.no_node.or(below.no_node),
            shutdown_grace: self.shutdown_grace.or(below.shutdown_grace),
            guard: self.guard.over(below.guard),
        }
    }

    /// The configuration; what no layer says comes from the defaults.
    pub fn config(self) -> Result<Config, NameError> {
        let place = match (&self.name, self.data_dir) {
            (Some(name), Some(data)) => Place::at(name, data)?,
            (Some(name), None) => Place::named(name)?,
            (None, Some(data)) => Place::of_data(&data),
            (None, None) => Place::of_data(Path::new(super::DATA_DIR)),
        };
        let defaults = Config::new(place.data().to_owned());
        let has_node = !self.no_node.unwrap_or_default();
        Ok(Config {
            node: has_node.then(|| NodeConfig { name: self.node_name.unwrap_or_else(host_name) }),
            open: Open {
                port: self.listen.is_none(),
                ranges: self.cluster_cidr.is_none() && self.service_cidr.is_none(),
            },
            cluster_cidr: self.cluster_cidr.unwrap_or(defaults.cluster_cidr),
            service_cidr: self.service_cidr.unwrap_or(defaults.service_cidr),
            token_auth_file: self.token_auth_file,
            guard: self.guard.guard(),
            listen: self.listen.unwrap_or(defaults.listen),
            write_kubeconfig: self.write_kubeconfig,
            tls_names: self.tls_san.unwrap_or_default(),
            kubelet_preferred_address_types: self
                .kubelet_preferred_address_types
                .unwrap_or(defaults.kubelet_preferred_address_types),
            grace: self.shutdown_grace.map_or(defaults.grace, Duration::from_secs),
            place,
            ..defaults
        })
    }
}

/// The machine's name, as nodes are called.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

impl Field {
    fn take(&self, settings: &mut Settings, value: &Value, place: impl Fn() -> String) -> Result<(), SettingsError> {
        let bad = || SettingsError::BadValue { place: place(), value: value.to_string(), want: self.want };
        (self.set)(settings, value).ok_or_else(bad)
    }
}

fn allowed() -> String {
    let mut keys: Vec<&str> = FIELDS.iter().map(|field| field.key).collect();
    keys.extend(guard::FIELDS.iter().map(|field| field.key));
    keys.sort_unstable();
    keys.join(", ")
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    *place = Some(value?);
    Some(())
}

pub(super) fn path(value: &Value) -> Option<PathBuf> {
    value.as_str().filter(|text| !text.is_empty()).map(PathBuf::from)
}

pub(super) fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A list, or one text with commas.
pub(super) fn names(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(text.split(',').map(|name| name.trim().to_owned()).collect()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn name(value: &Value) -> Option<String> {
    let name = value.as_str()?;
    Place::named(name).ok().map(|place| place.name().to_owned())
}

#[cfg(test)]
mod tests;

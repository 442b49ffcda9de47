//! The variables of a container: those of Services, of whole ConfigMaps and Secrets, and its own, in this order.

mod services;
#[cfg(test)]
mod tests;

pub(crate) use services::of_services;

use super::expand;
use super::fields::{self, Around};
use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};
use std::collections::{BTreeMap, HashMap};

/// Data of a ConfigMap or a Secret by key.
pub(crate) type Data = BTreeMap<String, Vec<u8>>;

/// The objects that variables refer to, by name; `None` is one that does not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) config_maps: HashMap<String, Option<Data>>,
    pub(crate) secrets: HashMap<String, Option<Data>>,
    /// Files of volumes that variables are read from, by volume and path; `None` is one that does not exist.
    pub(crate) files: HashMap<(String, String), Option<String>>,
}

/// Why the variables cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvError {
    #[error("configmap {0:?} not found")]
    NoConfigMap(String),
    #[error("secret {0:?} not found")]
    NoSecret(String),
    #[error("couldn't find key {key} in {kind} {namespace}/{name}")]
    NoKey { kind: &'static str, namespace: String, name: String, key: String },
    #[error("environment variable key {key:?} not found in file {file:?}")]
    NotInFile { key: String, file: String },
    #[error(transparent)]
    Field(#[from] fields::FieldError),
}

/// Variables in the order in which they were set; a later one of the same name replaces the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    list: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Variables {
    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        match self.places.get(name) {
            Some(&place) => self.list[place].1 = value,
            None => {
                self.places.insert(name.to_owned(), self.list.len());
                self.list.push((name.to_owned(), value));
            }
        }
    }

    /// A value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.places.get(name).map(|&place| self.list[place].1.as_str())
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Makes the variables of a container.
pub(crate) fn variables(
    pod: &Pod,
    container: &Container,
    sources: &Sources,
    services: &[(String, String)],
    around: &Around<'_>,
) -> Result<Variables, EnvError> {
    let mut result = Variables::default();
    set_from_objects(container, sources, &mut result)?;
    let of_service: HashMap<&str, &str> =
        services.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(text), _) if !text.is_empty() => {
                expand::expand(text, |name| result.get(name).or_else(|| of_service.get(name).copied()))
            }
            (_, Some(from)) => match value_from(pod, container, from, sources, around)? {
                Some(value) => value,
                None => continue,
            },
            _ => String::new(),
        };
        result.set(&variable.name, value);
    }
    for (name, value) in services {
        if result.get(name).is_none() {
            result.set(name, value.clone());
        }
    }
    Ok(result)
}

fn set_from_objects(container: &Container, sources: &Sources, result: &mut Variables) -> Result<(), EnvError> {
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let data = if let Some(reference) = &from.config_map_ref {
            found(&sources.config_maps, &reference.name, reference.optional, EnvError::NoConfigMap)?
        } else if let Some(reference) = &from.secret_ref {
            found(&sources.secrets, &reference.name, reference.optional, EnvError::NoSecret)?
        } else {
            None
        };
        for (key, value) in data.into_iter().flatten() {
            result.set(&format!("{prefix}{key}"), String::from_utf8_lossy(value).into_owned());
        }
    }
    Ok(())
}

/// The data of an object; `None` if it may be absent and is.
fn found<'a>(
    objects: &'a HashMap<String, Option<Data>>,
    name: &str,
    optional: Option<bool>,
    absent: fn(String) -> EnvError,
) -> Result<Option<&'a Data>, EnvError> {
    match objects.get(name).and_then(Option::as_ref) {
        Some(data) => Ok(Some(data)),
        None if optional == Some(true) => Ok(None),
        None => Err(absent(name.to_owned())),
    }
}

/// A value that comes from elsewhere; `None` leaves the variable unset.
fn value_from(
    pod: &Pod,
    container: &Container,
    from: &EnvVarSource,
    sources: &Sources,
    around: &Around<'_>,
) -> Result<Option<String>, EnvError> {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    if let Some(field) = &from.field_ref {
        return Ok(Some(fields::field(pod, &field.field_path, around)?));
    }
    if let Some(selector) = &from.resource_field_ref {
        return Ok(Some(fields::resource(pod, Some(container), selector, around)?));
    }
    if let Some(of) = &from.config_map_key_ref {
        let Some(data) = found(&sources.config_maps, &of.name, of.optional, EnvError::NoConfigMap)? else {
            return Ok(None);
        };
        let missing = Missing { kind: "ConfigMap", namespace, name: &of.name, optional: of.optional };
        return missing.value(data, &of.key);
    }
    if let Some(of) = &from.secret_key_ref {
        let Some(data) = found(&sources.secrets, &of.name, of.optional, EnvError::NoSecret)? else { return Ok(None) };
        let missing = Missing { kind: "Secret", namespace, name: &of.name, optional: of.optional };
        return missing.value(data, &of.key);
    }
    if let Some(of) = &from.file_key_ref {
        let text = sources.files.get(&(of.volume_name.clone(), of.path.clone())).and_then(Option::as_deref);
        return match text.and_then(|text| in_file(text, &of.key)) {
            Some(value) => Ok(Some(value)),
            None if of.optional == Some(true) => Ok(None),
            None => Err(EnvError::NotInFile { key: of.key.clone(), file: of.path.clone() }),
        };
    }
    Ok(Some(String::new()))
}

/// What an error about an absent key says.
struct Missing<'a> {
    kind: &'static str,
    namespace: String,
    name: &'a str,
    optional: Option<bool>,
}

impl Missing<'_> {
    fn value(self, data: &Data, key: &str) -> Result<Option<String>, EnvError> {
        match data.get(key) {
            Some(value) => Ok(Some(String::from_utf8_lossy(value).into_owned())),
            None if self.optional == Some(true) => Ok(None),
            None => Err(EnvError::NoKey {
                kind: self.kind,
                namespace: self.namespace,
                name: self.name.to_owned(),
                key: key.to_owned(),
            }),
        }
    }
}

/// The value of a key in a file of `KEY='value'` lines; values may be quoted and go over lines.
fn in_file(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find('\n').unwrap_or(rest.len());
        let (line, after) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        let equals = line.find('=').filter(|_| !line.trim_start().starts_with('#'));
        let Some(equals) = equals else {
            rest = after;
            continue;
        };
        let (value, next) = match rest[equals + 1..].strip_prefix('\'') {
            Some(open) => {
                let close = open.find('\'')?;
                (&open[..close], open[close..].split_once('\n').map_or("", |(_, next)| next))
            }
            None => (line[equals + 1..].trim_end(), after),
        };
        if line[..equals].trim() == key {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

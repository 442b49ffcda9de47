//! Tells hooks from manifests, and sorts both.

use std::collections::BTreeMap;

use value::{Map, Value};

use super::{Hook, INSTALL_ORDER, Manifest, by_kind, split};
use crate::json::{field, kind, text};

/// What a document says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are every object's")]
pub struct Head {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub annotations: Map,
}

const EVENTS: &[(&str, &str)] = &[
    ("pre-install", "pre-install"),
    ("post-install", "post-install"),
    ("pre-delete", "pre-delete"),
    ("post-delete", "post-delete"),
    ("pre-upgrade", "pre-upgrade"),
    ("post-upgrade", "post-upgrade"),
    ("pre-rollback", "pre-rollback"),
    ("post-rollback", "post-rollback"),
    ("test", "test"),
    ("test-success", "test"),
];

/// Hooks and manifests of rendered templates, each in the order they are applied in.
///
/// # Errors
/// Where a document is not YAML, or no object.
pub fn sort(files: &BTreeMap<String, String>) -> Result<(Vec<Hook>, Vec<Manifest>), String> {
    let (mut hooks, mut manifests) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        for document in split(content) {
            let head = Head::read(document).map_err(|error| format!("YAML parse error on {path}: {error}"))?;
            match head.annotations.get("helm.sh/hook").and_then(text) {
                None => manifests.push(Manifest { path: path.clone(), content: document.to_owned(), head }),
                Some(types) => hooks.extend(hook(path, document, &head, &types)),
            }
        }
    }
    by_kind(&mut hooks, INSTALL_ORDER, |hook: &Hook| &hook.kind);
    by_kind(&mut manifests, INSTALL_ORDER, |manifest: &Manifest| &manifest.head.kind);
    Ok((hooks, manifests))
}

/// The hook that a document is; none where an event of it is not known.
fn hook(path: &str, document: &str, head: &Head, types: &str) -> Option<Hook> {
    let event = |name: &str| {
        let name = name.trim().to_lowercase();
        EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| (*event).to_owned())
    };
    let events = types.split(',').map(event).collect::<Option<Vec<_>>>()?;
    let annotation = |name: &str| head.annotations.get(name).and_then(text);
    let words = |name: &str| {
        let words = annotation(name);
        words.map_or_else(Vec::new, |words| words.split(',').map(|word| word.trim().to_lowercase()).collect())
    };
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: path.to_owned(),
        manifest: document.to_owned(),
        events,
        last_run: Value::Null,
        weight: annotation("helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0),
        delete_policies: words("helm.sh/hook-delete-policy"),
        output_log_policies: words("helm.sh/hook-output-log-policy"),
    })
}

impl Head {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is not YAML, or no object.
    pub fn read(document: &str) -> Result<Self, String> {
        let value = yaml::to_json(document).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
        Self::from_value(&value).map_err(|error| format!("error unmarshaling JSON: while decoding JSON: {error}"))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let mut head = Self::default();
        let map = match value {
            Value::Null => return Ok(head),
            Value::Object(map) => map,
            other => {
                return Err(format!("json: cannot unmarshal {} into Go value of type util.SimpleHead", kind(other)));
            }
        };
        head.api_version = string(map, "apiVersion", "SimpleHead.apiVersion")?;
        head.kind = string(map, "kind", "SimpleHead.kind")?;
        match field(map, "metadata") {
            None | Some(Value::Null) => {}
            Some(Value::Object(metadata)) => {
                head.name = string(metadata, "name", ".metadata.name")?;
                head.annotations = annotations(metadata)?;
            }
            Some(other) => {
                return Err(format!(
                    "json: cannot unmarshal {} into Go struct field SimpleHead.metadata of type struct {{ Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }}",
                    kind(other)
                ));
            }
        }
        Ok(head)
    }
}

fn string(map: &Map, name: &str, place: &str) -> Result<String, String> {
    match field(map, name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => text(value).ok_or_else(|| {
            format!("json: cannot unmarshal {} into Go struct field {place} of type string", kind(value))
        }),
    }
}

fn annotations(metadata: &Map) -> Result<Map, String> {
    match field(metadata, "annotations") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => {
            let mut annotations = Map::new();
            for (key, value) in map {
                let value = if value.is_null() { Some(String::new()) } else { text(value) }.ok_or_else(|| {
                    let kind = kind(value);
                    format!("json: cannot unmarshal {kind} into Go struct field .metadata.annotations of type string")
                })?;
                annotations.insert(key.clone(), value.into());
            }
            Ok(annotations)
        }
        Some(other) => Err(format!(
            "json: cannot unmarshal {} into Go struct field .metadata.annotations of type map[string]string",
            kind(other)
        )),
    }
}

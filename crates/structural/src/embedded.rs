//! Objects within objects: their metadata is brought into form as that of the object itself, and validated.

use crate::{Additional, Node};
use object::decode::{self, Decoded};
use object::field::{Error, Errors, Path};
use object::meta::validate_object_meta;
use object::names::{self, is_dns1035_label};
use object::schema;
use object::{Map, Value};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Decodes metadata as its type. What it has beyond that is told, as `metadata.NAME` behind `prefix`.
///
/// # Errors
/// The server's words for the first value of a wrong type.
pub fn decode_metadata(metadata: Value, prefix: &str) -> Result<(Value, Vec<String>), String> {
    let schema = schema::builtin();
    let ty = schema.find(OBJECT_META).ok_or("metadata has no schema")?;
    let Decoded { mut value, strict } = decode::decode(schema, ty, metadata)?;
    decode::normalise(schema, ty, &mut value)?;
    let path = |told: String| {
        let name = told.split('"').nth(1).unwrap_or_default();
        format!("{prefix}metadata.{name}")
    };
    Ok((value, strict.into_iter().map(path).collect()))
}

/// Brings the metadata of all embedded objects into form, and tells what was dropped from them, sorted.
///
/// # Errors
/// The first that cannot be.
pub fn coerce(node: &Node, object: &mut Value) -> Result<Vec<String>, Box<Error>> {
    let mut unknown = coerce_at(node, object, &Path::root())?;
    unknown.sort();
    Ok(unknown)
}

/// The same for a value at a path.
pub(crate) fn coerce_at(node: &Node, value: &mut Value, path: &Path<'_>) -> Result<Vec<String>, Box<Error>> {
    let mut unknown = Vec::new();
    coerce_value(node, value, path, &mut unknown)?;
    Ok(unknown)
}

fn coerce_value(node: &Node, value: &mut Value, path: &Path<'_>, unknown: &mut Vec<String>) -> Result<(), Box<Error>> {
    match value {
        Value::Object(map) => {
            if node.embedded {
                coerce_embedded(map, path, unknown)?;
            }
            for (name, value) in map {
                if let Some(property) = node.properties.get(name.as_str()) {
                    coerce_value(property, value, &path.child(name), unknown)?;
                } else if let Additional::Schema(inner) = &node.additional {
                    coerce_value(inner, value, &path.key(name), unknown)?;
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = &node.items else { return Ok(()) };
            for (index, item) in items.iter_mut().enumerate() {
                coerce_value(inner, item, &path.index(index), unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn coerce_embedded(map: &mut Map, path: &Path<'_>, unknown: &mut Vec<String>) -> Result<(), Box<Error>> {
    for name in ["apiVersion", "kind"] {
        if let Some(value) = map.get(name).filter(|value| !value.is_string()) {
            return Err(Box::new(Error::invalid(&path.child(name), value.clone(), "must be a string")));
        }
    }
    let Some(metadata) = map.get("metadata") else { return Ok(()) };
    let prefix = path.to_string();
    let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}.") };
    let (mut decoded, told) = decode_metadata(metadata.clone(), &prefix)
        .map_err(|why| Box::new(Error::invalid(&path.child("metadata"), metadata.clone(), why)))?;
    if let Some(map) = decoded.as_object_mut().filter(|map| map.get("creationTimestamp").is_some_and(Value::is_null)) {
        map.remove("creationTimestamp");
    }
    map.insert("metadata".to_owned(), decoded);
    unknown.extend(told);
    Ok(())
}

/// Validates all embedded objects.
pub fn validate(node: &Node, object: &Value) -> Errors {
    validate_at(node, object, &Path::root())
}

/// The same for a value at a path.
pub(crate) fn validate_at(node: &Node, value: &Value, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    validate_value(node, value, path, &mut errors);
    errors
}

fn validate_value(node: &Node, value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::Object(map) => {
            if node.embedded {
                validate_embedded(map, path, errors);
            }
            for (name, value) in map {
                if let Some(property) = node.properties.get(name.as_str()) {
                    validate_value(property, value, &path.child(name), errors);
                } else if let Additional::Schema(inner) = &node.additional {
                    validate_value(inner, value, &path.key(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = &node.items else { return };
            for (index, item) in items.iter().enumerate() {
                validate_value(inner, item, &path.index(index), errors);
            }
        }
        _ => {}
    }
}

fn validate_embedded(map: &Map, path: &Path<'_>, errors: &mut Errors) {
    const TYPE: [&str; 2] = ["apiVersion", "kind"];
    let missing = TYPE.into_iter().filter(|name| !map.contains_key(name));
    errors.extend(missing.map(|name| Error::required(&path.child(name), "")));
    for (name, value) in TYPE.into_iter().filter_map(|name| Some((name, map.get(name)?))) {
        let place = path.child(name);
        match value {
            Value::String(text) => {
                if let Some(why) = fault_of_type(name, text) {
                    errors.push(Error::invalid(&place, text.as_str(), why));
                }
            }
            other => errors.push(Error::invalid(&place, other.clone(), "must be a string")),
        }
    }
    let Some(metadata) = map.get("metadata") else { return };
    let place = path.child("metadata");
    match decode_metadata(metadata.clone(), "") {
        Err(why) => errors.push(Error::invalid(&place, metadata.clone(), why)),
        Ok((mut decoded, _)) => {
            if decoded["name"].as_str().is_none_or(str::is_empty) {
                // Whether it has a name is not asked here.
                decoded["name"] = "fakename".into();
            }
            let namespaced = decoded["namespace"].as_str().is_some_and(|namespace| !namespace.is_empty());
            let view = (&decoded).into();
            errors.extend(validate_object_meta(view, namespaced, names::path_segment_name, &place));
        }
    }
}

fn fault_of_type(name: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("must not be empty".to_owned());
    }
    if name == "apiVersion" {
        return (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let faults = is_dns1035_label(&text.to_lowercase());
    (!faults.is_empty()).then(|| format!("may have mixed case, but should otherwise match: {}", faults.join(",")))
}

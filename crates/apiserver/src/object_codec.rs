//! How a stored object is laid out in bytes, so that one encoding serves every answer.
//!
//! `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"42",…},…}`: the type comes first, since a list leaves
//! it out (it then starts behind a prefix of known length), and the resource version comes first in the metadata, since
//! the store fills it in when it commits.

use kinds::Resource;
use object::{Value, json};
use store::Template;

/// Where metadata has its managed fields.
const OWNERS: &str = "managedFields";

/// Encodes an object for the store, with a gap where the revision goes.
pub fn encode(kind: &str, api_version: &str, object: &Value) -> Template {
    encode_owned(kind, api_version, object, None)
}

/// The same, with the text of managed fields that are not in the object.
pub(crate) fn encode_owned(kind: &str, api_version: &str, object: &Value, owners: Option<&[u8]>) -> Template {
    let mut json = type_prefix(kind, api_version);
    json.extend_from_slice(b"\"metadata\":{\"resourceVersion\":\"");
    let revision_at = Some(json.len());
    json.push(b'"');
    write_metadata(&mut json, object, owners);
    write_rest(&mut json, object);
    Template { json, revision_at }
}

/// Encodes an object that is not stored (dry runs, reviews): no gap, and the resource version it has, if any.
pub fn encode_plain(kind: &str, api_version: &str, object: &Value) -> Vec<u8> {
    let mut json = type_prefix(kind, api_version);
    json.extend_from_slice(b"\"metadata\":{");
    match object["metadata"]["resourceVersion"].as_str() {
        Some(version) => {
            json.extend_from_slice(b"\"resourceVersion\":");
            json::write_text(&mut json, version);
            write_metadata(&mut json, object, None);
        }
        None => {
            let start = json.len();
            write_metadata(&mut json, object, None);
            if json.get(start) == Some(&b',') {
                json.remove(start);
            }
        }
    }
    write_rest(&mut json, object);
    json
}

/// Length of what stands before `"metadata"` in a stored object of this resource, without the brace.
pub fn prefix_length(resource: &Resource) -> usize {
    type_prefix(&resource.kind, &resource.api_version()).len() - 1
}

/// The JSON of the metadata of an object in this layout; `null` if the bytes are in another.
pub fn metadata_of(json: &[u8]) -> &[u8] {
    // What stands before it are two names without quotes in them.
    const NAME: &[u8] = b"\"metadata\":";
    let Some(at) = json.windows(NAME.len()).position(|window| window == NAME) else { return b"null" };
    let from = &json[at + NAME.len()..];
    &from[..json::length_of(from)]
}

fn type_prefix(kind: &str, api_version: &str) -> Vec<u8> {
    format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",").into_bytes()
}

/// All metadata but the resource version, each with a comma before it, and the closing brace.
fn write_metadata(json: &mut Vec<u8>, object: &Value, mut owners: Option<&[u8]>) {
    let metadata = object.get("metadata").and_then(Value::as_object);
    for (key, value) in metadata.into_iter().flatten().filter(|(key, _)| *key != "resourceVersion") {
        if key.as_str() > OWNERS {
            write_owners(json, owners.take());
        }
        write_entry(json, key, value);
    }
    write_owners(json, owners);
    json.push(b'}');
}

fn write_owners(json: &mut Vec<u8>, owners: Option<&[u8]>) {
    if let Some(owners) = owners {
        json.push(b',');
        json::write_text(json, OWNERS);
        json.push(b':');
        json.extend_from_slice(owners);
    }
}

fn write_rest(json: &mut Vec<u8>, object: &Value) {
    let entries = object.as_object().into_iter().flatten();
    for (key, value) in entries.filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion" | "metadata")) {
        write_entry(json, key, value);
    }
    json.push(b'}');
}

fn write_entry(json: &mut Vec<u8>, key: &str, value: &Value) {
    json.push(b',');
    json::write_text(json, key);
    json.push(b':');
    json::write(json, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn owners_stand_where_they_would_stand_in_the_object() {
        let owners = json!([{"manager": "m"}]);
        for metadata in [json!({"name": "a", "labels": {}}), json!({"labels": {}}), json!({"name": "a"}), json!({})] {
            let (without, mut with) = (json!({"metadata": metadata}), json!({"metadata": metadata}));
            with["metadata"][OWNERS] = owners.clone();
            let text = owners.to_string();
            let beside = encode_owned("Pod", "v1", &without, Some(text.as_bytes()));
            assert_eq!(beside.json, encode("Pod", "v1", &with).json);
        }
    }

    #[test]
    fn metadata_is_found_in_the_bytes() {
        for name in ["a", "}", "\\\"}", "\\", "{[\u{e9}"] {
            let object =
                json!({"metadata": {"name": name, "labels": {name: "]"}, "x": [{}]}, "spec": {"metadata": {}}});
            for json in [encode("Pod", "v1", &object).json, encode_plain("Pod", "v1", &object)] {
                let read: Value = serde_json::from_slice(&json).unwrap();
                let found: Value = serde_json::from_slice(metadata_of(&json)).unwrap();
                assert_eq!(found, read["metadata"], "{name}");
            }
        }
        assert_eq!(metadata_of(b"{}"), b"null");
    }
}

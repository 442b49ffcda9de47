//! How a stored object is laid out in bytes, so that one encoding serves every answer.
//!
//! `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"42",…},…}`: the type comes first, since a list leaves
//! it out (it then starts behind a prefix of known length), and the resource version comes first in the metadata, since
//! the store fills it in when it commits.

use kinds::Resource;
use object::Value;
use std::io::Write;
use store::Template;

/// Encodes an object for the store, with a gap where the revision goes.
pub fn encode(kind: &str, api_version: &str, object: &Value) -> Template {
    let mut json = type_prefix(kind, api_version);
    json.extend_from_slice(b"\"metadata\":{\"resourceVersion\":\"");
    let revision_at = Some(json.len());
    json.push(b'"');
    write_metadata(&mut json, object);
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
            write(&mut json, &Value::from(version));
            write_metadata(&mut json, object);
        }
        None => {
            let start = json.len();
            write_metadata(&mut json, object);
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

fn type_prefix(kind: &str, api_version: &str) -> Vec<u8> {
    format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\",").into_bytes()
}

/// All metadata but the resource version, each with a comma before it, and the closing brace.
fn write_metadata(json: &mut Vec<u8>, object: &Value) {
    let metadata = object.get("metadata").and_then(Value::as_object);
    for (key, value) in metadata.into_iter().flatten().filter(|(key, _)| *key != "resourceVersion") {
        write_entry(json, key, value);
    }
    json.push(b'}');
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
    write(json, &Value::from(key));
    json.push(b':');
    write(json, value);
}

fn write(json: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(&mut *json, value).expect("a Value always encodes into a Vec");
    json.flush().expect("writing to a Vec does not fail");
}

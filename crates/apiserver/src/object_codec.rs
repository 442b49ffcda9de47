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

/// The JSON of the metadata of an object in this layout; `null` if the bytes are in another.
pub fn metadata_of(json: &[u8]) -> &[u8] {
    // What stands before it are two names without quotes in them.
    const NAME: &[u8] = b"\"metadata\":";
    let Some(at) = json.windows(NAME.len()).position(|window| window == NAME) else { return b"null" };
    let from = &json[at + NAME.len()..];
    &from[..length_of(from)]
}

/// Length of the JSON object, list or text at the start of well-formed text.
fn length_of(json: &[u8]) -> usize {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 && !in_text && !is_escaped {
            return at + 1;
        }
    }
    json.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

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

//! How a stored object is laid out in bytes, so that one encoding serves every answer.
//!
//! `{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"42",…},…}`: the type comes first, since a list leaves
//! it out (it then starts behind a prefix of known length), and the resource version comes first in the metadata, since
//! the store fills it in when it commits.
//!
//! Values that are kept as they were sent stand there so. Then answers may differ from what is stored, and a newline at
//! the end tells that it was meant: what was stored without one, by servers that kept values alone, is taken to be
//! spelled as Go spells it.

use kinds::Resource;
use object::json::SyntaxError;
use object::raw::{self, Form};
use object::schema::{self, TypeId};
use object::{Value, json};
use std::borrow::Cow;
use store::Template;

/// Where metadata has its managed fields.
const OWNERS: &str = "managedFields";

/// Encodes an object for the store, with a gap where the revision goes.
pub fn encode(kind: &str, api_version: &str, object: &Value) -> Template {
    encode_with(kind, api_version, object, None, None)
}

/// The same for an object of a resource, whose values are kept as they were sent where it says so, with the text of
/// managed fields that are not in the object.
pub(crate) fn encode_owned(resource: &Resource, object: &Value, owners: Option<&[u8]>) -> Template {
    encode_with(&resource.kind, &resource.api_version(), object, owners, resource.raws)
}

fn encode_with(kind: &str, api_version: &str, object: &Value, owners: Option<&[u8]>, raws: Option<TypeId>) -> Template {
    let mut json = type_prefix(kind, api_version);
    json.extend_from_slice(b"\"metadata\":{\"resourceVersion\":\"");
    let revision_at = Some(json.len());
    json.push(b'"');
    write_metadata(&mut json, object, owners);
    write_rest(&mut json, object, raws, Form::Kept);
    if raws.is_some() && is_loose(&json) {
        json.push(b'\n');
    }
    Template { json, revision_at }
}

/// Encodes an object that is not stored (dry runs, reviews): no gap, and the resource version it has, if any.
pub(crate) fn encode_plain(resource: &Resource, object: &Value) -> Vec<u8> {
    let mut json = type_prefix(&resource.kind, &resource.api_version());
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
    write_rest(&mut json, object, resource.raws, Form::Sent);
    json
}

/// The object in stored bytes of a type whose values are kept as they were sent, with their spellings.
///
/// # Errors
/// The bytes are not JSON.
pub(crate) fn spelled(ty: TypeId, bytes: &[u8]) -> Result<Value, SyntaxError> {
    // Numbers become what they become in a body.
    let mut object = json::parse(bytes)?.into_value();
    if is_loose(bytes) && !bytes.ends_with(b"\n") {
        raw::respell(schema::builtin(), ty, &mut object);
    } else {
        raw::spell(schema::builtin(), ty, bytes, &mut object);
    }
    Ok(object)
}

fn is_loose(bytes: &[u8]) -> bool {
    matches!(json::compact(bytes), Cow::Owned(_))
}

/// What is answered for stored bytes of a resource, or for what follows their type: they themselves, but compact where
/// values are kept as they were sent.
pub(crate) fn sent<'a>(resource: &Resource, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if resource.raws.is_some() { json::compact(bytes) } else { Cow::Borrowed(bytes) }
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

fn write_rest(json: &mut Vec<u8>, object: &Value, raws: Option<TypeId>, form: Form) {
    let is_rest = |key: &str| !matches!(key, "kind" | "apiVersion" | "metadata");
    match (raws, object.as_object()) {
        (Some(ty), Some(object)) => raw::write_fields(json, schema::builtin(), ty, object, form, is_rest),
        (_, object) => {
            for (key, value) in object.into_iter().flatten().filter(|(key, _)| is_rest(key)) {
                write_entry(json, key, value);
            }
        }
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
    use object::{View, json};
    use std::sync::Arc;

    fn pods() -> Arc<Resource> {
        kinds::builtin().iter().find(|resource| resource.kind == "Pod").unwrap().clone()
    }

    #[test]
    fn owners_stand_where_they_would_stand_in_the_object() {
        let owners = json!([{"manager": "m"}]);
        for metadata in [json!({"name": "a", "labels": {}}), json!({"labels": {}}), json!({"name": "a"}), json!({})] {
            let (without, mut with) = (json!({"metadata": metadata}), json!({"metadata": metadata}));
            with["metadata"][OWNERS] = owners.clone();
            let text = owners.to_string();
            let beside = encode_owned(&pods(), &without, Some(text.as_bytes()));
            assert_eq!(beside.json, encode("Pod", "v1", &with).json);
        }
    }

    #[test]
    fn what_was_sent_is_read_again_and_what_is_older_is_spelled_as_go_does() {
        let revisions = kinds::builtin().iter().find(|resource| resource.kind == "ControllerRevision").unwrap();
        let ty = revisions.raws.unwrap();
        let text_of = |object: &Value| raw::text(View::from(object), "data").into_owned();
        for sent in [r#"{"a": 1.0}"#, r#"{"a":"<"}"#, r#"{"b":1,"a":2}"#, r#"{"a":"\u003c"}"#, "{}"] {
            let text = format!(r#"{{"metadata":{{"annotations":{{"a":"<"}}}},"data":{sent}}}"#);
            let mut object = json::parse(text.as_bytes()).unwrap().into_value();
            raw::spell(schema::builtin(), ty, text.as_bytes(), &mut object);
            let kept = encode_owned(revisions, &object, None).json;
            assert_eq!(text_of(&spelled(ty, &kept).unwrap()), sent);
            let answer = sent_text(revisions, &kept);
            assert!(!answer.contains(['<', '\n']) && serde_json::from_str::<Value>(&answer).is_ok(), "{answer}");
        }
        for (kept, want) in [(r#"{"data":{"a":"<"}}"#, r#"{"a":"\u003c"}"#), (r#"{"data":{"a":1}}"#, r#"{"a":1}"#)] {
            assert_eq!(text_of(&spelled(ty, kept.as_bytes()).unwrap()), want);
        }
    }

    fn sent_text(resource: &Resource, kept: &[u8]) -> String {
        String::from_utf8(sent(resource, kept).into_owned()).unwrap()
    }

    #[test]
    fn metadata_is_found_in_the_bytes() {
        for name in ["a", "}", "\\\"}", "\\", "{[\u{e9}"] {
            let object =
                json!({"metadata": {"name": name, "labels": {name: "]"}, "x": [{}]}, "spec": {"metadata": {}}});
            for json in [encode("Pod", "v1", &object).json, encode_plain(&pods(), &object)] {
                let read: Value = serde_json::from_slice(&json).unwrap();
                let found: Value = serde_json::from_slice(metadata_of(&json)).unwrap();
                assert_eq!(found, read["metadata"], "{name}");
            }
        }
        assert_eq!(metadata_of(b"{}"), b"null");
    }
}

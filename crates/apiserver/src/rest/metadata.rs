//! The metadata that the server itself reads and writes.

use crate::server::Core;
use object::{Map, Status, Value, View};

/// Characters of generated name suffixes: no vowels, nothing that looks alike.
const SUFFIX_CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
const MAX_GENERATED_BASE: usize = 63 - SUFFIX_LENGTH;

/// The metadata map of an object; made if it is missing.
pub(crate) fn of(object: &mut Value) -> &mut Map {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let map = object.as_object_mut().expect("made an object just above");
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut().expect("made an object just above")
}

/// Sets a metadata field, or removes it if the value is null, "" or an empty list.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if empty {
        of(object).remove(name);
    } else {
        of(object).insert(name.to_owned(), value);
    }
}

/// Takes a metadata field over from another object: present or absent alike.
pub(crate) fn copy(object: &mut Value, name: &str, from: View<'_>) {
    set(object, name, from.get("metadata").get(name).to_value());
}

/// Removes what a client cannot set on create.
pub(crate) fn wipe_system_fields(object: &mut Value) {
    for name in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        of(object).remove(name);
    }
}

/// Sets uid and creation time of a new object.
pub(crate) fn fill_system_fields(core: &Core, object: &mut Value) {
    set(object, "creationTimestamp", core.now_text());
    set(object, "uid", uuid::Uuid::new_v4().to_string());
}

/// Checks and fills the object's namespace: it is the request's. What has none loses what it says.
///
/// # Errors
/// 400 if the object names another namespace.
pub(crate) fn match_namespace(object: &mut Value, namespace: &str) -> Result<(), Status> {
    let own = View::from(&*object).get("metadata").str("namespace");
    if own == namespace {
        return Ok(());
    }
    if own.is_empty() || namespace.is_empty() {
        set(object, "namespace", namespace);
        return Ok(());
    }
    Err(Status::bad_request("the namespace of the provided object does not match the namespace sent on the request"))
}

/// A name made of a prefix and a random suffix.
pub(crate) fn generate_name(prefix: &str) -> String {
    let mut end = prefix.len().min(MAX_GENERATED_BASE);
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    let random = uuid::Uuid::new_v4().into_bytes();
    let suffix =
        random.iter().take(SUFFIX_LENGTH).map(|&byte| SUFFIX_CHARACTERS[usize::from(byte) % SUFFIX_CHARACTERS.len()]);
    prefix[..end].chars().chain(suffix.map(char::from)).collect()
}

/// The finalizers of an object.
pub(crate) fn finalizers(object: View<'_>) -> Vec<String> {
    object.get("metadata").strings("finalizers").map(str::to_owned).collect()
}

/// True if deletion has been asked for.
pub(crate) fn is_deleting(object: View<'_>) -> bool {
    object.get("metadata").has("deletionTimestamp")
}

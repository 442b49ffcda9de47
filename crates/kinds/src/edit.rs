//! Changing objects: what defaults and preparation do to a [`Value`].

use object::quantity::Quantity;
use object::{Map, Value, View, json};

/// The map at the child `name`, made if it is not there.
pub(crate) fn map<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let map = object.as_object_mut().expect("made an object just now");
    let child = map.entry(name).or_insert_with(|| json!({}));
    if !child.is_object() {
        *child = json!({});
    }
    child.as_object_mut().expect("made an object just now")
}

/// Sets the child `name` if it is not set.
pub(crate) fn default(parent: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    let set = parent.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
    if !set {
        parent.insert(name.to_owned(), value.into());
    }
}

/// The child `name` as it was in the old object, or absent.
pub(crate) fn restore(object: &mut Value, old: View<'_>, name: &str) {
    let Some(map) = object.as_object_mut() else { return };
    match old.get(name).value() {
        Some(value) => {
            map.insert(name.to_owned(), value.clone());
        }
        None => {
            map.remove(name);
        }
    }
}

/// Metadata as it was in the old object, as far as a client may set it, where only the status may change.
pub(crate) fn restore_metadata(object: &mut Value, old: View<'_>) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    for field in
        ["deletionTimestamp", "generation", "selfLink", "labels", "annotations", "finalizers", "ownerReferences"]
    {
        restore(metadata, old.get("metadata"), field);
    }
}

/// An empty map at the child `name`.
pub(crate) fn clear(object: &mut Value, name: &str) {
    if let Some(map) = object.as_object_mut() {
        map.insert(name.to_owned(), json!({}));
    }
}

/// Rounds the amounts of a map of resources up to thousandths.
pub(crate) fn round_resources(list: Option<&mut Value>) {
    let Some(Value::Object(list)) = list else { return };
    for value in list.values_mut() {
        if let Ok(mut amount) = Quantity::from_value(value) {
            amount.round_up(-3);
            *value = amount.to_string().into();
        }
    }
}

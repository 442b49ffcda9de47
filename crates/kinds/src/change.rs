//! Changing objects in place: what defaults, preparation and the rules of many kinds do to one.

use object::quantity::Quantity;
use object::{Map, Value, View, apply, schema};

/// The map under `name`, made if something else or nothing stands there or above.
pub(crate) fn map_at<'a>(object: &'a mut Value, name: &str) -> &'a mut Map {
    let child = made_map(object).entry(name).or_insert(Value::Null);
    made_map(child)
}

fn made_map(value: &mut Value) -> &mut Map {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made an object just now")
}

/// The value under several names, if it is there.
pub(crate) fn at<'a>(object: &'a mut Value, names: &[&str]) -> Option<&'a mut Value> {
    names.iter().try_fold(object, |value, name| value.get_mut(*name))
}

/// The map under several names, if it is there.
pub(crate) fn existing<'a>(object: &'a mut Value, names: &[&str]) -> Option<&'a mut Map> {
    at(object, names)?.as_object_mut()
}

/// Sets a field that is absent or `null`.
pub(crate) fn set_default(map: &mut Map, name: &str, value: impl Into<Value>) {
    if map.get(name).is_none_or(Value::is_null) {
        map.insert(name.to_owned(), value.into());
    }
}

/// Sets a text that is absent or empty.
pub(crate) fn set_default_text(map: &mut Map, name: &str, value: &str) {
    if map.get(name).and_then(Value::as_str).unwrap_or_default().is_empty() {
        map.insert(name.to_owned(), value.into());
    }
}

/// Sets the field to what the old object has there, or removes it.
pub(crate) fn keep(object: &mut Value, old: View<'_>, name: &str) {
    let Some(map) = object.as_object_mut() else { return };
    match old.get(name).value() {
        Some(value) => drop(map.insert(name.to_owned(), value.clone())),
        None => drop(map.remove(name)),
    }
}

/// Metadata as it was in the old object, as far as a client may set it, where only the status may change.
pub(crate) fn keep_metadata(object: &mut Value, old: View<'_>) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    for field in
        ["deletionTimestamp", "generation", "selfLink", "labels", "annotations", "finalizers", "ownerReferences"]
    {
        keep(metadata, old.get("metadata"), field);
    }
}

/// Metadata as it was in the old object, but for the owners of fields.
pub(crate) fn keep_all_metadata(object: &mut Value, old: View<'_>) {
    let owners = View::from(&*object).at(&["metadata", "managedFields"]).value().cloned();
    let mut metadata = old.get("metadata").to_map();
    metadata.remove("managedFields");
    metadata.extend(owners.map(|owners| ("managedFields".to_owned(), owners)));
    *map_at(object, "metadata") = metadata;
}

/// An empty map at the child `name`.
pub(crate) fn clear(object: &mut Value, name: &str) {
    if let Some(map) = object.as_object_mut() {
        map.insert(name.to_owned(), Value::Object(Map::new()));
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

/// Sets `status` to what an empty one encodes to.
pub(crate) fn clear_status(object: &mut Value, type_name: &str) {
    let Some(map) = object.as_object_mut() else { return };
    let empty = schema::builtin().find(type_name).map(|ty| apply::empty_object(schema::builtin(), ty));
    match empty {
        Some(empty) => drop(map.insert("status".to_owned(), empty)),
        None => drop(map.remove("status")),
    }
}

/// Sets `metadata.generation`.
pub(crate) fn set_generation(object: &mut Value, generation: i64) {
    map_at(object, "metadata").insert("generation".to_owned(), generation.into());
}

/// Counts `metadata.generation` up if one of the fields differs from the old object's.
pub(crate) fn count_generation(object: &mut Value, old: View<'_>, fields: &[&[&str]]) {
    let new = View::from(&*object);
    if fields.iter().any(|field| !new.at(field).same(old.at(field))) {
        set_generation(object, old.get("metadata").int("generation") + 1);
    }
}

/// Counts `metadata.generation` up if the field is not exactly as it was: of some kinds, even an empty list or map in
/// place of none counts.
pub(crate) fn count_generation_exactly(object: &mut Value, old: View<'_>, field: &str) {
    if View::from(&*object).get(field) != old.get(field) {
        set_generation(object, old.get("metadata").int("generation") + 1);
    }
}

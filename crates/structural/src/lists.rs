//! Lists of type `set` and `map`: no two items may be the same.

use crate::{Additional, ListType, Node};
use object::field::{Error, Errors, Path};
use object::{Map, Value};
use std::collections::HashMap;

/// Holds all lists of an object against their types.
pub fn validate(node: &Node, object: &Value) -> Errors {
    let mut errors = Errors::new();
    value(node, object, &Path::root(), &mut errors);
    errors
}

fn value(node: &Node, value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::Object(map) => fields(node, map, path, errors),
        Value::Array(items) => list(node, items, path, errors),
        _ => {}
    }
}

fn fields(node: &Node, map: &Map, path: &Path<'_>, errors: &mut Errors) {
    if let Additional::Schema(inner) = &node.additional {
        map.iter().for_each(|(name, item)| value(inner, item, &path.key(name), errors));
    }
    for (name, item) in map {
        if let Some(property) = node.properties.get(name.as_str()) {
            value(property, item, &path.child(name), errors);
        }
    }
}

fn list(node: &Node, items: &[Value], path: &Path<'_>, errors: &mut Errors) {
    match node.list_type {
        ListType::Atomic => {}
        ListType::Set => {
            let keys = items.iter().map(Value::to_string);
            errors.extend(twice(keys).map(|place| Error::duplicate(&path.index(place), items[place].clone())));
        }
        ListType::Map => keyed(node, items, path, errors),
    }
    if let Some(inner) = &node.items {
        items.iter().enumerate().for_each(|(index, item)| value(inner, item, &path.index(index), errors));
    }
}

fn keyed(node: &Node, items: &[Value], path: &Path<'_>, errors: &mut Errors) {
    if let Some(place) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
        let why = "must be an object for an array of list-type map";
        errors.push(Error::invalid(&path.index(place), items[place].clone(), why));
        return;
    }
    let key_of = |item: &Value| -> Value {
        let has = |name: &String| Some((name.clone(), item.get(name)?.clone()));
        Value::Object(node.map_keys.iter().filter_map(has).collect())
    };
    let keys: Vec<Value> = items.iter().map(key_of).collect();
    let texts = keys.iter().map(Value::to_string);
    errors.extend(twice(texts).map(|place| Error::duplicate(&path.index(place), keys[place].clone())));
}

/// Where something stands for the second time.
fn twice(keys: impl Iterator<Item = String>) -> impl Iterator<Item = usize> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut places = Vec::new();
    for (place, key) in keys.enumerate() {
        let times = seen.entry(key).or_default();
        *times += 1;
        if *times == 2 {
            places.push(place);
        }
    }
    places.into_iter()
}

//! JSON merge patch (RFC 7386).

use super::json_kind;
use value::{Map, Value};

/// Merges `patch` into `object`: `null` removes, maps merge, everything else replaces. The message is what a client
/// sees (400).
pub fn apply(mut object: Value, patch: Value) -> Result<Value, String> {
    match (&mut object, patch) {
        (Value::Object(object), Value::Object(patch)) => merge_maps(object, patch),
        (_, Value::Null) => return Err("Invalid JSON Patch".to_owned()),
        (_, other) => {
            let kind = json_kind(&other);
            return Err(format!(
                "error decoding patch: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            ));
        }
    }
    Ok(object)
}

/// The patch that takes `current` to where a person wants it: what `modified` says is set, what `original` had and
/// `modified` has not is removed, and the rest of `current` stays.
#[must_use]
pub fn three_way(original: &Value, modified: &Value, current: &Value) -> Value {
    let none = Map::new();
    let map = |value: &Value| value.as_object().cloned().unwrap_or_else(|| none.clone());
    let (original, modified, current) = (map(original), map(modified), map(current));
    let mut patch = Map::new();
    for (key, new) in &modified {
        match current.get(key) {
            Some(old @ Value::Object(_)) if new.is_object() => {
                let inner = three_way(original.get(key).unwrap_or(&Value::Null), new, old);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            Some(old) if old == new => {}
            _ => drop(patch.insert(key.clone(), new.clone())),
        }
    }
    let gone = original.keys().filter(|key| !modified.contains_key(key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    Value::Object(patch)
}

fn merge_maps(object: &mut Map, patch: Map) {
    for (key, mut value) in patch {
        match (object.get_mut(&key), &mut value) {
            (_, Value::Null) => {
                object.remove(&key);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge_maps(old, std::mem::take(new)),
            // What replaces a map keeps its nulls, unlike what is new: so it is upstream.
            (Some(Value::Object(_)), _) => {
                object.insert(key, value);
            }
            _ => {
                drop_nulls(&mut value);
                object.insert(key, value);
            }
        }
    }
}

/// Drops entries that are `null`, at any depth; items of lists stay.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[track_caller]
    fn check(object: Value, patch: Value, want: Value) {
        assert_eq!(apply(object, patch), Ok(want));
    }

    #[test]
    fn maps_merge_and_null_removes() {
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null, "d": 3}}), json!({"a": {"c": 2, "d": 3}}));
        check(json!({"a": [1]}), json!({"a": [2, null, {"x": null}]}), json!({"a": [2, null, {}]}));
        check(json!({}), json!({"a": {"b": null}}), json!({"a": {}}));
        check(json!({"a": {"b": 1}}), json!({"a": "x"}), json!({"a": "x"}));
    }

    #[test]
    fn three_ways_meet() {
        let patch = three_way(
            &json!({"a": 1, "gone": 2, "deep": {"x": 1, "y": 2}}),
            &json!({"a": 1, "b": [1], "deep": {"x": 3}}),
            &json!({"a": 1, "gone": 2, "other": 5, "deep": {"x": 1, "y": 2, "z": 4}}),
        );
        assert_eq!(patch, json!({"b": [1], "gone": null, "deep": {"x": 3, "y": null}}));
    }

    #[test]
    fn only_maps_are_patches() {
        assert_eq!(apply(json!({}), json!(null)), Err("Invalid JSON Patch".to_owned()));
        let want = "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}";
        assert_eq!(apply(json!({}), json!([])), Err(want.to_owned()));
    }
}

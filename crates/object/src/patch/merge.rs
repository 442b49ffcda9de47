//! JSON merge patch (RFC 7386).

use super::lazy::{Entries, Lazy};
use super::{Rejected, of_text, reject};
use crate::json;
use value::{Map, Value};

/// Merges `patch` into the JSON of `object`, as Go writes it: `null` removes, maps merge, everything else replaces. A list
/// takes the place of the whole.
///
/// # Errors
/// If the patch is neither map nor list. Both must be well-formed.
pub fn apply(object: &[u8], patch: &[u8]) -> Result<Vec<u8>, Rejected> {
    let (mut object, mut patch) = (Lazy::new(object), Lazy::new(patch));
    object.look();
    patch.look();
    let made = match (&mut object, patch) {
        (Lazy::Map(entries, _), Lazy::Map(patch, _)) => {
            merge(entries, patch);
            object
        }
        (_, mut patch @ (Lazy::Map(..) | Lazy::List(..))) => {
            prune(&mut patch);
            patch
        }
        _ => return reject("Invalid JSON Patch".to_owned()),
    };
    Ok(made.to_text())
}

/// The same with values.
///
/// # Errors
/// If the patch is neither map nor list.
pub fn apply_to(object: &Value, patch: &Value) -> Result<Value, Rejected> {
    of_text(&apply(json::go_text(object).as_bytes(), json::go_text(patch).as_bytes())?)
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

fn merge<'t>(object: &mut Entries<'t>, patch: Entries<'t>) {
    for (key, mut new) in patch {
        if matches!(new, Lazy::Null) {
            object.remove(&key);
            continue;
        }
        let Some(old) = object.get_mut(&key) else {
            prune(&mut new);
            object.insert(key, new);
            continue;
        };
        if old.map().is_none() {
            prune(&mut new);
        }
        new.map();
        match (old, new) {
            (Lazy::Map(old, _), Lazy::Map(new, _)) => merge(old, new),
            // What replaces a map keeps its nulls, unlike what is new: so it is upstream.
            (old, new) => *old = new,
        }
    }
}

/// Drops entries that are `null`, at any depth; items of lists stay.
fn prune(value: &mut Lazy<'_>) {
    if let Some(entries) = value.map() {
        entries.retain(|_, value| !matches!(value, Lazy::Null));
        entries.values_mut().for_each(prune);
    } else if let Some(items) = value.list() {
        items.iter_mut().for_each(prune);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[track_caller]
    fn check(object: Value, patch: Value, want: Value) {
        assert_eq!(apply_to(&object, &patch), Ok(want));
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
    fn values_stand_as_they_were_written() {
        let merged = |patch: &str| apply(br#"{"b":{"z":1,"y":[1.0]},"a":1}"#, patch.as_bytes());
        for (patch, want) in [
            (r#"{"a": 1e2}"#, r#"{"a":1e2,"b":{"z":1,"y":[1.0]}}"#),
            (r#"{"b": {"x": "<"}}"#, r#"{"a":1,"b":{"x":"\u003c","y":[1.0],"z":1}}"#),
            (r#"{"a": {"c": 1, "b": [{"e": 1, "d": null}]}}"#, r#"{"a":{"b":[{"e":1}],"c":1},"b":{"z":1,"y":[1.0]}}"#),
            (r#"[1.0, {"b": 1, "a": null}]"#, r#"[1.0,{"b":1}]"#),
        ] {
            let text = merged(patch).map(|text| String::from_utf8_lossy(&text).into_owned());
            assert_eq!(text, Ok(want.to_owned()), "{patch}");
        }
        for patch in ["null", "1", "\"x\""] {
            assert_eq!(merged(patch), Err(Rejected("Invalid JSON Patch".to_owned())));
        }
    }
}

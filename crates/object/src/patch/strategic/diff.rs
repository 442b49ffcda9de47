//! Making strategic merge patches: what a client sends so that an object becomes what a person wrote, without touching
//! what others added.
//!
//! Applying them is the server's business, see [`super::apply`].

use super::lookup::{Known, Shape};
use super::{DELETE_FROM, PATCH, RETAIN_KEYS, SET_ORDER};
use crate::schema::{Schema, TypeId};
use value::{Map, Value, json};

/// What of a difference goes into a patch.
#[derive(Clone, Copy)]
struct Wanted {
    changes: bool,
    deletions: bool,
}

/// The patch that takes `current` to where a person wants it: what `modified` says is set, what `original` had and
/// `modified` has not is removed, and the rest of `current` stays.
#[must_use]
pub fn three_way(original: &Map, modified: &Map, current: &Map, schema: &Schema, ty: TypeId) -> Map {
    let shape = Some(Shape::of_struct(schema, ty));
    let delta = diff_maps(current, modified, shape, Wanted { changes: true, deletions: false });
    let deletions = diff_maps(original, modified, shape, Wanted { changes: false, deletions: true });
    let mut patch = deletions;
    join_maps(&mut patch, delta, shape);
    patch
}

/// The patch that makes `modified` of `original`.
#[must_use]
pub fn two_way(original: &Map, modified: &Map, schema: &Schema, ty: TypeId) -> Map {
    let shape = Some(Shape::of_struct(schema, ty));
    diff_maps(original, modified, shape, Wanted { changes: true, deletions: true })
}

fn diff_maps(original: &Map, modified: &Map, shape: Option<Shape<'_>>, wanted: Wanted) -> Map {
    let mut patch = Map::new();
    for (key, old) in original {
        match modified.get(key) {
            None if wanted.deletions => drop(patch.insert(key.clone(), Value::Null)),
            None => {}
            Some(new) => diff_field(&mut patch, key, old, new, shape, wanted),
        }
    }
    if wanted.changes {
        let added = modified.iter().filter(|(key, _)| !original.contains_key(key));
        patch.extend(added.map(|(key, value)| (key.clone(), value.clone())));
    }
    patch
}

fn diff_field(patch: &mut Map, key: &str, old: &Value, new: &Value, shape: Option<Shape<'_>>, wanted: Wanted) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => diff_map_field(patch, key, old, new, shape, wanted),
        (Value::Array(before), Value::Array(after)) => {
            match shape.and_then(|shape| shape.list(key).ok()).filter(|known| known.merges) {
                Some(known) if known.key.is_empty() => diff_scalars(patch, key, before, after, wanted),
                Some(known) => diff_items(patch, key, before, after, &known, wanted),
                None if old != new && wanted.changes => drop(patch.insert(key.to_owned(), new.clone())),
                None => {}
            }
        }
        _ if old != new && wanted.changes => drop(patch.insert(key.to_owned(), new.clone())),
        _ => {}
    }
}

fn diff_map_field(patch: &mut Map, key: &str, old: &Map, new: &Map, shape: Option<Shape<'_>>, wanted: Wanted) {
    let known = shape.and_then(|shape| shape.field(key).ok());
    if known.as_ref().is_some_and(|known| known.replaces) {
        if old != new && wanted.changes {
            let mut whole = new.clone();
            whole.insert(PATCH.to_owned(), "replace".into());
            patch.insert(key.to_owned(), Value::Object(whole));
        }
        return;
    }
    let mut inner = diff_maps(old, new, known.as_ref().map(|known| known.shape), wanted);
    if inner.is_empty() {
        return;
    }
    if known.is_some_and(|known| known.retains) {
        inner.insert(RETAIN_KEYS.to_owned(), keys_of(new));
    }
    patch.insert(key.to_owned(), Value::Object(inner));
}

fn keys_of(map: &Map) -> Value {
    map.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| Value::from(key.as_str())).collect()
}

/// Lists of distinct scalars: what is new, what is gone, and the order.
fn diff_scalars(patch: &mut Map, key: &str, old: &[Value], new: &[Value], wanted: Wanted) {
    let added: Vec<Value> = new.iter().filter(|item| !old.contains(item)).cloned().collect();
    let gone: Vec<Value> = old.iter().filter(|item| !new.contains(item)).cloned().collect();
    let changes = wanted.changes && (!added.is_empty() || order_differs(old, new));
    let deletes = wanted.deletions && !gone.is_empty();
    if changes && !added.is_empty() {
        patch.insert(key.to_owned(), added.into());
    }
    if deletes {
        patch.insert(format!("{DELETE_FROM}/{key}"), gone.into());
    }
    if changes || deletes {
        patch.insert(format!("{SET_ORDER}/{key}"), new.to_vec().into());
    }
}

/// Whether what both lists have stands in another order.
fn order_differs(old: &[Value], new: &[Value]) -> bool {
    let kept = old.iter().filter(|item| new.contains(item));
    !kept.eq(new.iter().filter(|item| old.contains(item)))
}

/// Lists of maps that a key tells apart.
fn diff_items(patch: &mut Map, key: &str, old: &[Value], new: &[Value], known: &Known<'_>, wanted: Wanted) {
    let id = |item: &Value| item.get(known.key).cloned().unwrap_or_default();
    let (old_ids, new_ids): (Vec<Value>, Vec<Value>) = (old.iter().map(id).collect(), new.iter().map(id).collect());
    let mut items = Vec::new();
    for (id, item) in new_ids.iter().zip(new) {
        let before = old_ids.iter().position(|old| old == id).map(|at| &old[at]);
        match (before, item) {
            (None, item) if wanted.changes => items.push(item.clone()),
            (Some(Value::Object(before)), Value::Object(item)) => {
                let mut inner = diff_maps(before, item, Some(known.shape), wanted);
                if !inner.is_empty() {
                    if known.retains {
                        inner.insert(RETAIN_KEYS.to_owned(), keys_of(item));
                    }
                    inner.insert(known.key.to_owned(), id.clone());
                    items.push(Value::Object(inner));
                }
            }
            _ => {}
        }
    }
    if wanted.deletions {
        let gone = old_ids.iter().filter(|id| !new_ids.contains(id));
        items.extend(gone.map(|id| json!({ (known.key): id, PATCH: "delete" })));
    }
    let reordered = wanted.changes && order_differs(&old_ids, &new_ids);
    if items.is_empty() && !reordered {
        return;
    }
    let order: Vec<Value> = new_ids.into_iter().map(|id| json!({ (known.key): id })).collect();
    patch.insert(format!("{SET_ORDER}/{key}"), order.into());
    if !items.is_empty() {
        patch.insert(key.to_owned(), items.into());
    }
}

/// Puts one patch on top of another.
fn join_maps(under: &mut Map, over: Map, shape: Option<Shape<'_>>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => {
                let known = shape.and_then(|shape| shape.field(&key).ok());
                join_maps(under, over, known.map(|known| known.shape));
            }
            (Some(Value::Array(under)), Value::Array(over)) if !key.starts_with('$') => {
                match shape.and_then(|shape| shape.list(&key).ok()).filter(|known| known.merges) {
                    Some(known) => join_items(under, over, &known),
                    None => *under = over,
                }
            }
            (_, value) => drop(under.insert(key, value)),
        }
    }
}

fn join_items(under: &mut Vec<Value>, over: Vec<Value>, known: &Known<'_>) {
    for item in over {
        let same = under
            .iter_mut()
            .find(|old| if known.key.is_empty() { **old == item } else { old.get(known.key) == item.get(known.key) });
        match (same, item) {
            (Some(Value::Object(old)), Value::Object(item)) => join_maps(old, item, Some(known.shape)),
            (Some(_), _) => {}
            (None, item) => under.push(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;
    use crate::schema::{builtin, builtin_type};

    fn map(value: Value) -> Map {
        value.as_object().cloned().unwrap()
    }

    fn pod(containers: Value) -> Map {
        map(json!({ "spec": { "containers": containers } }))
    }

    #[track_caller]
    fn check(original: Map, modified: Map, current: Map, want: Value) {
        let ty = builtin_type("v1", "Pod").unwrap();
        let patch = three_way(&original, &modified, &current, builtin(), ty);
        let made = apply(current, patch.clone(), builtin(), ty).unwrap();
        assert_eq!(Value::Object(made), want, "{patch:?}");
    }

    #[test]
    fn what_others_added_stays_and_what_was_taken_out_goes() {
        let original = pod(json!([{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b" }]));
        let modified = pod(json!([{ "name": "a", "image": "a:2" }]));
        let current = pod(json!([
            { "name": "sidecar", "image": "s" },
            { "name": "a", "image": "a:1", "terminationMessagePath": "/t" },
            { "name": "b", "image": "b" },
        ]));
        check(
            original,
            modified,
            current,
            json!({ "spec": { "containers": [
                { "name": "sidecar", "image": "s" },
                { "name": "a", "image": "a:2", "terminationMessagePath": "/t" },
            ] } }),
        );
    }

    #[test]
    fn scalars_in_lists_come_and_go() {
        let meta = |finalizers: Value| map(json!({ "metadata": { "finalizers": finalizers } }));
        check(
            meta(json!(["x", "y"])),
            meta(json!(["y", "z"])),
            meta(json!(["x", "y", "other"])),
            json!({ "metadata": { "finalizers": ["y", "z", "other"] } }),
        );
    }

    #[test]
    fn nothing_to_do_is_an_empty_patch() {
        let same = pod(json!([{ "name": "a", "image": "a:1" }]));
        let ty = builtin_type("v1", "Pod").unwrap();
        assert!(three_way(&same, &same, &same, builtin(), ty).is_empty());
        assert!(two_way(&same, &same, builtin(), ty).is_empty());
    }

    #[test]
    fn a_volume_that_changes_its_source_keeps_nothing_of_the_old_one() {
        let volumes = |source: Value| map(json!({ "spec": { "volumes": [source] } }));
        let old = volumes(json!({ "name": "v", "emptyDir": {} }));
        let new = volumes(json!({ "name": "v", "configMap": { "name": "c" } }));
        check(old.clone(), new.clone(), old, Value::Object(new));
    }
}

//! Strategic merge patch: a merge patch that knows from the schema which lists merge, and by which key.
//!
//! Directives in a patch: `$patch: delete|replace` in a map or an item of a list, `$retainKeys`,
//! `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`. Only what upstream's server does when it applies a patch
//! is here; making patches (two-way and three-way), a client's business, is in [`diff`].

pub mod diff;
mod lists;
mod lookup;

use super::{Rejected, go_print};
use crate::quote::go_type;
use crate::schema::{Schema, TypeId};
use crate::status::Status;
use lists::{merge_lists, ordered_by_directive};
use lookup::Shape;
use std::collections::HashSet;
use value::{Key, Map, Value};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// A patch that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The patch is malformed (400).
    #[error("{0}")]
    Malformed(&'static str),
    /// The patch does not fit the object (422, without telling why).
    #[error("{0}")]
    Unfit(&'static str),
    /// Everything else, which upstream answers with 500.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// The answer to a client.
    pub fn status(&self) -> Status {
        match self {
            Error::Malformed(why) => Status::bad_request(*why),
            Error::Unfit(_) => Rejected::status(),
            Error::Other(why) => Status::plain(500, "", why.as_str()),
        }
    }
}

/// Merges `patch` into `object`, a value of type `ty` of `schema`.
pub fn apply(object: Map, patch: Map, schema: &Schema, ty: TypeId) -> Result<Map, Error> {
    merge_maps(object, patch, Shape::of_struct(schema, ty))
}

/// Takes from a patch what applying it to `old` uses up, as far as maps merge: errors show what is left.
pub fn forget_directives(patch: &mut Map, old: &Value) {
    patch.remove(RETAIN_KEYS);
    if patch.get(PATCH).is_some_and(|directive| directive == "replace") {
        patch.remove(PATCH);
    }
    let ordered: Vec<Key> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in ordered {
        patch.remove(&directive);
        patch.remove(directive.trim_start_matches(SET_ORDER).trim_start_matches('/'));
    }
    for (name, value) in patch {
        match (value, old.get(name)) {
            (Value::Object(inner), Some(old @ Value::Object(_))) => forget_directives(inner, old),
            (Value::Array(_), Some(Value::Array(_))) => {}
            (new, _) => {
                drop_nulls(new);
                if let Some(kept) = without_directives(new.clone()) {
                    *new = kept;
                }
            }
        }
    }
}

fn merge_maps(mut object: Map, mut patch: Map, shape: Shape<'_>) -> Result<Map, Error> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut object, &mut patch)?;
    apply_orders(&mut object, &mut patch, shape)?;
    for (key, value) in patch {
        match key.strip_prefix(DELETE_FROM) {
            Some(rest) => {
                let name = rest.strip_prefix('/').ok_or(Error::Malformed("invalid patch format of primitive list"))?;
                delete_from(&mut object, name, value, shape)?;
            }
            None => merge_field(&mut object, key, value, shape)?,
        }
    }
    Ok(object)
}

fn merge_field(object: &mut Map, key: Key, value: Value, shape: Shape<'_>) -> Result<(), Error> {
    let merged = match (object.remove(&key), value) {
        (_, Value::Null) => None,
        (Some(Value::Object(old)), Value::Object(new)) => {
            let field = shape.field(&key)?;
            Some(Value::Object(if field.replaces { new } else { merge_maps(old, new, field.shape)? }))
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            let field = shape.list(&key)?;
            Some(Value::Array(if field.merges { merge_lists(old, new, &field)? } else { new }))
        }
        (_, mut new) => {
            drop_nulls(&mut new);
            without_directives(new)
        }
    };
    if let Some(merged) = merged {
        object.insert(key, merged);
    }
    Ok(())
}

/// `$deleteFromPrimitiveList/name`
fn delete_from(object: &mut Map, name: &str, value: Value, shape: Shape<'_>) -> Result<(), Error> {
    if value.is_null() {
        object.remove(name);
        return Ok(());
    }
    let (Some(Value::Array(old)), Value::Array(gone)) = (object.get_mut(name), value) else {
        return Ok(());
    };
    shape.list(name)?;
    let gone: HashSet<String> = gone.iter().map(Value::to_string).collect();
    old.retain(|item| !gone.contains(&item.to_string()));
    Ok(())
}

/// `$retainKeys`: every other key of the object goes.
fn retain_keys(object: &mut Map, patch: &mut Map) -> Result<(), Error> {
    const BAD: Error = Error::Malformed("invalid patch format of retainKeys");
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let keys: HashSet<&str> = keys.as_array().ok_or(BAD)?.iter().filter_map(Value::as_str).collect();
    let is_directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
    let fits = |(key, value): (&Key, &Value)| value.is_null() || is_directive(key) || keys.contains(key.as_str());
    if !patch.iter().all(fits) {
        return Err(BAD);
    }
    object.retain(|key, _| keys.contains(key.as_str()));
    Ok(())
}

/// `$setElementOrder/name` and the lists that they order.
fn apply_orders(object: &mut Map, patch: &mut Map, shape: Shape<'_>) -> Result<(), Error> {
    let directives: Vec<Key> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let Some(order) = patch.remove(&directive) else { continue };
        let Value::Array(order) = order else { return Err(bad_type("[]interface {}", &order)) };
        let name = directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/'));
        let name = name.ok_or(Error::Malformed("invalid patch format of setElementOrder list"))?;
        let old = take_list(object.get(name))?;
        let new = take_list(patch.get(name))?;
        let field = shape.list(name)?;
        if let Some(list) = ordered_by_directive(old, new, order, &field)? {
            object.insert(name.to_owned(), Value::Array(list));
            patch.remove(name);
        }
    }
    Ok(())
}

fn take_list(value: Option<&Value>) -> Result<Option<Vec<Value>>, Error> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(bad_type("[]interface {}", other)),
    }
}

/// The value without directives; `None` if it is itself one.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => {
            let kept = map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// Drops entries that are `null`, at any depth.
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

fn unknown_directive(directive: &Value, map: &Map) -> Error {
    let map = go_print(&Value::Object(map.clone()));
    let directive = match directive {
        Value::String(text) => text.clone(),
        other => format!("%!s({}={})", shown_type(other), go_print(other)),
    };
    Error::Other(format!("unknown patch type: {directive} in map: {map}"))
}

fn bad_type(want: &str, got: &Value) -> Error {
    Error::Other(format!("expected a {want}, but received a {}", shown_type(got)))
}

/// The type of a value, with what Go's `%s` makes of none.
fn shown_type(value: &Value) -> &'static str {
    if value.is_null() { "%!s(<nil>)" } else { go_type(value) }
}

#[cfg(test)]
mod tests;

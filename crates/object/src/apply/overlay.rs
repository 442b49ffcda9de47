//! A configuration laid over an object without owners: what admission policies do.

use super::merge::merge;
use super::place::{Form, Place};
use super::validate::validate;
use crate::schema::{Schema, TypeId};
use value::Value;

/// Merges a configuration into an object as an apply does, but nothing is owned and nothing removed.
///
/// The result still has to be decoded and defaulted.
///
/// # Errors
/// If the configuration does not fit the type, or names what can only be replaced as one.
pub fn overlay(schema: &Schema, ty: TypeId, object: &Value, configuration: &Value) -> Result<Value, String> {
    let place = Place::root(schema, ty);
    validate(place, configuration).map_err(|why| format!("failed to convert patch object to typed object: {why}"))?;
    let mut found = Vec::new();
    atomics(place, configuration, String::new(), &mut found);
    if !found.is_empty() {
        let paths = found.join(", ");
        return Err(format!("invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {paths}"));
    }
    Ok(merge(place, Some(object), Some(configuration)).unwrap_or_else(|| object.clone()))
}

/// Where the configuration names what is owned as one. Depth is bounded by validation before.
fn atomics(place: Place<'_>, value: &Value, path: String, found: &mut Vec<String>) {
    let form = place.form(Some(value));
    if form != Form::Scalar && place.is_atomic(form) {
        found.push(path.clone());
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some((below, true)) = place.field(name) {
                    atomics(below, value, format!("{path}.{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                atomics(place.item(), item, format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

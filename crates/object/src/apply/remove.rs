//! Taking a set of fields out of a value.

use super::element::PathElement;
use super::place::{Form, Place};
use super::set::FieldSet;
use value::{Map, Value};

/// The value without the fields and items in the set; `null` where nothing is left. Inside atomic values nothing can be
/// removed: they go as a whole.
pub(super) fn remove(place: Place<'_>, value: &Value, set: &FieldSet) -> Value {
    let form = place.form(Some(value));
    match (form, value) {
        (Form::Scalar, _) => value.clone(),
        _ if place.is_atomic(form) => Value::Null,
        (Form::List, Value::Array(items)) => remove_items(place, items, set),
        (Form::Map, Value::Object(map)) => remove_entries(place, map, set),
        _ => Value::Null,
    }
}

fn remove_items(place: Place<'_>, items: &[Value], set: &FieldSet) -> Value {
    let (mut out, mut touched) = (Vec::new(), false);
    for item in items {
        let element = place.element_of(item).ok();
        if element.as_ref().is_some_and(|element| set.has_member(element)) {
            continue;
        }
        match element.and_then(|element| set.below(&element)) {
            Some(below) => {
                touched = true;
                out.push(remove_below(place.item(), item, below));
            }
            None => out.push(item.clone()),
        }
    }
    if out.is_empty() && !touched { Value::Null } else { Value::Array(out) }
}

fn remove_entries(place: Place<'_>, map: &Map, set: &FieldSet) -> Value {
    let (mut out, mut touched) = (Map::new(), false);
    for (name, value) in map {
        let element = PathElement::field(name);
        if set.has_member(&element) {
            continue;
        }
        let kept = match (set.below(&element), place.field(name)) {
            (Some(below), Some((place, _))) => {
                touched = true;
                remove_below(place, value, below)
            }
            _ => value.clone(),
        };
        out.insert(name.clone(), kept);
    }
    if out.is_empty() && !touched { Value::Null } else { Value::Object(out) }
}

/// A container that loses all that is in it stays, empty.
fn remove_below(place: Place<'_>, value: &Value, set: &FieldSet) -> Value {
    match (remove(place, value, set), value) {
        (Value::Null, Value::Object(_)) => Value::Object(Map::new()),
        (Value::Null, Value::Array(_)) => Value::Array(Vec::new()),
        (kept, _) => kept,
    }
}

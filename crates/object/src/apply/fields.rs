//! The fields of one value, as a set.

use super::element::PathElement;
use super::place::{Form, Place, Shape};
use super::set::{FieldSet, Step};
use std::collections::BTreeMap;
use value::Value;

/// Every leaf, list item and map entry of a value: what an applied configuration claims.
pub(super) fn field_set(place: Place<'_>, value: &Value) -> FieldSet {
    let mut out = FieldSet::new();
    collect(place, value, &mut out);
    out
}

/// Collects what lies below a place, and tells whether the place itself belongs in the set.
fn collect(place: Place<'_>, value: &Value, out: &mut FieldSet) -> bool {
    let form = place.form(Some(value));
    if place.is_atomic(form) {
        return true;
    }
    match (form, value) {
        (Form::Map, Value::Object(map)) => {
            for (name, value) in map {
                collect_entry(place, name, value, out);
            }
        }
        (Form::List, Value::Array(items)) => collect_items(place, items, out),
        _ => {}
    }
    false
}

fn collect_entry(place: Place<'_>, name: &str, value: &Value, out: &mut FieldSet) {
    let Some((below, named)) = place.field(name) else { return };
    let mut child = FieldSet::new();
    let owned = collect(below, value, &mut child);
    let empty = value.is_null() || value.as_object().is_some_and(value::Map::is_empty);
    out.file(PathElement::field(name), owned || empty || !named, child);
}

/// Items that share a key are owned as one, without their fields.
fn collect_items(place: Place<'_>, items: &[Value], out: &mut FieldSet) {
    let mut by_element: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for item in items {
        if let Ok(element) = place.element_of(item) {
            by_element.entry(element).and_modify(|once| *once = None).or_insert(Some(item));
        }
    }
    for (element, item) in by_element {
        let mut child = FieldSet::new();
        if let Some(item) = item {
            collect(place.item(), item, &mut child);
        }
        out.file(element, true, child);
    }
}

/// The set with the struct fields that lead to a member made members themselves; map keys are not.
pub(super) fn with_named_fields(set: &FieldSet, place: Option<Place<'_>>) -> FieldSet {
    let mut out = FieldSet::new();
    for Step { element, is_member, below } in set.steps() {
        let field = match (element, place) {
            (PathElement::Field(name), Some(place)) => place.field(name),
            (PathElement::Key(_), Some(place)) if matches!(place.shape, Shape::List { .. }) => {
                Some((place.item(), false))
            }
            _ => None,
        };
        let is_named = !below.is_empty() && field.is_some_and(|(_, named)| named);
        let below = with_named_fields(below, field.map(|(place, _)| place));
        out.file(element.clone(), *is_member || is_named, below);
    }
    out
}

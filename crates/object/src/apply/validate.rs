//! Whether a value fits its type well enough to be merged, with upstream's messages.
//!
//! This is not validation of the object: it answers for shapes, unknown fields and duplicate keys alone.

use super::element::PathElement;
use super::place::{Form, ListKind, Place, Scalar, Shape};
use crate::patch::go_print;
use crate::quote::{go_type, quote};
use std::collections::BTreeSet;
use value::Value;

/// Nothing deeper is merged.
const MAX_DEPTH: usize = 200;

/// What does not fit, as one text.
pub(super) fn validate(place: Place<'_>, value: &Value) -> Result<(), String> {
    check(place, value, false)
}

/// What is wrong with an object that is stored already, if items of its lists have no names: the same, but that items
/// may stand twice.
pub(super) fn unnamed_items(place: Place<'_>, value: &Value) -> Option<String> {
    lacks_keys(place, value).then(|| check(place, value, true).err()).flatten()
}

fn check(place: Place<'_>, value: &Value, allow_duplicates: bool) -> Result<(), String> {
    let mut walk = Walk { path: Vec::new(), errors: Vec::new(), allow_duplicates };
    walk.value(place, value);
    match walk.errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(many.iter().fold("errors:".to_owned(), |text, error| text + "\n  " + error)),
    }
}

/// True if an item of a list with keys lacks one of them: then nothing can be said of owners.
pub(super) fn lacks_keys(place: Place<'_>, value: &Value) -> bool {
    if place.is_without_keys() {
        return false;
    }
    match (place.form(Some(value)), value) {
        (Form::List, Value::Array(items)) => {
            let atomic = matches!(place.shape, Shape::List { kind: ListKind::Atomic, .. } | Shape::Any { .. });
            items.iter().any(|item| (!atomic && !place.names(item)) || lacks_keys(place.item(), item))
        }
        (Form::Map, Value::Object(map)) => {
            map.iter().any(|(name, value)| place.field(name).is_some_and(|(place, _)| lacks_keys(place, value)))
        }
        _ => false,
    }
}

struct Walk {
    path: Vec<String>,
    errors: Vec<String>,
    allow_duplicates: bool,
}

impl Walk {
    fn fail(&mut self, why: &str) {
        let path = self.path.concat();
        self.errors.push(if path.is_empty() { why.to_owned() } else { format!("{path}: {why}") });
    }

    fn value(&mut self, place: Place<'_>, value: &Value) {
        if self.path.len() > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        match (place.form(Some(value)), value) {
            (_, Value::Null) => {}
            (Form::Scalar, _) => self.scalar(place, value),
            (Form::List, Value::Array(items)) => self.items(place, items),
            (Form::List, other) => self.fail(&format!("expected list, got &{{{}}}", go_print(other))),
            (Form::Map, Value::Object(map)) => {
                for (name, value) in map {
                    self.path.push(format!(".{name}"));
                    let field = place.field(name);
                    match field {
                        Some((place, _)) => self.value(place, value),
                        None => self.fail("field not declared in schema"),
                    }
                    self.path.pop();
                    if field.is_none() {
                        break;
                    }
                }
            }
            (Form::Map, other) => self.fail(&format!("expected map, got &{{{}}}", go_print(other))),
        }
    }

    fn items(&mut self, place: Place<'_>, items: &[Value]) {
        let atomic = matches!(place.shape, Shape::List { kind: ListKind::Atomic, .. } | Shape::Any { .. });
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if atomic {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            } else {
                match place.element_of(item) {
                    Ok(element) => element,
                    Err(why) => return self.fail(&format!("element {index}: {why}")),
                }
            };
            let shown = element.to_string();
            if !self.allow_duplicates && !seen.insert(element) {
                self.fail(&format!("duplicate entries for key {shown}"));
            }
            self.path.push(shown);
            self.value(place.item(), item);
            self.path.pop();
        }
    }

    fn scalar(&mut self, place: Place<'_>, value: &Value) {
        let kind = match place.shape {
            Shape::Scalar(kind) => kind,
            _ => Scalar::Untyped,
        };
        match (kind, value) {
            (Scalar::Text, Value::String(_)) | (Scalar::Number, Value::Number(_)) | (Scalar::Bool, Value::Bool(_)) => {}
            (Scalar::Untyped, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {}
            (Scalar::Number, other) => {
                self.fail(&format!("expected numeric (int or float), got {}", go_type(other)));
            }
            (Scalar::Text, other) => {
                self.fail(&format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(other)));
            }
            (Scalar::Bool, other) => self.fail(&format!("expected boolean, got &{{{}}}", go_print(other))),
            (Scalar::Untyped, other) => self.fail(&format!("expected any scalar, got &{{{}}}", go_print(other))),
        }
    }
}

/// Go's `%#v` of a decoded value.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", quote(key), go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        scalar => go_print(scalar),
    }
}

//! Values: read from files and flags, merged, and laid over what charts bring along.

mod coalesce;
mod options;
mod schema;
mod set;
mod shared;
mod tables;
#[cfg(test)]
mod tests;

use value::{Map, Value};

pub use coalesce::{coalesce_values, merge_values};
pub use options::Options;
pub use schema::{validate, validate_one};
pub use set::{SetKind, set};
pub use tables::{coalesce_tables, merge_tables};

use crate::json::{kind, with_floats};

/// A map of values.
pub type Values = Map;

/// What was odd about values, for the person to read.
pub type Warnings = Vec<String>;

/// Hands warnings on, as Helm logs them.
pub(crate) fn tell(warnings: &Warnings, warn: Option<fn(&str)>) {
    let Some(warn) = warn else { return };
    for warning in warnings {
        match warning.starts_with("level=") {
            true => warn(warning),
            false => warn(&format!("level=INFO msg={}", gotemplate::format::quote(&warning.as_str().into()))),
        }
    }
}

/// Reads a values file: the maps of all its documents, merged; every number a float.
///
/// # Errors
/// Where it is not YAML, or not a map.
pub fn read_documents(data: &[u8]) -> Result<Values, String> {
    let text = String::from_utf8_lossy(data);
    let mut values = Values::new();
    for document in split_documents(&text) {
        let wrap = |error: String| format!("cannot unmarshal yaml document: {error}");
        let value =
            yaml::to_json(&document).map_err(|error| wrap(format!("error converting YAML to JSON: {error}")))?;
        match with_floats(value) {
            Value::Object(map) => merge_over(&mut values, map),
            Value::Null => {}
            other => {
                return Err(wrap(format!(
                    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    kind(&other)
                )));
            }
        }
    }
    Ok(values)
}

/// Splits at lines that begin with three hyphens.
fn split_documents(text: &str) -> Vec<String> {
    if !text.contains("\n---") && !text.starts_with("---") {
        return vec![text.to_owned()];
    }
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let marker = line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty());
        match documents.last_mut() {
            Some(last) if !marker => last.push_str(line),
            _ => documents.push(String::new()),
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

/// Lays a map over another: maps are merged, all else is replaced.
pub fn merge_over(under: &mut Values, over: Values) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge_over(old, new),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// The table at a path of names.
#[must_use]
pub fn table<'a>(values: &'a Values, path: &str) -> Option<&'a Values> {
    let mut table = values;
    for name in path.split('.') {
        table = table.get(name)?.as_object()?;
    }
    Some(table)
}

/// The value at a path of names that is no table.
#[must_use]
pub fn path_value<'a>(values: &'a Values, path: &str) -> Option<&'a Value> {
    let found = match path.rsplit_once('.') {
        Some((front, last)) => table(values, front)?.get(last),
        None => values.get(path),
    };
    found.filter(|value| !value.is_object())
}

//! Reading JSON trees as Go reads them into its structs: names in any case, numbers where text is wanted.

use value::{Map, Value};

/// A field, by its name or, failing that, by its name in other letter case.
pub(crate) fn field<'a>(map: &'a Map, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The text of a scalar; none of anything else.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) if number.is_f64() => {
            Some(gotemplate::format::float_g(number.as_f64().unwrap_or(0.0), None))
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// How Go names the JSON kind of a value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A tree with every number a float, as `encoding/json` reads it.
pub(crate) fn with_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            number.as_f64().and_then(value::Number::from_f64).map_or(Value::Number(number), Value::Number)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_floats).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, with_floats(value))).collect()),
        other => other,
    }
}

/// A tree with whole floats as integers, for writing.
#[must_use]
pub fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => gotemplate::Value::Float(float).to_json(),
            _ => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(with_integers).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, with_integers(value))).collect()),
        other => other,
    }
}

/// A tree as Go writes it: texts without the bytes that they carry and that are no text.
pub(crate) fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(gotemplate::shown(&text).into_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, shown(value))).collect()),
        other => other,
    }
}

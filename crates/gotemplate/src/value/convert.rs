//! From and to JSON trees, and from the plain types of Rust.

use std::rc::Rc;

use ::value::{Map as JsonMap, Value as Json};
use value::Number;

use super::carried::restored;
use super::walk::Walk;
use super::{Entries, Str, Value};

impl Value {
    /// As `encoding/json` reads into an `interface {}`: every number is a `float64`.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Float(number.as_f64().unwrap_or(0.0)),
            Json::String(text) => Self::from(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(map) => {
                Self::map(map.iter().map(|(key, value)| (Rc::from(key.as_str()), Self::from_json(value))).collect())
            }
        }
    }

    /// As values are kept: floats are `float64`, and the integers that a command line gave are `int64`; texts may carry
    /// bytes that are no text.
    #[must_use]
    pub fn from_values(json: &Json) -> Self {
        match json {
            Json::Number(number) => match number.as_i64() {
                Some(integer) if !number.is_f64() => Self::Int64(integer),
                _ => Self::Float(number.as_f64().unwrap_or(0.0)),
            },
            Json::String(text) => Self::Str(restored(text)),
            Json::Array(items) => Self::list(items.iter().map(Self::from_values).collect()),
            Json::Object(map) => {
                Self::map(map.iter().map(|(key, value)| (Rc::from(key.as_str()), Self::from_values(value))).collect())
            }
            other => Self::from_json(other),
        }
    }

    /// As `encoding/json` reads what `encoding/json` wrote of it; what it cannot write is null.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.as_json().unwrap_or_default()
    }

    /// As [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// Where the value holds itself, or is too large.
    pub fn as_json(&self) -> Result<Json, String> {
        self.json(&mut Walk::default(), 0)
    }

    fn json(&self, walk: &mut Walk, depth: usize) -> Result<Json, String> {
        walk.visit(self, depth)?;
        Ok(match self {
            Self::Nil => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) | Self::Int64(value) => Json::from(*value),
            Self::Uint8(value) => Json::from(*value),
            Self::Uint64(value) => Json::from(*value),
            Self::Float(value) if !value.is_finite() => {
                return Err(format!("json: unsupported value: {}", crate::format::float_g(*value, None)));
            }
            Self::Float(value) => json_float(*value),
            Self::Complex(..) => return Err("json: unsupported type: complex128".to_owned()),
            Self::Str(text) => Json::String(text.text().into_owned()),
            Self::List(list) if list.nil => Json::Null,
            Self::Map(map) if map.is_nil() => Json::Null,
            Self::List(list) => {
                let items: Result<_, String> = list.items.iter().map(|item| item.json(walk, depth + 1)).collect();
                Json::Array(items?)
            }
            Self::Map(map) => {
                let mut entries = JsonMap::new();
                for (key, value) in map.snapshot() {
                    entries.insert(key.to_string(), value.json(walk, depth + 1)?);
                }
                Json::Object(entries)
            }
            Self::Object(object) => self.object_json(object.as_ref(), walk, depth)?,
        })
    }

    fn object_json(&self, object: &dyn super::Object, walk: &mut Walk, depth: usize) -> Result<Json, String> {
        use base64::Engine as _;
        if object.is_nil() {
            return Ok(Json::Null);
        }
        if let Some(bytes) = self.as_bytes() {
            return Ok(Json::String(base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes())));
        }
        if let Some(number) = object.integer() {
            return Ok(Json::from(number));
        }
        if let Some(text) = object.json_text() {
            return Ok(Json::String(text));
        }
        let fields = object.json_fields();
        if !fields.is_empty() {
            let mut entries = JsonMap::new();
            for (name, value) in fields {
                entries.insert(name.to_owned(), value.json(walk, depth + 1)?);
            }
            return Ok(Json::Object(entries));
        }
        match object.plain() {
            Some(plain) => plain.json(walk, depth + 1),
            None => Ok(object.text().map_or(Json::Null, Json::String)),
        }
    }
}

/// A float that is a whole number is written without a point, and so is one: with the digits that tell it from others,
/// and zeros behind them.
fn json_float(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        let text = format!("{value}");
        if let Ok(whole) = text.parse::<i64>() {
            return Json::from(whole);
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Json::from(whole);
        }
    }
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(Str::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(Str::from(text))
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Entries> for Value {
    fn from(entries: Entries) -> Self {
        Self::map(entries)
    }
}

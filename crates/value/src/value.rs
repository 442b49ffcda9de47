//! What a value is.

use crate::Map;
use serde_json::Number;
use std::fmt;

/// Any JSON value.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, whole or not.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Keys with values, ordered by key.
    Object(Map),
}

impl Value {
    /// The value, with `null` left in its place.
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }
}

/// As compact JSON; with `{:#}` over several lines.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if formatter.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        formatter.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => formatter.write_str("Null"),
            Value::Bool(flag) => write!(formatter, "Bool({flag})"),
            Value::Number(number) => fmt::Debug::fmt(number, formatter),
            Value::String(text) => write!(formatter, "String({text:?})"),
            Value::Array(items) => {
                formatter.write_str("Array ")?;
                fmt::Debug::fmt(items, formatter)
            }
            Value::Object(map) => {
                formatter.write_str("Object ")?;
                fmt::Debug::fmt(map, formatter)
            }
        }
    }
}

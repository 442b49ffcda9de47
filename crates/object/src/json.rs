//! Reads JSON as the API server does: Go's grammar and messages, keys in the order of the text, duplicates kept.
//!
//! [`parse`] gives a [`Node`], which decoding walks with a schema (see [`crate::decode`]); [`read`] gives a plain
//! [`Value`] for what has no schema (custom resources, patches) and tells of duplicate keys. [`write`] is the way back.
//!
//! Deliberately absent: streaming, and positions of errors, which upstream's messages do not name.

mod compact;
mod plain;
mod reader;
#[cfg(test)]
mod tests;
mod write;

use crate::quote::quote;
use std::borrow::Cow;
use std::fmt::Write as _;
use value::{Map, Value};

pub use compact::compact;
pub use reader::{Next, RawEntry, Reader, length_of, parse, raw_entries, raw_items};
use write::go_float;
pub use write::{go_text, write, write_text};
pub(crate) use write::{write_as_go, write_inside};

/// How deep lists and maps may nest. Upstream allows 10,000; ours is what readers of JSON in general accept (127) less
/// some room for a list or an event around the object.
pub const MAX_DEPTH: usize = 120;

/// A text that is not JSON, in Go's words: `unexpected end of JSON input`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub(crate) String);

/// A JSON value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// A text, escapes resolved, malformed UTF-8 replaced.
    String(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// Keys with their values in the order of the text; a key may be there twice.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A number, as the text has it or as a [`Value`] holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Number<'a> {
    /// A literal that follows JSON's grammar.
    Text(&'a str),
    /// A number of a [`Value`].
    Value(value::Number),
}

impl Number<'_> {
    /// As Go writes it: the literal of the text, or the shortest form without an exponent where that is possible.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Number::Text(text) => Cow::Borrowed(text),
            Number::Value(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Cow::Owned(go_float(float)),
                _ => Cow::Owned(number.to_string()),
            },
        }
    }

    /// The whole number that the literal spells without fraction and exponent, if it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Number::Text(text) => text.parse().ok(),
            Number::Value(number) => number.as_i64().or_else(|| self.text().parse().ok()),
        }
    }

    /// The nearest floating point number; `None` if it is out of range.
    pub fn as_f64(&self) -> Option<f64> {
        let float = match self {
            Number::Text(text) => text.parse().ok()?,
            Number::Value(number) => number.as_f64()?,
        };
        f64::is_finite(float).then_some(float)
    }

    /// As a value of no known type: a whole number where it is written as one and fits, else a floating point number, be
    /// it `1.0`; `None` if it is out of range.
    pub fn to_value(&self) -> Option<Value> {
        let whole = match self {
            Number::Text(_) => self.as_i64(),
            Number::Value(number) => number.as_i64(),
        };
        match whole {
            Some(whole) => Some(whole.into()),
            None => self.as_f64().map(Value::from),
        }
    }
}

/// A floating point number as Go encodes it: without a fraction if it has none.
pub fn float_value(float: f64) -> Value {
    // Every whole number below 2^53 is exact in both forms.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if float.fract() == 0.0 && float.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as just checked")]
        return Value::from(float as i64);
    }
    Value::from(float)
}

impl Node<'_> {
    /// What Go calls it in messages: `number`, `string`, `bool`, `array`, `object`, `null`.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "bool",
            Node::Number(_) => "number",
            Node::String(_) => "string",
            Node::List(_) => "array",
            Node::Map(_) => "object",
        }
    }

    /// As a plain value; of duplicate keys the last one counts. Numbers out of range become `null`.
    pub fn into_value(self) -> Value {
        match self {
            Node::Null => Value::Null,
            Node::Bool(flag) => Value::Bool(flag),
            Node::Number(number) => number.to_value().unwrap_or_default(),
            Node::String(text) => Value::String(text.into_owned()),
            Node::List(items) => items.into_iter().map(Node::into_value).collect(),
            Node::Map(entries) => {
                entries.into_iter().map(|(key, node)| (key.into_owned(), node.into_value())).collect()
            }
        }
    }

    /// As a plain value, with Go's word about each duplicate key (`duplicate field "spec.x"`), at most a hundred.
    ///
    /// # Errors
    /// Go's word about a number that is out of range.
    pub fn into_value_strict(self) -> Result<(Value, Vec<String>), SyntaxError> {
        let (mut path, mut told) = (String::new(), Vec::new());
        match self.into_value_at(&mut path, &mut told) {
            Ok(value) => Ok((value, told)),
            Err(number) => {
                let why = format!("json: cannot unmarshal number {number} into Go value of type float64");
                Err(SyntaxError(why))
            }
        }
    }

    /// The same for a part of something, at this path.
    ///
    /// # Errors
    /// The number that is out of range.
    pub(crate) fn into_value_at(self, path: &mut String, told: &mut Vec<String>) -> Result<Value, String> {
        let length = path.len();
        Ok(match self {
            Node::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    write!(path, "[{index}]").expect("writing to a String does not fail");
                    list.push(item.into_value_at(path, told)?);
                    path.truncate(length);
                }
                Value::Array(list)
            }
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(&key);
                    if map.contains_key(key.as_ref()) {
                        tell(told, "duplicate", path);
                    }
                    let value = node.into_value_at(path, told)?;
                    path.truncate(length);
                    map.insert(key.into_owned(), value);
                }
                Value::Object(map)
            }
            Node::Number(number) => number.to_value().ok_or_else(|| number.text().into_owned())?,
            scalar => scalar.into_value(),
        })
    }
}

impl From<Value> for Node<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Node::Null,
            Value::Bool(flag) => Node::Bool(flag),
            Value::Number(number) => Node::Number(Number::Value(number)),
            Value::String(text) => Node::String(Cow::Owned(text)),
            Value::Array(items) => Node::List(items.into_iter().map(Node::from).collect()),
            Value::Object(map) => {
                Node::Map(map.into_iter().map(|(key, value)| (Cow::Owned(key.into()), Node::from(value))).collect())
            }
        }
    }
}

/// Reads a text of no known type, and tells of duplicate keys.
pub fn read(text: &[u8]) -> Result<(Value, Vec<String>), SyntaxError> {
    parse(text)?.into_value_strict()
}

/// Notes a strict error (`unknown field "a.b"`), once each and at most a hundred, as upstream.
pub(crate) fn tell(told: &mut Vec<String>, what: &str, path: &str) {
    const MOST: usize = 100;
    if told.len() < MOST {
        let text = format!("{what} field {}", quote(path));
        if !told.contains(&text) {
            told.push(text);
        }
    }
}

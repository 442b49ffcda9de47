//! Between JSON and values.

use super::{Fault, List, Map, Opaque, Val, Valued};
use crate::decl::{Decl, DeclKind};
use crate::library::convert;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object::quote::go_type;
use object::{Number, Value};

impl<'a> Val<'a> {
    /// A value of an object of which nothing is declared.
    pub fn of_json(value: &'a Value) -> Val<'a> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => of_number(number),
            Value::String(text) => Val::str(text),
            Value::Array(items) => Val::List(List::Json(items, None)),
            Value::Object(map) => Val::Map(Map::Json(map, None)),
        }
    }

    /// A declared value.
    ///
    /// # Errors
    /// If it is not what is declared.
    pub fn of_declared(value: &'a Value, decl: &'a Decl) -> Valued<'a> {
        read(value, Some(decl))
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// If there is no such thing, as for types.
    pub fn to_json(&self) -> Result<Value, Fault> {
        Ok(match self {
            Val::Null | Val::Optional(None) => Value::Null,
            Val::Bool(value) => (*value).into(),
            Val::Int(value) => (*value).into(),
            Val::Uint(value) => (*value).into(),
            Val::Double(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Val::Str(text) => (**text).into(),
            Val::Bytes(bytes) => base64(bytes).into(),
            Val::Timestamp(time) => convert::timestamp_text(*time).into(),
            Val::Duration(nanos) => convert::duration_text(*nanos).into(),
            Val::List(List::Json(items, _)) => Value::Array(items.to_vec()),
            Val::List(list) => {
                let items: Result<Vec<Value>, Fault> = list.to_vec()?.iter().map(Val::to_json).collect();
                Value::Array(items?)
            }
            Val::Map(Map::Json(map, _)) => Value::Object((*map).clone()),
            Val::Map(map) => {
                let mut out = object::Map::new();
                for (key, value) in map.entries()? {
                    let Val::Str(name) = key else {
                        return Err(Fault::new(format!("map key \"{key}\" is of type {}, not string", key.type_of())));
                    };
                    out.insert(name.to_string(), value.to_json()?);
                }
                Value::Object(out)
            }
            Val::Optional(Some(of)) => of.to_json()?,
            Val::Opaque(Opaque::Quantity(quantity)) => quantity.to_string().into(),
            Val::Type(_) | Val::Opaque(_) => {
                return Err(Fault::new(format!("unable to convert {} to JSON", self.type_of())));
            }
        })
    }
}

fn of_number<'a>(number: &Number) -> Val<'a> {
    match (number.as_i64(), number.as_u64()) {
        (Some(value), _) => Val::Int(value),
        (None, Some(value)) => Val::Uint(value),
        _ => Val::Double(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// A value with what is declared of it.
pub(super) fn read<'a>(value: &'a Value, decl: Option<&'a Decl>) -> Valued<'a> {
    let Some(decl) = decl else { return Ok(Val::of_json(value)) };
    let wrong = |wanted: &str| Fault::new(format!("invalid data, expected {wanted}"));
    Ok(match (&decl.kind, value) {
        (_, Value::Null) => Val::Null,
        (DeclKind::List(..), Value::Array(items)) => Val::List(List::Json(items, Some(decl))),
        (DeclKind::Map(_) | DeclKind::Object(_), Value::Object(map)) => Val::Map(Map::Json(map, Some(decl))),
        (DeclKind::Double, Value::Number(number)) => Val::Double(number.as_f64().unwrap_or(f64::NAN)),
        (DeclKind::Bytes, Value::String(text)) => {
            let bytes = unbase64(text).ok_or_else(|| Fault::new("Invalid base64 for byte format"))?;
            Val::Bytes(bytes.into())
        }
        (DeclKind::Duration, Value::String(text)) => {
            let nanos = convert::parse_duration(text).ok_or_else(|| Fault::new(format!("Invalid duration {text}")))?;
            Val::Duration(nanos)
        }
        (DeclKind::Date, Value::String(text)) => {
            let time = convert::parse_timestamp(&format!("{text}T00:00:00Z"));
            Val::Timestamp(time.ok_or_else(|| Fault::new(format!("Invalid date formatted string {text}")))?)
        }
        (DeclKind::DateTime, Value::String(text)) => {
            let time = convert::parse_timestamp(text);
            Val::Timestamp(time.ok_or_else(|| Fault::new(format!("Invalid date-time formatted string {text}")))?)
        }
        (DeclKind::Dyn, Value::String(text)) => Val::str(text),
        (DeclKind::Dyn | DeclKind::Int, Value::Number(number)) if number.is_i64() => Val::of_json(value),
        (DeclKind::Str, Value::String(text)) => Val::str(text),
        (DeclKind::Bool, Value::Bool(value)) => Val::Bool(*value),
        (DeclKind::List(..), _) => return Err(wrong("an array for the provided schema with type=array")),
        (DeclKind::Map(_) | DeclKind::Object(_), _) => {
            return Err(wrong("a map for the provided schema with type=object"));
        }
        (DeclKind::Dyn, _) => return Err(wrong("XIntOrString value to be either a string or integer")),
        (kind, other) => {
            let wanted = match kind {
                DeclKind::Int => "int",
                DeclKind::Double => "float",
                DeclKind::Bool => "bool",
                _ => "string",
            };
            return Err(wrong(&format!("{wanted}, got {}", go_type(other))));
        }
    })
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 with padding; line breaks do not count.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace(['\r', '\n'], "")).ok()
}

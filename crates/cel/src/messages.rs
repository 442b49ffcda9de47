//! The messages of protobuf's own that expressions can make: lengths of time, moments, and scalars in a wrapper.
//!
//! Deliberately absent: `Any`, `Struct`, `Value`, `ListValue` and `Empty`.

use crate::library::convert;
use crate::types::Type;
use crate::value::{Fault, Val, Valued};
use jiff::SignedDuration;
use std::collections::BTreeMap;

const PACKAGE: &str = "google.protobuf.";

/// What a message is once it is made.
pub(crate) fn type_of(name: &str) -> Option<Type> {
    Some(match name.strip_prefix(PACKAGE)? {
        "Duration" => Type::Duration,
        "Timestamp" => Type::Timestamp,
        "BoolValue" => Type::Bool,
        "BytesValue" => Type::Bytes,
        "DoubleValue" | "FloatValue" => Type::Double,
        "Int32Value" | "Int64Value" => Type::Int,
        "StringValue" => Type::Str,
        "UInt32Value" | "UInt64Value" => Type::Uint,
        _ => return None,
    })
}

/// The type of a field of a message.
pub(crate) fn field(name: &str, field: &str) -> Option<Type> {
    match (type_of(name)?, field) {
        (Type::Duration | Type::Timestamp, "seconds" | "nanos") => Some(Type::Int),
        (Type::Duration | Type::Timestamp, _) => None,
        (of, "value") => Some(of),
        _ => None,
    }
}

/// Makes a message of its fields; `None` if there is none of that name.
pub(crate) fn make<'a>(name: &str, fields: &BTreeMap<String, Val<'a>>) -> Option<Valued<'a>> {
    let of = type_of(name)?;
    let wrong = fields.iter().find(|(field, value)| self::field(name, field).as_ref() != Some(&value.type_of()));
    if let Some((field, value)) = wrong {
        let (native, found) = (native(name, field)?, value.type_of());
        let found = found.name();
        return Some(Err(Fault::new(format!(
            "field type conversion error for {name}.{field} value type: unsupported native conversion from {found} to \
             '{native}'"
        ))));
    }
    let number = |field: &str| match fields.get(field) {
        Some(Val::Int(number)) => *number,
        _ => 0,
    };
    Some(match of {
        Type::Duration => {
            let nanos =
                number("seconds").checked_mul(1_000_000_000).and_then(|nanos| nanos.checked_add(number("nanos")));
            nanos.map(Val::Duration).ok_or_else(|| Fault::new("integer overflow"))
        }
        Type::Timestamp => {
            let nanos = SignedDuration::from_nanos(number("nanos"));
            let time = convert::timestamp_of(number("seconds")).and_then(|time| time.checked_add(nanos).ok());
            let time = time.and_then(convert::in_range);
            time.map(Val::Timestamp).ok_or_else(|| Fault::new("timestamp overflow"))
        }
        of => Ok(fields.get("value").cloned().unwrap_or_else(|| zero(&of))),
    })
}

/// What Go keeps in a field.
fn native(name: &str, field: &str) -> Option<&'static str> {
    Some(match self::field(name, field)? {
        _ if field == "nanos" => "int32",
        Type::Bool => "bool",
        Type::Bytes => "[]uint8",
        Type::Double => "float64",
        Type::Int => "int64",
        Type::Uint => "uint64",
        _ => "string",
    })
}

fn zero<'a>(of: &Type) -> Val<'a> {
    match of {
        Type::Bool => Val::Bool(false),
        Type::Bytes => Val::Bytes([].into()),
        Type::Double => Val::Double(0.0),
        Type::Int => Val::Int(0),
        Type::Uint => Val::Uint(0),
        _ => Val::str(""),
    }
}

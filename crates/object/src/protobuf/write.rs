//! From a stored object to its message.

use super::wire::{put_bytes, put_fixed64, put_int, put_message};
use crate::decode::base64;
use crate::raw::spelling;
use crate::schema::{Else, Field, Schema, StructType, Type, TypeId};
use jiff::Timestamp;
use value::Value;

/// Whether a type has a message: some have no field numbers.
pub fn can_write(schema: &Schema, ty: TypeId) -> bool {
    let ty = schema.get(ty);
    let mut own = ty.fields.iter().filter(|field| field.inlined != "TypeMeta").peekable();
    own.peek().is_none() || own.any(|field| field.number > 0)
}

/// Writes an object in its stored form as a message, without its type. Raw values stand there as they are spelled.
pub fn write(schema: &Schema, ty: TypeId, object: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_fields(schema, schema.get(ty), object, &mut out);
    out
}

fn put_fields(schema: &Schema, ty: &StructType, object: &Value, out: &mut Vec<u8>) {
    put_group(schema, &ty.wire_order(), 0, object, out);
}

/// Writes fields that share their first `level` enclosing messages, in order of their numbers.
fn put_group(schema: &Schema, fields: &[&Field], level: usize, object: &Value, out: &mut Vec<u8>) {
    let around = |field: &Field| field.inside.get(level).copied();
    for group in fields.chunk_by(|a, b| around(a).is_some() && around(a) == around(b)) {
        match around(group[0]) {
            Some(number) => put_message(out, number, |out| put_group(schema, group, level + 1, object, out)),
            None => {
                match object.as_object().filter(|_| group[0].is_raw()).and_then(|map| spelling(map, &group[0].name)) {
                    Some(text) => put_message(out, group[0].number, |out| put_bytes(out, 1, text.as_bytes())),
                    None => put_field(schema, group[0], object.get(&*group[0].name).unwrap_or(&Value::Null), out),
                }
            }
        }
    }
}

fn put_field(schema: &Schema, field: &Field, value: &Value, out: &mut Vec<u8>) {
    let number = field.number;
    let boxed = field.is_boxed_list();
    match (&field.ty, value) {
        // What cannot be absent in Go is always written.
        (_, Value::Null) if field.pointer => {}
        (Type::List(item), Value::Array(items)) if !boxed => {
            for value in items {
                put_value(schema, item, boxed, number, value, out);
            }
        }
        (Type::Map(item), Value::Object(entries)) => {
            for (key, value) in entries {
                put_message(out, number, |out| {
                    put_bytes(out, 1, key.as_bytes());
                    put_value(schema, item, boxed, 2, value, out);
                });
            }
        }
        (Type::List(_) | Type::Map(_) | Type::Bytes, Value::Null) => {}
        (ty, value) => put_value(schema, ty, boxed, number, value, out),
    }
}

/// Writes one value, the zero value where there is none.
fn put_value(schema: &Schema, ty: &Type, boxed: bool, number: u32, value: &Value, out: &mut Vec<u8>) {
    match ty {
        Type::Struct(id) => put_message(out, number, |out| put_fields(schema, schema.get(*id), value, out)),
        Type::StructOr(id, other) => put_message(out, number, |out| put_either(schema, *id, *other, value, out)),
        Type::String => put_bytes(out, number, value.as_str().unwrap_or_default().as_bytes()),
        Type::Bytes => {
            // The decoder takes letters alone.
            let letters = value.as_str().unwrap_or_default().trim_end_matches('=');
            put_bytes(out, number, &base64::decode(letters.as_bytes()));
        }
        Type::Bool => put_int(out, number, value.as_bool().unwrap_or_default().into()),
        Type::Int32 | Type::Int64 => put_int(out, number, value.as_i64().unwrap_or_default()),
        Type::Float64 => put_fixed64(out, number, value.as_f64().unwrap_or_default().to_bits()),
        Type::Quantity => put_message(out, number, |out| put_bytes(out, 1, value.as_str().unwrap_or("0").as_bytes())),
        Type::IntOrString => put_message(out, number, |out| put_int_or_string(value, out)),
        Type::Time | Type::MicroTime => put_message(out, number, |out| put_time(value, out)),
        Type::Any => put_message(out, number, |out| match value {
            Value::Null => {}
            value => put_bytes(out, 1, value.to_string().as_bytes()),
        }),
        Type::List(item) if boxed => put_message(out, number, |out| {
            for value in value.as_array().into_iter().flatten() {
                put_value(schema, item, false, 1, value, out);
            }
        }),
        // No built-in kind has these, and protobuf has no lists of lists.
        Type::Duration | Type::List(_) | Type::Map(_) | Type::Merged(_) => {}
    }
}

fn put_either(schema: &Schema, id: TypeId, other: Else, value: &Value, out: &mut Vec<u8>) {
    let own = Type::Struct(id);
    let listed = if other == Else::Strings { Type::String } else { Type::Struct(id) };
    if other == Else::Bool {
        put_int(out, 1, value.as_bool().unwrap_or(value.is_object()).into());
    }
    match value {
        Value::Object(_) => put_value(schema, &own, false, if other == Else::Bool { 2 } else { 1 }, value, out),
        Value::Array(items) => items.iter().for_each(|value| put_value(schema, &listed, false, 2, value, out)),
        _ => {}
    }
}

fn put_int_or_string(value: &Value, out: &mut Vec<u8>) {
    put_int(out, 1, value.is_string().into());
    put_int(out, 2, value.as_i64().unwrap_or_default());
    put_bytes(out, 3, value.as_str().unwrap_or_default().as_bytes());
}

/// The zero time is an empty message.
fn put_time(value: &Value, out: &mut Vec<u8>) {
    if let Some(time) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        // Before the epoch, fractions count forward from the second before.
        let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
        let (seconds, nanos) = if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) };
        put_int(out, 1, seconds);
        put_int(out, 2, nanos.into());
    }
}

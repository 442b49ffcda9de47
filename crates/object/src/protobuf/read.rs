//! From a message to JSON.

use super::Error;
use super::wire::{Reader, Wire};
use crate::decode::base64;
use crate::json;
use crate::raw;
use crate::schema::{Else, Field, Schema, StructType, Type, TypeId};
use jiff::Timestamp;
use value::{Map, Value};

/// Reads a message of a type as JSON, of the form that a client could have sent: zero values are there where the
/// message has them, and what it has beyond the schema is left out. Raw values have spellings (see [`crate::raw`]), which
/// decoding does not know: they have to be carried around it.
///
/// # Errors
/// Upstream's words for what is no such message.
pub fn read(schema: &Schema, ty: TypeId, bytes: &[u8]) -> Result<Value, Error> {
    let mut map = Map::new();
    Messages { schema }.fields(schema.get(ty), &mut Vec::new(), bytes, &mut map, 0)?;
    Ok(Value::Object(map))
}

struct Messages<'s> {
    schema: &'s Schema,
}

/// A value's type, with what its Go type adds to it.
#[derive(Clone, Copy)]
struct Kind<'a> {
    ty: &'a Type,
    /// Lists of texts are messages of their own.
    boxed: bool,
    field: &'a Field,
}

impl<'a> Kind<'a> {
    fn of(field: &'a Field) -> Kind<'a> {
        Kind { ty: &field.ty, boxed: field.is_boxed_list(), field }
    }

    fn with(self, ty: &'a Type) -> Kind<'a> {
        Kind { ty, ..self }
    }

    fn wrong(self, wire: Wire<'_>) -> Error {
        let name = match &*self.field.name {
            "metadata" => "ObjectMeta",
            name => name,
        };
        let mut field = name.to_owned();
        if let Some(first) = field.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Error::WrongWire { wire: wire.code(), field }
    }
}

impl Messages<'_> {
    /// Reads the fields of a message that stands within those numbered `inside`, which JSON inlines, into `map`.
    fn fields(
        &self,
        ty: &StructType,
        inside: &mut Vec<u32>,
        bytes: &[u8],
        map: &mut Map,
        depth: usize,
    ) -> Result<(), Error> {
        if depth > json::MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let name = ty.go_name.rsplit('.').next().unwrap_or_default();
        let mut reader = Reader::new(bytes);
        while let Some((number, wire)) = reader.next(name)? {
            if let Some(field) = ty.numbered(inside, number) {
                let value = map.entry(field.name.as_ref()).or_insert(Value::Null);
                self.field(Kind::of(field), wire, value, depth)?;
                if let Wire::Bytes(bytes) = wire
                    && field.is_raw()
                {
                    raw::note(map, &field.name, &String::from_utf8_lossy(raw_bytes(bytes)?));
                }
            } else if ty.has_inside(inside, number) {
                let Wire::Bytes(bytes) = wire else {
                    return Err(Error::WrongWire { wire: wire.code(), field: name.to_owned() });
                };
                inside.push(number);
                self.fields(ty, inside, bytes, map, depth + 1)?;
                inside.pop();
            }
        }
        Ok(())
    }

    /// Reads one appearance of a field: lists and maps grow, messages merge, the last of other values counts.
    fn field(&self, kind: Kind<'_>, wire: Wire<'_>, value: &mut Value, depth: usize) -> Result<(), Error> {
        match kind.ty {
            Type::List(item) if !kind.boxed => {
                if !value.is_array() {
                    *value = Value::Array(Vec::new());
                }
                let items = value.as_array_mut().expect("made a list just above");
                self.item(kind.with(item), wire, items, depth)
            }
            Type::Map(item) => {
                if !value.is_object() {
                    *value = Value::Object(Map::new());
                }
                let entries = value.as_object_mut().expect("made a map just above");
                self.entry(kind.with(item), wire, entries, depth)
            }
            _ => self.single(kind, wire, value, depth),
        }
    }

    fn item(&self, kind: Kind<'_>, wire: Wire<'_>, items: &mut Vec<Value>, depth: usize) -> Result<(), Error> {
        let mut read = |wire| {
            let mut item = Value::Null;
            self.single(kind, wire, &mut item, depth)?;
            items.push(item);
            Ok(())
        };
        match (kind.ty, wire) {
            (Type::Bool | Type::Int32 | Type::Int64, Wire::Bytes(packed)) => {
                let mut packed = Reader::new(packed);
                while !packed.is_empty() {
                    read(Wire::Varint(packed.varint()?))?;
                }
                Ok(())
            }
            (Type::Float64, Wire::Bytes(packed)) => {
                let mut packed = Reader::new(packed);
                while !packed.is_empty() {
                    read(Wire::Fixed64(packed.fixed64()?))?;
                }
                Ok(())
            }
            _ => read(wire),
        }
    }

    /// One key of a map, with its value.
    fn entry(&self, kind: Kind<'_>, wire: Wire<'_>, entries: &mut Map, depth: usize) -> Result<(), Error> {
        let Wire::Bytes(bytes) = wire else { return Err(kind.wrong(wire)) };
        let (mut key, mut value) = (String::new(), Value::Null);
        let mut reader = Reader::new(bytes);
        while let Some((number, wire)) = reader.next("entry")? {
            match (number, wire) {
                (1, Wire::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
                (2, wire) => self.field(kind, wire, &mut value, depth + 1)?,
                _ => {}
            }
        }
        entries.insert(key, value);
        Ok(())
    }

    fn single(&self, kind: Kind<'_>, wire: Wire<'_>, value: &mut Value, depth: usize) -> Result<(), Error> {
        *value = match (kind.ty, wire) {
            (Type::Struct(id), Wire::Bytes(bytes)) => {
                let mut map = match value.take() {
                    Value::Object(map) => map,
                    _ => Map::new(),
                };
                self.fields(self.schema.get(*id), &mut Vec::new(), bytes, &mut map, depth + 1)?;
                Value::Object(map)
            }
            (Type::StructOr(id, other), Wire::Bytes(bytes)) => self.either(*id, *other, kind, bytes, depth + 1)?,
            (Type::String, Wire::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned().into(),
            (Type::Bytes, Wire::Bytes(bytes)) => base64::encode(bytes).into(),
            (Type::Bool, Wire::Varint(number)) => (number != 0).into(),
            #[expect(clippy::cast_possible_truncation, reason = "upstream drops what is above 32 bits")]
            (Type::Int32, Wire::Varint(number)) => (number as i32).into(),
            (Type::Int64, Wire::Varint(number)) => number.cast_signed().into(),
            (Type::Float64, Wire::Fixed64(bits)) => json::float_value(f64::from_bits(bits)),
            (Type::Quantity, Wire::Bytes(bytes)) => quantity(bytes)?,
            (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
            (Type::Time, Wire::Bytes(bytes)) => time(bytes, "%Y-%m-%dT%H:%M:%SZ")?,
            (Type::MicroTime, Wire::Bytes(bytes)) => time(bytes, "%Y-%m-%dT%H:%M:%S.%6fZ")?,
            (Type::Any, Wire::Bytes(bytes)) => embedded(bytes)?,
            (Type::List(item), Wire::Bytes(bytes)) => {
                let mut items = Vec::new();
                let mut reader = Reader::new(bytes);
                while let Some((number, wire)) = reader.next("entry")? {
                    if number == 1 {
                        self.item(kind.with(item), wire, &mut items, depth + 1)?;
                    }
                }
                Value::Array(items)
            }
            (_, wire) => return Err(kind.wrong(wire)),
        };
        Ok(())
    }

    /// `JSONSchemaPropsOrBool` and its like: a struct, or what may stand in its place.
    fn either(&self, id: TypeId, other: Else, kind: Kind<'_>, bytes: &[u8], depth: usize) -> Result<Value, Error> {
        let (own, listed) = (Type::Struct(id), Type::String);
        let (mut schema, mut flag, mut items) = (None, false, Vec::new());
        let mut reader = Reader::new(bytes);
        while let Some((number, wire)) = reader.next("JSONSchemaProps")? {
            match (other, number) {
                (Else::Bool, 1) => flag = matches!(wire, Wire::Varint(number) if number != 0),
                (Else::Bool, 2) | (Else::List | Else::Strings, 1) => {
                    self.single(kind.with(&own), wire, schema.get_or_insert(Value::Null), depth)?;
                }
                (Else::List, 2) => self.item(kind.with(&own), wire, &mut items, depth)?,
                (Else::Strings, 2) => self.item(kind.with(&listed), wire, &mut items, depth)?,
                _ => {}
            }
        }
        Ok(match (schema, other) {
            (schema, Else::List | Else::Strings) if !items.is_empty() => {
                drop(schema);
                Value::Array(items)
            }
            (Some(schema), _) => schema,
            (None, Else::Bool) => flag.into(),
            (None, _) => Value::Null,
        })
    }
}

// === Messages that are one value in JSON ===

fn quantity(bytes: &[u8]) -> Result<Value, Error> {
    let mut text = "0".to_owned();
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.next("Quantity")? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            text = String::from_utf8_lossy(bytes).into_owned();
        }
    }
    Ok(text.into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Error> {
    let (mut is_text, mut whole, mut text) = (false, 0, String::new());
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.next("IntOrString")? {
        match (number, wire) {
            (1, Wire::Varint(number)) => is_text = number != 0,
            #[expect(clippy::cast_possible_truncation, reason = "upstream drops what is above 32 bits")]
            (2, Wire::Varint(number)) => whole = number as i32,
            (3, Wire::Bytes(bytes)) => text = String::from_utf8_lossy(bytes).into_owned(),
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { whole.into() })
}

fn time(bytes: &[u8], format: &str) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (mut seconds, mut nanos) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.next("Timestamp")? {
        match (number, wire) {
            (1, Wire::Varint(number)) => seconds = number.cast_signed(),
            #[expect(clippy::cast_possible_truncation, reason = "upstream drops what is above 32 bits")]
            (2, Wire::Varint(number)) => nanos = number as i32,
            _ => {}
        }
    }
    let time = Timestamp::new(seconds, nanos.clamp(0, 999_999_999)).map_err(|_| Error::TimeOutOfRange)?;
    let text = time.strftime(format).to_string();
    if text.starts_with('-') { Err(Error::TimeOutOfRange) } else { Ok(text.into()) }
}

/// JSON within a message.
fn embedded(bytes: &[u8]) -> Result<Value, Error> {
    let raw = raw_bytes(bytes)?;
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    Ok(json::parse(raw).map_err(|error| Error::Embedded(error.to_string()))?.into_value())
}

fn raw_bytes(bytes: &[u8]) -> Result<&[u8], Error> {
    let mut raw: &[u8] = &[];
    let mut reader = Reader::new(bytes);
    while let Some((number, wire)) = reader.next("RawExtension")? {
        if let (1, Wire::Bytes(bytes)) = (number, wire) {
            raw = bytes;
        }
    }
    Ok(raw)
}

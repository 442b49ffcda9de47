//! Writes objects with raw values as they were sent.

use super::{is_spelling, spelling};
use crate::json;
use crate::schema::{Schema, StructType, Type, TypeId};
use std::borrow::Cow;
use value::{Map, Value};

/// How raw values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they were sent, byte for byte: for the store.
    Kept,
    /// Compact, as Go's encoder hands them on: for clients.
    Sent,
}

impl Form {
    pub(crate) fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Form::Kept => Cow::Borrowed(text),
            Form::Sent => match json::compact(text.as_bytes()) {
                Cow::Borrowed(_) => Cow::Borrowed(text),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            },
        }
    }
}

/// Appends the entries of an object of a type whose keys are `wanted`, each with a comma before it.
pub fn write_fields(
    out: &mut Vec<u8>,
    schema: &Schema,
    ty: TypeId,
    object: &Map,
    form: Form,
    wanted: impl Fn(&str) -> bool,
) {
    let writer = Writer { schema, form };
    for (name, value) in object.iter().filter(|(name, _)| !is_spelling(name) && wanted(name)) {
        out.push(b',');
        writer.entry(out, schema.get(ty), object, name, value);
    }
}

struct Writer<'s> {
    schema: &'s Schema,
    form: Form,
}

impl Writer<'_> {
    fn entry(&self, out: &mut Vec<u8>, ty: &StructType, map: &Map, name: &str, value: &Value) {
        json::write_text(out, name);
        out.push(b':');
        match ty.field(name) {
            Some(field) if field.is_raw() => match spelling(map, name) {
                Some(text) => out.extend_from_slice(self.form.of(text).as_bytes()),
                None => self.unspelled(out, value),
            },
            Some(field) => self.value(out, &field.ty, value),
            None => json::write(out, value),
        }
    }

    fn unspelled(&self, out: &mut Vec<u8>, value: &Value) {
        let start = out.len();
        json::write(out, value);
        if self.form == Form::Sent
            && let Cow::Owned(compact) = json::compact(&out[start..])
        {
            out.truncate(start);
            out.extend_from_slice(&compact);
        }
    }

    fn value(&self, out: &mut Vec<u8>, ty: &Type, value: &Value) {
        match (ty, value) {
            (Type::Struct(id), Value::Object(map)) if self.schema.has_raws(*id) => {
                let names = map.iter().filter(|(name, _)| !is_spelling(name));
                self.joined(out, [b'{', b'}'], names, |out, (name, value)| {
                    self.entry(out, self.schema.get(*id), map, name, value);
                });
            }
            (Type::List(inner), Value::Array(items)) => {
                self.joined(out, [b'[', b']'], items.iter(), |out, item| self.value(out, inner, item));
            }
            _ => json::write(out, value),
        }
    }

    fn joined<T>(
        &self,
        out: &mut Vec<u8>,
        [open, close]: [u8; 2],
        items: impl Iterator<Item = T>,
        write: impl Fn(&mut Vec<u8>, T),
    ) {
        out.push(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(out, item);
        }
        out.push(close);
    }
}

//! Finds in a JSON text how the raw values of an object were spelled.

use super::note;
use crate::json;
use crate::schema::{Schema, Type, TypeId};
use value::Value;

/// Notes in an object of a type, which was read from `text`, how its raw values stand there.
pub fn spell(schema: &Schema, ty: TypeId, text: &[u8], object: &mut Value) {
    spell_in(schema, &Type::Struct(ty), text, object);
}

fn spell_in(schema: &Schema, ty: &Type, text: &[u8], value: &mut Value) {
    match (ty, value) {
        (Type::Struct(id), Value::Object(map)) if schema.has_raws(*id) => {
            let ty = schema.get(*id);
            for (key, text) in json::raw_entries(text).unwrap_or_default() {
                let Some(field) = ty.field(&key) else { continue };
                if field.is_raw() && text == b"null" {
                    // It leaves an earlier one of the same name alone.
                } else if field.is_raw() {
                    note(map, &key, &String::from_utf8_lossy(text));
                } else if let Some(value) = map.get_mut(&key) {
                    spell_in(schema, &field.ty, text, value);
                }
            }
        }
        (Type::List(inner), Value::Array(items)) => {
            for (item, text) in items.iter_mut().zip(json::raw_items(text).unwrap_or_default()) {
                spell_in(schema, inner, text, item);
            }
        }
        (Type::Map(inner), Value::Object(map)) => {
            for (key, text) in json::raw_entries(text).unwrap_or_default() {
                if let Some(value) = map.get_mut(&key) {
                    spell_in(schema, inner, text, value);
                }
            }
        }
        _ => {}
    }
}

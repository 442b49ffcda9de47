//! Walks over the raw values of an object.

use super::{Form, is_spelling, key_of, note, text};
use crate::View;
use crate::json;
use crate::schema::{Schema, Type, TypeId};
use std::borrow::Cow;
use value::{Map, Value};

/// The object without spellings: as everybody but the server's own writes is shown it.
pub fn plain<'v>(schema: &Schema, ty: TypeId, object: &'v Value) -> Cow<'v, Value> {
    if !is_spelled(schema, &Type::Struct(ty), object) {
        return Cow::Borrowed(object);
    }
    let mut plain = object.clone();
    visit(schema, &Type::Struct(ty), &mut plain, &mut |map, field| drop(map.remove(&key_of(field))));
    Cow::Owned(plain)
}

/// Spells every raw value as Go's encoder writes it: what becomes of those that went through values (YAML, strategic
/// merge patches, server-side apply).
pub fn respell(schema: &Schema, ty: TypeId, object: &mut Value) {
    visit(schema, &Type::Struct(ty), object, &mut |map, field| {
        if let Some(value) = map.get(field) {
            let text = json::go_text(value);
            note(map, field, &text);
        }
    });
}

/// Spells raw values as those are spelled that stand at the same places of `from`, where they are the same values.
pub fn carry(schema: &Schema, ty: TypeId, object: &mut Value, from: &Value, form: Form) {
    carry_into(schema, &Type::Struct(ty), object, from, form);
}

fn carry_into(schema: &Schema, ty: &Type, value: &mut Value, from: &Value, form: Form) {
    match (ty, value, from) {
        (Type::Struct(id), Value::Object(map), Value::Object(source)) if schema.has_raws(*id) => {
            for field in &schema.get(*id).fields {
                let name = &*field.name;
                match (map.get_mut(name), source.get(name)) {
                    (Some(own), Some(other)) if !field.is_raw() => carry_into(schema, &field.ty, own, other, form),
                    (Some(own), Some(other)) if own == other => {
                        let text = text(View::from(from), name);
                        note(map, name, &form.of(&text));
                    }
                    _ => {}
                }
            }
        }
        (Type::List(inner), Value::Array(items), Value::Array(source)) => {
            items.iter_mut().zip(source).for_each(|(item, other)| carry_into(schema, inner, item, other, form));
        }
        (Type::Map(inner), Value::Object(map), Value::Object(source)) => {
            for (key, item) in map {
                if let Some(other) = source.get(key) {
                    carry_into(schema, inner, item, other, form);
                }
            }
        }
        _ => {}
    }
}

/// Does something with every map that has a field for a raw value, and the field's name.
fn visit(schema: &Schema, ty: &Type, value: &mut Value, act: &mut dyn FnMut(&mut Map, &str)) {
    match (ty, value) {
        (Type::Struct(id), Value::Object(map)) if schema.has_raws(*id) => {
            for field in &schema.get(*id).fields {
                if field.is_raw() {
                    act(map, &field.name);
                } else if let Some(value) = map.get_mut(&field.name) {
                    visit(schema, &field.ty, value, act);
                }
            }
        }
        (Type::List(inner), Value::Array(items)) => items.iter_mut().for_each(|item| visit(schema, inner, item, act)),
        (Type::Map(inner), Value::Object(map)) => map.values_mut().for_each(|item| visit(schema, inner, item, act)),
        _ => {}
    }
}

/// True if there is any spelling.
fn is_spelled(schema: &Schema, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Struct(id), Value::Object(map)) if schema.has_raws(*id) => {
            // Of all keys they come first.
            map.keys().next().is_some_and(|key| is_spelling(key))
                || schema
                    .get(*id)
                    .fields
                    .iter()
                    .any(|field| map.get(&field.name).is_some_and(|value| is_spelled(schema, &field.ty, value)))
        }
        (Type::List(inner), Value::Array(items)) => items.iter().any(|item| is_spelled(schema, inner, item)),
        (Type::Map(inner), Value::Object(map)) => map.values().any(|item| is_spelled(schema, inner, item)),
        _ => false,
    }
}

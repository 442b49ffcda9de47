//! What the schema says of a place in an object, reduced to what ownership needs.

use super::element::{Leaf, PathElement};
use crate::schema::{Emit, Field, Merge, Schema, StructType, Text, Type, TypeId};
use compact_str::CompactString;
use value::Value;

/// A type in its schema, as it is merged at one place.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    schema: &'s Schema,
    pub(super) shape: Shape<'s>,
}

#[derive(Clone, Copy)]
pub(super) enum Shape<'s> {
    Scalar(Scalar),
    Struct {
        id: TypeId,
        ty: &'s StructType,
        atomic: bool,
    },
    Map {
        values: &'s Type,
        atomic: bool,
    },
    List {
        items: &'s Type,
        kind: ListKind<'s>,
    },
    /// Told by the value: lists are atomic, maps granular unless `atomic`.
    Any {
        atomic: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Text,
    Number,
    Bool,
    /// Any scalar: quantities, times, int-or-string.
    Untyped,
}

#[derive(Clone, Copy)]
pub(super) enum ListKind<'s> {
    Atomic,
    Set,
    Map(&'s [Text]),
}

/// Which of the three handlings a value gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Scalar,
    List,
    Map,
}

impl<'s> Place<'s> {
    pub(super) fn root(schema: &'s Schema, ty: TypeId) -> Place<'s> {
        let (id, ty) = (ty, schema.get(ty));
        Place { schema, shape: Shape::Struct { id, ty, atomic: ty.atomic } }
    }

    fn of(schema: &'s Schema, ty: &'s Type, merge: &'s Merge) -> Place<'s> {
        let atomic = *merge == Merge::Atomic;
        let shape = match ty {
            Type::String | Type::Bytes => Shape::Scalar(Scalar::Text),
            Type::Bool => Shape::Scalar(Scalar::Bool),
            Type::Int32 | Type::Int64 | Type::Float64 => Shape::Scalar(Scalar::Number),
            Type::Duration => Shape::Scalar(Scalar::Text),
            Type::Quantity | Type::IntOrString | Type::Time | Type::MicroTime => Shape::Scalar(Scalar::Untyped),
            Type::Any | Type::StructOr(..) => Shape::Any { atomic },
            Type::Merged(inner) => return Place::of(schema, &inner.0, &inner.1),
            Type::Struct(id) => {
                let ty = schema.get(*id);
                Shape::Struct { id: *id, ty, atomic: atomic || (ty.atomic && *merge != Merge::Granular) }
            }
            Type::Map(values) => Shape::Map { values, atomic },
            Type::List(items) => Shape::List {
                items,
                kind: match merge {
                    Merge::Set => ListKind::Set,
                    Merge::MapList(keys) => ListKind::Map(keys),
                    Merge::Default | Merge::Atomic | Merge::Granular => ListKind::Atomic,
                },
            },
        };
        Place { schema, shape }
    }

    /// The place of a field or map entry, and whether the schema names it; `None` if it may not be there.
    pub(super) fn field(self, name: &str) -> Option<(Place<'s>, bool)> {
        let any = Place { shape: Shape::Any { atomic: false }, ..self };
        match self.shape {
            Shape::Struct { ty, .. } => match ty.field(name) {
                Some(field) => Some((self.named(field), true)),
                None => ty.preserve_unknown.then_some((any, false)),
            },
            Shape::Map { values, .. } => Some((Place::of(self.schema, values, &Merge::Default), false)),
            Shape::Any { atomic } => Some((Place { shape: Shape::Any { atomic }, ..self }, false)),
            Shape::Scalar(_) | Shape::List { .. } => None,
        }
    }

    fn named(self, field: &'s Field) -> Place<'s> {
        match field.ty {
            // Foreign objects are never merged into.
            Type::Any if field.is_raw() => Place { shape: Shape::Any { atomic: true }, ..self },
            _ => Place::of(self.schema, &field.ty, &field.merge),
        }
    }

    /// The place of a list's items.
    pub(super) fn item(self) -> Place<'s> {
        match self.shape {
            Shape::List { items, .. } => Place::of(self.schema, items, &Merge::Default),
            _ => Place { shape: Shape::Any { atomic: true }, ..self },
        }
    }

    /// How a value here is handled. What is absent or null takes the form of a map where the value would tell.
    pub(super) fn form(self, value: Option<&Value>) -> Form {
        match self.shape {
            Shape::Scalar(_) => Form::Scalar,
            Shape::List { .. } => Form::List,
            Shape::Struct { .. } | Shape::Map { .. } => Form::Map,
            Shape::Any { .. } => match value {
                None | Some(Value::Null | Value::Object(_)) => Form::Map,
                Some(Value::Array(_)) => Form::List,
                Some(_) => Form::Scalar,
            },
        }
    }

    /// True if a value of this form is owned as one.
    pub(super) fn is_atomic(self, form: Form) -> bool {
        match (self.shape, form) {
            (_, Form::Scalar) => true,
            (Shape::List { kind, .. }, _) => matches!(kind, ListKind::Atomic),
            (Shape::Struct { atomic, .. } | Shape::Map { atomic, .. } | Shape::Any { atomic }, Form::Map) => atomic,
            (_, Form::List) => true,
            (Shape::Scalar(_), Form::Map) => true,
        }
    }

    /// How a set names an item of the list here.
    pub(super) fn element_of(self, item: &Value) -> Result<PathElement, String> {
        match self.shape {
            Shape::List { kind: ListKind::Set, .. } => match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
                scalar => Ok(PathElement::Value(Leaf(scalar.clone()))),
            },
            Shape::List { kind: ListKind::Map(keys), .. } => self.key_of(keys, item),
            _ => Err("invalid indexing of non-associative list".to_owned()),
        }
    }

    /// True if no list below has items with keys.
    pub(super) fn is_without_keys(self) -> bool {
        matches!(self.shape, Shape::Struct { id, .. } if !self.schema.has_keys(id))
    }

    /// True if [`Place::element_of`] has a name for the item.
    pub(super) fn names(self, item: &Value) -> bool {
        match (self.shape, item) {
            (Shape::List { kind: ListKind::Set, .. }, item) => !item.is_object() && !item.is_array() && !item.is_null(),
            (Shape::List { kind: ListKind::Map(keys), .. }, Value::Object(map)) => {
                let has = |key: &Text| map.contains_key(key.as_ref()) || self.default_of(key).is_some();
                keys.is_empty() || keys.iter().any(has)
            }
            _ => false,
        }
    }

    /// What a key of the items is where it is left out.
    fn default_of(self, key: &str) -> Option<Value> {
        match self.item().shape {
            Shape::Struct { ty, .. } => ty.field(key).and_then(key_default),
            _ => None,
        }
    }

    fn key_of(self, keys: &[Text], item: &Value) -> Result<PathElement, String> {
        let map = match item {
            Value::Object(map) => map,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let mut found: Vec<(CompactString, Leaf)> = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(value) = map.get(key.as_ref()).cloned().or_else(|| self.default_of(key)) {
                found.push(((**key).into(), Leaf(value)));
            }
        }
        if found.is_empty() && !keys.is_empty() {
            let names: Vec<String> = keys.iter().map(|key| crate::quote::quote(key)).collect();
            let names = names.join(" ");
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{names}] (and doesn't have default values for any key fields)"
            ));
        }
        found.sort();
        Ok(PathElement::Key(found))
    }
}

/// What a key is where it is left out: its declared default, or the zero value of a field that is always sent, which
/// upstream's schema of built-in kinds declares as its default.
fn key_default(field: &Field) -> Option<Value> {
    if let Some(declared) = &field.default {
        return Some((**declared).clone());
    }
    if field.pointer || field.emit != Emit::Zero {
        return None;
    }
    match field.ty {
        Type::String => Some("".into()),
        Type::Int32 | Type::Int64 => Some(0.into()),
        Type::Bool => Some(false.into()),
        _ => None,
    }
}

/// The object that upstream's empty struct of this type encodes to: what must always stand, and nothing else.
pub fn empty_object(schema: &Schema, ty: TypeId) -> Value {
    zero_struct(schema, schema.get(ty), 0)
}

fn zero_struct(schema: &Schema, ty: &StructType, depth: usize) -> Value {
    let always = ty.fields.iter().filter(|field| field.emit == Emit::Zero && depth < 32);
    always
        .map(|field| {
            let zero = match &field.ty {
                _ if field.pointer => Value::Null,
                Type::Struct(id) => zero_struct(schema, schema.get(*id), depth + 1),
                Type::String => Value::from(""),
                Type::Quantity => Value::from("0"),
                Type::Duration => Value::from("0s"),
                Type::Bool => Value::from(false),
                Type::Int32 | Type::Int64 | Type::Float64 | Type::IntOrString => Value::from(0),
                _ => Value::Null,
            };
            (field.name.to_string(), zero)
        })
        .collect()
}

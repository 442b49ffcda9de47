//! Maps and objects: of an object, or made by an expression.

use super::{Fault, Text, Val, Valued, json};
use crate::decl::{Decl, DeclKind};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A map.
#[derive(Clone, Debug)]
pub enum Map<'a> {
    /// Of an object, with what is declared of it.
    Json(&'a object::Map, Option<&'a Decl>),
    /// Made by an expression.
    Owned(Arc<BTreeMap<Key<'a>, Val<'a>>>),
    /// `Type{…}`
    Struct(Arc<Struct<'a>>),
}

/// A value of a type with fields, made by an expression.
#[derive(Clone, Debug)]
pub struct Struct<'a> {
    pub(crate) name: String,
    pub(crate) fields: BTreeMap<String, Val<'a>>,
}

/// A key. Numbers that are equal are one key, whatever their type.
#[derive(Clone, Debug)]
pub enum Key<'a> {
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// One that is larger than those with a sign.
    Uint(u64),
    /// A text.
    Str(Text<'a>),
}

impl<'a> Key<'a> {
    /// The key that a value is; numbers with a fraction are none.
    pub(crate) fn of(value: &Val<'a>) -> Option<Key<'a>> {
        Some(match value {
            Val::Bool(value) => Key::Bool(*value),
            Val::Int(value) => Key::Int(*value),
            Val::Uint(value) => i64::try_from(*value).map_or(Key::Uint(*value), Key::Int),
            Val::Double(value) => Key::Int(whole(*value)?),
            Val::Str(text) => Key::Str(text.clone()),
            _ => return None,
        })
    }

    pub(crate) fn to_val(&self) -> Val<'a> {
        match self {
            Key::Bool(value) => Val::Bool(*value),
            Key::Int(value) => Val::Int(*value),
            Key::Uint(value) => Val::Uint(*value),
            Key::Str(text) => Val::Str(text.clone()),
        }
    }

    fn rank(&self) -> (u8, i128, &str) {
        match self {
            Key::Bool(value) => (0, i128::from(*value), ""),
            Key::Int(value) => (1, i128::from(*value), ""),
            Key::Uint(value) => (1, i128::from(*value), ""),
            Key::Str(text) => (2, 0, text),
        }
    }
}

/// The number as an integer, if that is all it is.
fn whole(value: f64) -> Option<i64> {
    // The bounds are exact as floating point numbers.
    #[allow(clippy::cast_possible_truncation, reason = "bounds and fraction were checked")]
    (value.fract() == 0.0 && (-9.3e18..9.2e18).contains(&value)).then_some(value as i64)
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Key<'_> {}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Map::Json(map, None) => map.len(),
            Map::Json(..) => self.keys().count(),
            Map::Owned(map) => map.len(),
            Map::Struct(of) => of.fields.len(),
        }
    }

    /// The name of the type, if an expression made it as `Type{…}`.
    pub fn type_name(&self) -> Option<&str> {
        match self {
            Map::Struct(of) => Some(&of.name),
            _ => None,
        }
    }

    /// All entries whose keys are texts, as far as they can be read.
    pub fn named(&self) -> Vec<(String, Val<'a>)> {
        let named = |(key, value): (Val<'a>, Val<'a>)| Some((key.as_str()?.to_owned(), value));
        self.entries().unwrap_or_default().into_iter().filter_map(named).collect()
    }

    /// The value at a name.
    pub fn field(&self, name: &str) -> Option<Valued<'a>> {
        match self {
            Map::Json(map, None) => map.get(name).map(|value| json::read(value, None)),
            Map::Json(map, Some(decl)) => match &decl.kind {
                DeclKind::Map(values) => map.get(name).map(|value| json::read(value, Some(values))),
                DeclKind::Object(object) => {
                    let (raw, decl) = object.fields.get(name)?;
                    map.get(raw).map(|value| json::read(value, Some(decl)))
                }
                _ => None,
            },
            Map::Owned(map) => {
                let value = map.get(&Key::Str(Text::Shared(name.into())));
                value.cloned().map(Ok)
            }
            Map::Struct(of) => of.fields.get(name).cloned().map(Ok),
        }
    }

    /// The value at a key.
    pub(crate) fn get(&self, key: &Val<'a>) -> Option<Valued<'a>> {
        match (self, key) {
            (Map::Owned(map), key) => map.get(&Key::of(key)?).cloned().map(Ok),
            (_, Val::Str(name)) => self.field(name),
            _ => None,
        }
    }

    /// All keys.
    pub(crate) fn keys(&self) -> Box<dyn Iterator<Item = Val<'a>> + 'a> {
        match self {
            Map::Json(map, decl) => {
                let (map, decl) = (*map, *decl);
                match decl.map(|decl| &decl.kind) {
                    Some(DeclKind::Object(object)) => {
                        let present = object.fields.iter().filter(move |(_, (raw, _))| map.contains_key(raw));
                        Box::new(present.map(|(name, _)| Val::str(name)))
                    }
                    _ => Box::new(map.keys().map(|name| Val::str(name))),
                }
            }
            Map::Owned(map) => Box::new(map.keys().map(Key::to_val).collect::<Vec<_>>().into_iter()),
            Map::Struct(of) => {
                let names = of.fields.keys().map(|name| Val::text(name.as_str()));
                Box::new(names.collect::<Vec<_>>().into_iter())
            }
        }
    }

    /// All entries.
    pub(crate) fn entries(&self) -> Result<Vec<(Val<'a>, Val<'a>)>, Fault> {
        let entry = |key: Val<'a>| self.get(&key).map(|value| value.map(|value| (key, value)));
        self.keys().filter_map(entry).collect()
    }
}

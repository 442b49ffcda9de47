//! Whether an object has empty lists or maps, without bringing it into form: most have none.

use crate::schema::{Schema, Type, TypeId};
use value::Value;

/// The way from the top to a value, innermost first.
struct Way<'a> {
    outer: Option<&'a Way<'a>>,
    /// The field or key; `None` for an item.
    name: Option<&'a str>,
}

/// True if there is an empty list or map (not a struct) anywhere in it: then [`super::normalise`] may have something to
/// do.
pub fn has_empty(schema: &Schema, ty: TypeId, value: &Value) -> bool {
    let found = |way: &Way<'_>| matches!(at(schema, ty, way), Some(Place::Type(Type::Map(_))));
    any(value, &Way { outer: None, name: None }, &found)
}

fn any(value: &Value, way: &Way<'_>, is_map: &dyn Fn(&Way<'_>) -> bool) -> bool {
    match value {
        Value::Array(items) => {
            items.is_empty() || items.iter().any(|item| any(item, &Way { outer: Some(way), name: None }, is_map))
        }
        // What types are passed on the way is looked up only where it matters.
        Value::Object(map) if map.is_empty() => is_map(way),
        Value::Object(map) => {
            map.iter().any(|(name, value)| any(value, &Way { outer: Some(way), name: Some(name) }, is_map))
        }
        _ => false,
    }
}

enum Place<'s> {
    Top(TypeId),
    Type(&'s Type),
}

fn at<'s>(schema: &'s Schema, top: TypeId, way: &Way<'_>) -> Option<Place<'s>> {
    let Some(outer) = way.outer else { return Some(Place::Top(top)) };
    let id = match (at(schema, top, outer)?, way.name) {
        (Place::Top(id), Some(_)) => id,
        (Place::Type(Type::Struct(id) | Type::StructOr(id, _)), Some(_)) => *id,
        (Place::Type(Type::Map(inner)), Some(_)) | (Place::Type(Type::List(inner)), None) => {
            return Some(Place::Type(inner));
        }
        (Place::Type(Type::StructOr(id, _)), None) => return Some(Place::Top(*id)),
        _ => return None,
    };
    Some(Place::Type(&schema.get(id).field(way.name?)?.ty))
}

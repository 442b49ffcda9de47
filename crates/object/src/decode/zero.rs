//! What Go encodes for a value that was never set.

use crate::schema::{Else, Emit, Schema, Type};
use value::{Map, Value};

/// The zero value of a type without a pointer. Structs hold each other without a pointer only finitely deep.
pub(super) fn zero(schema: &Schema, ty: &Type) -> Value {
    match ty {
        Type::String | Type::Duration => Value::from(""),
        Type::Bool | Type::StructOr(_, Else::Bool) => Value::Bool(false),
        Type::Int32 | Type::Int64 | Type::Float64 | Type::IntOrString => Value::from(0),
        Type::Quantity => Value::from("0"),
        Type::Bytes | Type::Time | Type::MicroTime | Type::Any | Type::StructOr(..) | Type::List(_) | Type::Map(_) => {
            Value::Null
        }
        Type::Merged(inner) => zero(schema, &inner.0),
        Type::Struct(id) => {
            let mut map = Map::new();
            for field in schema.get(*id).fields.iter().filter(|field| field.emit == Emit::Zero) {
                let value = if field.pointer { Value::Null } else { zero(schema, &field.ty) };
                map.insert(field.name.clone().into_owned(), value);
            }
            Value::Object(map)
        }
    }
}

//! Objects as Go encodes them: fields in the order in which they are declared, maps sorted, what HTML would read escaped.
//!
//! Answers have their keys sorted, which no client can tell. Where the order shows is in what an error tells of an object
//! that a patch has changed.

use crate::json;
use crate::raw;
use crate::schema::{Schema, StructType, Type, TypeId};
use value::{Map, Value};

/// The JSON of an object of a type. Raw values stand as they were spelled (see [`crate::raw`]).
pub fn as_go(schema: &Schema, ty: TypeId, object: &Value) -> String {
    let mut out = String::new();
    Encoder { schema }.value(&mut out, object, &Type::Struct(ty));
    out
}

struct Encoder<'s> {
    schema: &'s Schema,
}

impl Encoder<'_> {
    fn value(&self, out: &mut String, value: &Value, ty: &Type) {
        match (value, ty) {
            (Value::Object(map), Type::Struct(id) | Type::StructOr(id, _)) => {
                self.fields(out, map, self.schema.get(*id));
            }
            (Value::Object(map), Type::Map(inner)) => {
                out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    begin_entry(out, index, key);
                    self.value(out, value, inner);
                }
                out.push('}');
            }
            (Value::Array(items), Type::List(inner)) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    self.value(out, item, inner);
                }
                out.push(']');
            }
            _ => json::write_as_go(out, value),
        }
    }

    fn fields(&self, out: &mut String, map: &Map, ty: &StructType) {
        out.push('{');
        let present = ty.fields.iter().filter_map(|field| Some((field, map.get(&field.name)?)));
        for (index, (field, value)) in present.enumerate() {
            begin_entry(out, index, &field.name);
            match raw::spelling(map, &field.name).filter(|_| field.is_raw()) {
                Some(text) => out.push_str(&raw::Form::Sent.of(text)),
                None => self.value(out, value, &field.ty),
            }
        }
        out.push('}');
    }
}

fn begin_entry(out: &mut String, index: usize, key: &str) {
    out.push_str(if index == 0 { "" } else { "," });
    json::write_as_go(out, &Value::from(key));
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{builtin, builtin_type};
    use value::json;

    #[test]
    fn fields_stand_as_they_are_declared() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "1", "a": "<"},
            "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z", "labels": {"b": "1", "a": "2"}, "name": "x"}});
        assert_eq!(
            as_go(builtin(), builtin_type("v1", "ConfigMap").unwrap(), &object),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1"}},"data":{"a":"\u003c","b":"1"}}"#
        );
    }

    #[test]
    fn raw_values_stand_as_they_were_spelled() {
        let ty = builtin_type("apps/v1", "ControllerRevision").unwrap();
        let text = r#"{"data": {"b": 1.0, "a": "<\u0041"}, "revision": 1}"#;
        let mut object = json::parse(text.as_bytes()).unwrap().into_value();
        raw::spell(builtin(), ty, text.as_bytes(), &mut object);
        assert_eq!(as_go(builtin(), ty, &object), r#"{"data":{"b":1.0,"a":"\u003c\u0041"},"revision":1}"#);
    }
}

//! The JSON that an error shows of what a patch made: what the patch passed through has its keys sorted, what it did
//! not touch stands as Go encodes the object, and what it added as it was sent.

use super::json::Patch;
use crate::json::{Node, write_as_go};
use crate::schema::{Schema, Type, TypeId};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The JSON of `result`, which a merge patch made of `old`, an object of this type if its type is known.
pub fn after_merge(ty: Option<(&Schema, TypeId)>, old: &Value, patch: &Value, result: &Value) -> String {
    let mut out = String::new();
    let kind = ty.map(|(_, id)| Type::Struct(id));
    let writer = Writer { schema: ty.map(|(schema, _)| schema), touched: HashSet::new(), sent: Vec::new() };
    writer.merged(&mut out, result, Some(old), Some(patch), kind.as_ref());
    out
}

/// The JSON of `result`, which a JSON patch made of `old`; `text` is the patch as it was sent.
pub fn after_operations(
    ty: Option<(&Schema, TypeId)>,
    old: &Value,
    patch: &Patch,
    text: Option<&Node<'_>>,
    result: &Value,
) -> String {
    let mut out = String::new();
    let kind = ty.map(|(_, id)| Type::Struct(id));
    let mut writer = Writer { schema: ty.map(|(schema, _)| schema), touched: HashSet::new(), sent: Vec::new() };
    writer.touched.insert(Vec::new());
    for (path, is_source) in patch.paths() {
        let parts = parts(path);
        writer.touched.extend((0..parts.len()).map(|length| parts[..length].to_vec()));
        if is_source && let Some(source) = writer.source(old, kind.as_ref(), &parts) {
            writer.sent.push(source);
        }
    }
    if let Some(Node::List(operations)) = text {
        writer.sent.extend(operations.iter().filter_map(sent_value));
    }
    writer.patched(&mut out, result, Some(old), kind.as_ref(), &mut Vec::new());
    out
}

/// The keys of a JSON pointer.
fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// The value of an operation, and its JSON as it was sent.
fn sent_value(operation: &Node<'_>) -> Option<(Value, String)> {
    let Node::Map(entries) = operation else { return None };
    let (_, node) = entries.iter().find(|(name, _)| name == "value")?;
    let mut text = String::new();
    as_sent(&mut text, node);
    Some((node.clone().into_value(), text))
}

fn as_sent(out: &mut String, node: &Node<'_>) {
    match node {
        Node::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                begin_entry(out, index, key);
                as_sent(out, value);
            }
            out.push('}');
        }
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                as_sent(out, item);
            }
            out.push(']');
        }
        scalar => write_as_go(out, &scalar.clone().into_value()),
    }
}

struct Writer<'s> {
    schema: Option<&'s Schema>,
    /// Maps that an operation passed through.
    touched: HashSet<Vec<String>>,
    /// Values with the JSON that stands for them, wherever they are.
    sent: Vec<(Value, String)>,
}

impl<'s> Writer<'s> {
    fn merged(
        &self,
        out: &mut String,
        value: &Value,
        old: Option<&Value>,
        patch: Option<&Value>,
        ty: Option<&'s Type>,
    ) {
        let Value::Object(map) = value else {
            return if patch.is_some() { push_sorted(out, value) } else { self.as_encoded(out, value, ty) };
        };
        let Some(patch) = patch else { return self.as_encoded(out, value, ty) };
        if !old.is_some_and(Value::is_object) || !patch.is_object() {
            return push_sorted(out, value);
        }
        out.push('{');
        for (index, (key, value)) in map.iter().enumerate() {
            begin_entry(out, index, key);
            self.merged(out, value, old.and_then(|old| old.get(key)), patch.get(key), self.child(ty, key));
        }
        out.push('}');
    }

    fn patched(
        &self,
        out: &mut String,
        value: &Value,
        old: Option<&Value>,
        ty: Option<&'s Type>,
        way: &mut Vec<String>,
    ) {
        if let Some((_, text)) = self.sent.iter().find(|(sent, _)| sent == value && is_compound(value)) {
            return out.push_str(text);
        }
        if !self.touched.contains(way) {
            return self.as_encoded(out, value, ty);
        }
        match value {
            Value::Object(map) => {
                out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    begin_entry(out, index, key);
                    way.push(key.clone());
                    self.patched(out, value, old.and_then(|old| old.get(key)), self.child(ty, key), way);
                    way.pop();
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    way.push(index.to_string());
                    self.patched(out, item, old.and_then(|old| old.get(index)), self.item(ty), way);
                    way.pop();
                }
                out.push(']');
            }
            scalar => write_as_go(out, scalar),
        }
    }

    /// As Go encodes it: fields in the order in which they are declared, maps sorted.
    fn as_encoded(&self, out: &mut String, value: &Value, ty: Option<&'s Type>) {
        match value {
            Value::Object(map) => {
                out.push('{');
                for (index, (key, value)) in self.in_order(map, ty).into_iter().enumerate() {
                    begin_entry(out, index, key);
                    self.as_encoded(out, value, self.child(ty, key));
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    self.as_encoded(out, item, self.item(ty));
                }
                out.push(']');
            }
            scalar => write_as_go(out, scalar),
        }
    }

    fn in_order<'v>(&self, map: &'v Map<String, Value>, ty: Option<&Type>) -> Vec<(&'v String, &'v Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if let (Some(schema), Some(Type::Struct(id) | Type::StructOr(id, _))) = (self.schema, ty) {
            let fields = &schema.get(*id).fields;
            entries.sort_by_key(|(key, _)| fields.iter().position(|field| field.name == key.as_str()));
        }
        entries
    }

    fn child(&self, ty: Option<&'s Type>, key: &str) -> Option<&'s Type> {
        match ty? {
            Type::Struct(id) | Type::StructOr(id, _) => Some(&self.schema?.get(*id).field(key)?.ty),
            Type::Map(inner) => Some(inner),
            _ => None,
        }
    }

    fn item(&self, ty: Option<&'s Type>) -> Option<&'s Type> {
        match ty? {
            Type::List(inner) => Some(inner),
            _ => None,
        }
    }

    /// What stands at a place that is moved or copied, with its JSON.
    fn source(&self, old: &Value, ty: Option<&'s Type>, way: &[String]) -> Option<(Value, String)> {
        let (mut value, mut ty) = (old, ty);
        for part in way {
            (value, ty) = match value {
                Value::Array(items) => (items.get(part.parse::<usize>().ok()?)?, self.item(ty)),
                other => (other.get(part)?, self.child(ty, part)),
            };
        }
        let mut text = String::new();
        self.as_encoded(&mut text, value, ty);
        Some((value.clone(), text))
    }
}

fn is_compound(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn begin_entry(out: &mut String, index: usize, key: &str) {
    out.push_str(if index == 0 { "" } else { "," });
    write_as_go(out, &Value::from(key));
    out.push(':');
}

fn push_sorted(out: &mut String, value: &Value) {
    let writer = Writer { schema: None, touched: HashSet::new(), sent: Vec::new() };
    writer.as_encoded(out, value, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use crate::schema::{builtin, builtin_type};
    use serde_json::json;

    fn old() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "1", "a": "<"},
            "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z", "labels": {"b": "1", "a": "2"}, "name": "x"}})
    }

    fn of_type() -> Option<(&'static Schema, TypeId)> {
        Some((builtin(), builtin_type("v1", "ConfigMap")?))
    }

    #[track_caller]
    fn check(patch: &str, want: &str) {
        let node = parse(patch.as_bytes()).unwrap();
        let patch = Patch::decode(node.clone().into_value()).unwrap();
        let result = patch.apply(old()).unwrap();
        assert_eq!(after_operations(of_type(), &old(), &patch, Some(&node), &result), want);
    }

    #[test]
    fn what_operations_do_not_touch_stands_as_it_was_encoded() {
        check(
            r#"[{"op":"add","path":"/data","value":{"z":1,"c":{"y":1,"b":2}}}]"#,
            r#"{"apiVersion":"v1","data":{"z":1,"c":{"y":1,"b":2}},"kind":"ConfigMap","metadata":{"name":"x","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1"}}}"#,
        );
        check(
            r#"[{"op":"copy","from":"/metadata","path":"/metadata/labels/x"}]"#,
            r#"{"apiVersion":"v1","data":{"a":"\u003c","b":"1"},"kind":"ConfigMap","metadata":{"creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1","x":{"name":"x","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1"}}},"name":"x"}}"#,
        );
    }

    #[test]
    fn what_a_merge_passes_is_sorted() {
        let patch = json!({"data": {"c": 1}});
        let result = super::super::merge::apply(old(), patch.clone()).unwrap();
        assert_eq!(
            after_merge(of_type(), &old(), &patch, &result),
            r#"{"apiVersion":"v1","data":{"a":"\u003c","b":"1","c":1},"kind":"ConfigMap","metadata":{"name":"x","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1"}}}"#
        );
    }
}

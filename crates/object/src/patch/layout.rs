//! The JSON that an error shows of what a patch made: what the patch passed through has its keys sorted, what it did
//! not touch stands as Go encodes the object, and what it added as it was sent.

use super::json::Patch;
use crate::json;
use crate::raw;
use crate::schema::{Field, Schema, StructType, Type, TypeId};
use std::borrow::Cow;
use std::collections::HashSet;
use value::{Key, Map, Value};

/// The JSON of `result`, which a merge patch made of `old`, an object of this type if its type is known. Raw values of
/// `old` may have spellings (see [`crate::raw`]), and those that it still holds stand as they were spelled.
pub fn after_merge(ty: Option<(&Schema, TypeId)>, old: &Value, patch: &[u8], result: &Value) -> String {
    let mut out = String::new();
    let kind = ty.map(|(_, id)| Type::Struct(id));
    let writer = Writer { schema: ty.map(|(schema, _)| schema), touched: HashSet::new(), sent: Vec::new() };
    writer.merged(&mut out, result, Some(old), Some(patch), kind.as_ref());
    out
}

/// The JSON of `result`, which a JSON patch made of `old`, spellings alike; `text` is the patch as it was sent.
pub fn after_operations(
    ty: Option<(&Schema, TypeId)>,
    old: &Value,
    patch: &Patch,
    text: &[u8],
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
    let operations = json::raw_items(text).unwrap_or_default();
    writer.sent.extend(operations.into_iter().filter_map(sent_value));
    writer.patched(&mut out, result, Some(old), kind.as_ref(), &mut Vec::new());
    out
}

/// The keys of a JSON pointer.
fn parts(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// What an operation brings, as it was sent.
fn sent_value(operation: &[u8]) -> Option<Sent> {
    let text = child_of(operation, "value")?;
    let word = |name: &str| child_of(operation, name).and_then(value_of).unwrap_or_default();
    if word("op") == "test" {
        return None;
    }
    let to = word("path").as_str().map(parts).unwrap_or_default();
    Some(Sent { value: value_of(text)?, text: compact(text).into_owned(), to })
}

/// A text as the server hands it on.
fn compact(text: &[u8]) -> Cow<'_, str> {
    match json::compact(text) {
        Cow::Borrowed(text) => String::from_utf8_lossy(text),
        Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).into_owned()),
    }
}

fn value_of(text: &[u8]) -> Option<Value> {
    json::parse(text).ok().map(json::Node::into_value)
}

/// The text of a key's value, the last one if it is there twice.
fn child_of<'t>(text: &'t [u8], key: &str) -> Option<&'t [u8]> {
    let entries = json::raw_entries(text).unwrap_or_default();
    entries.into_iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn is_map(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

struct Writer<'s> {
    schema: Option<&'s Schema>,
    /// Maps that an operation passed through.
    touched: HashSet<Vec<String>>,
    /// What operations bring: maps and lists are known by their looks wherever they are.
    sent: Vec<Sent>,
}

/// A value that an operation brings.
struct Sent {
    value: Value,
    /// Its JSON as it was sent.
    text: String,
    /// Where the operation puts it.
    to: Vec<String>,
}

impl<'s> Writer<'s> {
    fn merged(&self, out: &mut String, value: &Value, old: Option<&Value>, patch: Option<&[u8]>, ty: Option<&'s Type>) {
        let Some(patch) = patch else { return self.as_encoded(out, value, ty) };
        let Value::Object(map) = value else { return push_sorted(out, value, Some(patch)) };
        let Some(old_map) = old.and_then(Value::as_object).filter(|_| is_map(patch)) else {
            return push_sorted(out, value, Some(patch));
        };
        out.push('{');
        for (index, (key, value)) in self.entries(map, ty).enumerate() {
            begin_entry(out, index, key);
            let (old, patch) = (old.and_then(|old| old.get(key)), child_of(patch, key));
            match self.spelling(old_map, key, ty) {
                Some(text) => merged_sent(out, value, Some(text.as_bytes()), patch),
                None => self.merged(out, value, old, patch, self.child(ty, key)),
            }
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
        if let Some(text) = self.sent_as(value, way) {
            return out.push_str(text);
        }
        if !self.touched.contains(way) {
            return self.as_encoded(out, value, ty);
        }
        match value {
            Value::Object(map) => {
                out.push('{');
                for (index, (key, value)) in self.entries(map, ty).enumerate() {
                    begin_entry(out, index, key);
                    way.push(key.to_string());
                    let spelling = raw::spelling(map, key).filter(|_| self.is_raw(key, ty));
                    match (self.spelling(map, key, ty).filter(|_| self.is_untouched(value, way)), spelling) {
                        (Some(text), _) => out.push_str(&text),
                        (None, Some(text)) => {
                            self.patched_sent(out, value, Some(text.as_bytes()), way);
                        }
                        (None, None) => {
                            self.patched(out, value, old.and_then(|old| old.get(key)), self.child(ty, key), way);
                        }
                    }
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
            scalar => json::write_as_go(out, scalar),
        }
    }

    fn sent_as(&self, value: &Value, way: &[String]) -> Option<&str> {
        let is_compound = value.is_object() || value.is_array();
        let found = self.sent.iter().rev().find(|sent| sent.value == *value && (is_compound || sent.to == way));
        found.map(|sent| sent.text.as_str())
    }

    /// True if no operation has passed through a raw value or brought it.
    fn is_untouched(&self, value: &Value, way: &[String]) -> bool {
        self.sent_as(value, way).is_none() && !self.touched.contains(way)
    }

    /// A value that was kept as it was sent, where operations may have passed through it.
    fn patched_sent(&self, out: &mut String, value: &Value, old: Option<&[u8]>, way: &mut Vec<String>) {
        if let Some(text) = self.sent_as(value, way) {
            return out.push_str(text);
        }
        let is_same = |text: &&[u8], value: &Value| value_of(text).as_ref() == Some(value);
        if !self.touched.contains(way)
            && let Some(old) = old.filter(|text| is_same(text, value))
        {
            return out.push_str(&compact(old));
        }
        match value {
            Value::Object(map) => {
                out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    begin_entry(out, index, key);
                    way.push(key.to_string());
                    self.patched_sent(out, value, old.and_then(|old| child_of(old, key)), way);
                    way.pop();
                }
                out.push('}');
            }
            Value::Array(items) => {
                let texts = old.and_then(|old| json::raw_items(old).ok()).unwrap_or_default();
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    way.push(index.to_string());
                    // Others may have come or gone before it.
                    let own = texts.get(index).filter(|text| is_same(text, item));
                    let own = own.or_else(|| texts.iter().find(|text| is_same(text, item)));
                    self.patched_sent(out, item, own.or(texts.get(index)).copied(), way);
                    way.pop();
                }
                out.push(']');
            }
            scalar => json::write_as_go(out, scalar),
        }
    }

    /// As Go encodes it: fields in the order in which they are declared, maps sorted.
    fn as_encoded(&self, out: &mut String, value: &Value, ty: Option<&'s Type>) {
        match value {
            Value::Object(map) => {
                out.push('{');
                for (index, (key, value)) in self.in_order(map, ty).into_iter().enumerate() {
                    begin_entry(out, index, key);
                    match self.spelling(map, key, ty) {
                        Some(text) => out.push_str(&text),
                        None => self.as_encoded(out, value, self.child(ty, key)),
                    }
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
            scalar => json::write_as_go(out, scalar),
        }
    }

    /// The entries of a map, spellings left out.
    fn entries<'v>(&self, map: &'v Map, ty: Option<&Type>) -> impl Iterator<Item = (&'v Key, &'v Value)> + use<'v> {
        let has_spellings = self.raw_holder(ty).is_some();
        map.iter().filter(move |(key, _)| !has_spellings || !raw::is_spelling(key))
    }

    /// How a raw value in a map is spelled, if it is still the one that was spelled so.
    fn spelling(&self, map: &Map, key: &str, ty: Option<&Type>) -> Option<String> {
        let text = raw::spelling(map, key).filter(|_| self.is_raw(key, ty))?;
        let is_same = json::parse(text.as_bytes()).is_ok_and(|node| Some(&node.into_value()) == map.get(key));
        is_same.then(|| raw::Form::Sent.of(text).into_owned())
    }

    fn is_raw(&self, key: &str, ty: Option<&Type>) -> bool {
        self.raw_holder(ty).and_then(|ty| ty.field(key)).is_some_and(Field::is_raw)
    }

    fn raw_holder(&self, ty: Option<&Type>) -> Option<&'s StructType> {
        let (Some(schema), Some(Type::Struct(id))) = (self.schema, ty) else { return None };
        schema.has_raws(*id).then(|| schema.get(*id))
    }

    fn in_order<'v>(&self, map: &'v Map, ty: Option<&Type>) -> Vec<(&'v Key, &'v Value)> {
        let mut entries: Vec<_> = self.entries(map, ty).collect();
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
    fn source(&self, old: &Value, ty: Option<&'s Type>, way: &[String]) -> Option<Sent> {
        let (mut value, mut ty) = (old, ty);
        let mut spelled: Option<String> = None;
        for part in way {
            spelled = match &spelled {
                Some(text) => within(text, part),
                None => value.as_object().and_then(|map| self.spelling(map, part, ty)),
            };
            (value, ty) = match value {
                Value::Array(items) => (items.get(part.parse::<usize>().ok()?)?, self.item(ty)),
                other => (other.get(part)?, self.child(ty, part)),
            };
        }
        let text = spelled.unwrap_or_else(|| {
            let mut text = String::new();
            self.as_encoded(&mut text, value, ty);
            text
        });
        Some(Sent { value: value.clone(), text, to: Vec::new() })
    }
}

/// What stands in a text under a key or index.
fn within(text: &str, part: &str) -> Option<String> {
    let text = text.as_bytes();
    let found = match is_map(text) {
        true => child_of(text, part)?,
        false => *json::raw_items(text).ok()?.get(part.parse::<usize>().ok()?)?,
    };
    Some(compact(found).into_owned())
}

fn begin_entry(out: &mut String, index: usize, key: &str) {
    out.push_str(if index == 0 { "" } else { "," });
    json::write_as_go(out, &Value::from(key));
    out.push(':');
}

/// A value that was kept as it was sent, after a merge: what the patch passes through has its keys sorted.
fn merged_sent(out: &mut String, value: &Value, old: Option<&[u8]>, patch: Option<&[u8]>) {
    match (value, old, patch) {
        (_, Some(old), None) => out.push_str(&compact(old)),
        (Value::Object(map), Some(before), Some(patch)) if is_map(before) && is_map(patch) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                begin_entry(out, index, key);
                merged_sent(out, value, child_of(before, key), child_of(patch, key));
            }
            out.push('}');
        }
        _ => push_sorted(out, value, patch),
    }
}

/// A value that came with a patch, whose keys are sorted and whose numbers stand as they were sent.
fn push_sorted(out: &mut String, value: &Value, sent: Option<&[u8]>) {
    match (value, sent) {
        (Value::Object(map), _) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                begin_entry(out, index, key);
                push_sorted(out, value, sent.and_then(|text| child_of(text, key)));
            }
            out.push('}');
        }
        (Value::Array(items), _) => {
            let texts = sent.and_then(|text| json::raw_items(text).ok()).filter(|texts| texts.len() == items.len());
            let texts = texts.unwrap_or_default();
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                push_sorted(out, item, texts.get(index).copied());
            }
            out.push(']');
        }
        (_, Some(text)) => out.push_str(&compact(text)),
        (scalar, None) => json::write_as_go(out, scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{builtin, builtin_type};
    use value::json;

    fn old() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "1", "a": "<"},
            "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z", "labels": {"b": "1", "a": "2"}, "name": "x"}})
    }

    fn of_type() -> Option<(&'static Schema, TypeId)> {
        Some((builtin(), builtin_type("v1", "ConfigMap")?))
    }

    #[track_caller]
    fn check(patch: &str, want: &str) {
        let operations = Patch::decode(value_of(patch.as_bytes()).unwrap()).unwrap();
        let result = operations.apply(old()).unwrap();
        assert_eq!(after_operations(of_type(), &old(), &operations, patch.as_bytes(), &result), want);
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
            after_merge(of_type(), &old(), patch.to_string().as_bytes(), &result),
            r#"{"apiVersion":"v1","data":{"a":"\u003c","b":"1","c":1},"kind":"ConfigMap","metadata":{"name":"x","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"2","b":"1"}}}"#
        );
    }

    #[test]
    fn raw_values_that_nobody_touched_stand_as_they_were_spelled() {
        let ty = builtin_type("apps/v1", "ControllerRevision").unwrap();
        let text = r#"{"data": {"b": 1.0, "a": "<\u0041"}, "revision": 1}"#;
        let mut old = value_of(text.as_bytes()).unwrap();
        raw::spell(builtin(), ty, text.as_bytes(), &mut old);
        let spelled = r#"{"b":1.0,"a":"\u003c\u0041"}"#;
        for (patch, data) in [
            (r#"{"revision": 2}"#, spelled),
            (r#"{"data": {"a": "<A"}}"#, r#"{"a":"\u003cA","b":1.0}"#),
            (r#"{"data": {"c": {"e": 1.50, "d": [1e1]}}}"#, r#"{"a":"\u003c\u0041","b":1.0,"c":{"d":[1e1],"e":1.50}}"#),
        ] {
            let result = super::super::merge::apply(old.clone(), value_of(patch.as_bytes()).unwrap()).unwrap();
            let made = after_merge(Some((builtin(), ty)), &old, patch.as_bytes(), &result);
            assert_eq!(made, format!(r#"{{"data":{data},"revision":{}}}"#, result["revision"]));
        }
        for (operation, data) in [
            (r#"{"op":"add","path":"/x","value":1}"#, spelled),
            (r#"{"op":"replace","path":"/data","value":{"b": 1.0, "a": "<A"}}"#, r#"{"b":1.0,"a":"\u003cA"}"#),
            (r#"{"op":"replace","path":"/data/b","value":1}"#, r#"{"a":"\u003c\u0041","b":1}"#),
            (r#"{"op":"copy","from":"/data/a","path":"/data/b"}"#, r#"{"a":"\u003c\u0041","b":"\u003cA"}"#),
            (r#"{"op":"replace","path":"/data/a","value":"x"}"#, r#"{"a":"x","b":1.0}"#),
            (r#"{"op":"test","path":"/revision","value":1}"#, spelled),
        ] {
            let text = format!("[{operation}]");
            let patch = Patch::decode(value_of(text.as_bytes()).unwrap()).unwrap();
            let result = patch.apply(old.clone()).unwrap();
            let made = after_operations(Some((builtin(), ty)), &old, &patch, text.as_bytes(), &result);
            assert!(made.starts_with(&format!(r#"{{"data":{data},"revision":1"#)), "{operation}: {made}");
        }
    }
}

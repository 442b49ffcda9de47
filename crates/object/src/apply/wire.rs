//! Field sets as `FieldsV1` JSON: `{"f:data":{".":{},"f:k":{}}}`.

use super::element::{ElementError, PathElement};
use super::set::{FieldSet, Step};
use crate::json;
use value::{Map, Value};

/// How deep a set may be; no object that passed decoding is deeper.
const MAX_DEPTH: usize = 200;

impl FieldSet {
    /// The `FieldsV1` JSON of the set.
    pub fn to_fields_v1(&self) -> Value {
        Value::Object(self.to_map())
    }

    /// Reads `FieldsV1` JSON. Elements of unknown kinds are skipped, malformed ones are an error.
    pub fn from_fields_v1(value: &Value) -> Result<FieldSet, String> {
        read(value, 0).map(|(set, _)| set)
    }

    /// Appends the text of [`FieldSet::to_fields_v1`].
    pub(super) fn write_fields_v1(&self, out: &mut Vec<u8>) {
        self.write(false, out);
    }

    fn write(&self, is_member: bool, out: &mut Vec<u8>) {
        out.push(b'{');
        if is_member && !self.is_empty() {
            out.extend_from_slice(b"\".\":{}");
        }
        let is_field = |step: &Step| matches!(step.element, PathElement::Field(_));
        let (fields, others) = self.steps().split_at(self.steps().partition_point(is_field));
        for step in fields {
            if let PathElement::Field(name) = &step.element {
                step.write("f:", name, out);
            }
        }
        if !others.is_empty() {
            // Keys stand in the order of their text, which fields have already.
            let mut others: Vec<(String, &Step)> = others.iter().map(|step| (step.element.to_text(), step)).collect();
            others.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (name, step) in others {
                step.write("", &name, out);
            }
        }
        out.push(b'}');
    }

    fn to_map(&self) -> Map {
        let mut map = Map::new();
        for Step { element, is_member, below } in self.steps() {
            let mut child = below.to_map();
            if *is_member && !child.is_empty() {
                child.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(element.to_text(), Value::Object(child));
        }
        map
    }
}

impl Step {
    fn write(&self, prefix: &str, name: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(if out.last() == Some(&b'{') { b"\"" } else { b",\"" });
        out.extend_from_slice(prefix.as_bytes());
        json::write_inside(out, name);
        out.extend_from_slice(b"\":");
        self.below.write(self.is_member, out);
    }
}

/// The set below a place, and whether the place itself is a member.
fn read(value: &Value, depth: usize) -> Result<(FieldSet, bool), String> {
    let map = match value {
        Value::Object(map) => map,
        Value::Null => return Ok((FieldSet::new(), true)),
        _ => return Err("fields must be a map".to_owned()),
    };
    if depth > MAX_DEPTH {
        return Err("fields are nested too deep".to_owned());
    }
    let (mut set, mut is_member) = (FieldSet::new(), false);
    for (key, below) in map {
        if key == "." {
            is_member = true;
            continue;
        }
        let element = match PathElement::parse(key) {
            Ok(element) => element,
            Err(ElementError::Unknown) => continue,
            Err(ElementError::Malformed(why)) => return Err(format!("parsing key as path element: {why}")),
        };
        let (child, child_is_member) = read(below, depth + 1)?;
        set.file(element, child_is_member, child);
    }
    let is_member = is_member || set.is_empty();
    Ok((set, is_member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn sets_survive_the_wire() {
        for fields in [
            json!({}),
            json!({"f:data": {".": {}, "f:k": {}}}),
            json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}, "f:replicas": {}}}),
            json!({"f:metadata": {"f:finalizers": {"v:\"x\"": {}}}}),
            json!({"f:a": {"f:x": {}, "i:10": {}, "i:9": {}, "v:2": {}, "v:\"1\\\"\"": {}}, "f:b": {}}),
            json!({"f:ports": {".": {}, "k:{\"port\":443}": {}, "k:{\"port\":80}": {".": {}, "f:port": {}}}}),
        ] {
            let set = FieldSet::from_fields_v1(&fields).unwrap();
            assert_eq!(set.to_fields_v1(), fields);
            let mut text = Vec::new();
            set.write_fields_v1(&mut text);
            assert_eq!(String::from_utf8(text).unwrap(), fields.to_string());
        }
    }

    #[test]
    fn odd_fields() {
        let set = FieldSet::from_fields_v1(&json!({"q:bad": {}, "f:a": {".": {}}})).unwrap();
        assert_eq!(set.to_fields_v1(), json!({"f:a": {}}));
        assert!(FieldSet::from_fields_v1(&json!({"bad": {}})).is_err());
        assert!(FieldSet::from_fields_v1(&json!({"f:a": 1})).is_err());
    }
}

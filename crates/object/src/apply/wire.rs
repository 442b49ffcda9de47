//! Field sets as `FieldsV1` JSON: `{"f:data":{".":{},"f:k":{}}}`.

use super::element::{ElementError, PathElement};
use super::set::{FieldSet, Step};
use serde_json::{Map, Value};

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

    fn to_map(&self) -> Map<String, Value> {
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
    use serde_json::json;

    #[test]
    fn sets_survive_the_wire() {
        for fields in [
            json!({}),
            json!({"f:data": {".": {}, "f:k": {}}}),
            json!({"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}, "f:replicas": {}}}),
            json!({"f:metadata": {"f:finalizers": {"v:\"x\"": {}}}}),
        ] {
            assert_eq!(FieldSet::from_fields_v1(&fields).unwrap().to_fields_v1(), fields);
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

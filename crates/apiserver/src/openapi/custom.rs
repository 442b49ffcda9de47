//! The schema of a custom resource, as documents publish it: what the definition says, with the fields of every object.

use super::types::reference;
use super::v3::Parts;
use object::{Map, Value, json};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The schema called `name`, of a custom resource or of its list; `None` if there is none.
pub(super) fn describe(name: &str, parts: &Parts<'_>) -> Option<Value> {
    if let Some(schema) = parts.custom.get(name) {
        return Some(describe_object(schema, parts));
    }
    Some(describe_list(name, parts.custom_lists.get(name)?, parts))
}

fn describe_object(schema: &Value, parts: &Parts<'_>) -> Value {
    let mut out = match schema {
        Value::Object(map) if !map.is_empty() => schema.clone(),
        _ => return json!({"type": "object"}),
    };
    add_embedded(&mut out, parts);
    let properties = out.as_object_mut().map(|map| map.entry("properties").or_insert_with(|| json!({})));
    if let Some(Value::Object(properties)) = properties {
        properties.append(&mut object_fields("ObjectMeta", parts));
    }
    out
}

fn describe_list(name: &str, item: &str, parts: &Parts<'_>) -> Value {
    let [list_kind, kind] = [name, item].map(|name| name.rsplit('.').next().unwrap_or(name));
    let mut properties = object_fields("ListMeta", parts);
    properties.insert("items".to_owned(), json!({"type": "array", "items": reference(item)}));
    json!({
        "description": format!("{list_kind} is a list of {kind}"),
        "type": "object",
        "required": ["items"],
        "properties": properties,
    })
}

/// `apiVersion`, `kind` and `metadata`.
fn object_fields(metadata: &str, parts: &Parts<'_>) -> Map {
    let texts = parts.descriptions;
    let options = format!("{META}DeleteOptions");
    let text = |field: &str| json!({"type": "string", "description": texts.of_field(&options, field)});
    let about = texts.of_type(&format!("{META}{metadata}"));
    let metadata = json!({"description": about, "allOf": [reference(&format!("{META}{metadata}"))]});
    [("apiVersion", text("apiVersion")), ("kind", text("kind")), ("metadata", metadata)]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// Objects within objects have these fields, too. Schemas are only as deep as decoding lets them be.
fn add_embedded(schema: &mut Value, parts: &Parts<'_>) {
    let Value::Object(map) = schema else { return };
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(|property| add_embedded(property, parts));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key) {
            add_embedded(inner, parts);
        }
    }
    if map.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
        if let Value::Object(properties) = map.entry("properties").or_insert_with(|| json!({})) {
            properties.append(&mut object_fields("ObjectMeta", parts));
        }
        if let Value::Array(required) = map.entry("required").or_insert_with(|| json!([])) {
            for name in ["kind", "apiVersion"] {
                if !required.iter().any(|other| other == name) {
                    required.push(name.into());
                }
            }
        }
    }
}

/// What version 2 can say of a custom schema: no alternatives, no defaults, and nothing about values whose type is open,
/// because old clients would refuse what is not listed.
pub(super) fn to_v2(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for key in ["allOf", "anyOf", "oneOf", "not", "default"] {
        // A reference that stands alone is kept; the caller unwraps it.
        let lone =
            key == "allOf" && map.get(key).and_then(|all| all.get(0)).is_some_and(|one| one.get("$ref").is_some());
        if !lone {
            map.remove(key);
        }
    }
    let is = |map: &Map, key: &str| map.get(key) == Some(&Value::Bool(true));
    let nullable = is(map, "nullable");
    map.remove("nullable");
    if nullable || is(map, "x-kubernetes-int-or-string") {
        map.remove("type");
    }
    if nullable || is(map, "x-kubernetes-preserve-unknown-fields") {
        map.remove("items");
        map.remove("properties");
        map.remove("additionalProperties");
        map.remove("required");
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(to_v2);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(key) {
            to_v2(inner);
        }
    }
}

//! An OpenAPI 2 document, as `openapi: {path: …}` names it, as far as merging needs it.

use super::{Field, Schema, Type, TypeId, builtin};
use crate::error::{Error, Result};
use std::collections::HashMap;
use value::{Map, Value};

const REF: &str = "#/definitions/";
const GVK: &str = "x-kubernetes-group-version-kind";

/// Adds definitions and scopes; where a definition is built in too, that one counts if `beside_builtin`.
pub(super) fn add(schema: &mut Schema, text: &str, beside_builtin: bool) -> Result<()> {
    let document: Value = if text.starts_with('{') {
        serde_json::from_str(text).map_err(|e| Error::new(format!("invalid schema file: {e}")))?
    } else {
        yaml::to_json(text).map_err(|e| Error::new(format!("invalid schema file: {e}")))?
    };
    if let Some(definitions) = document.get("definitions").and_then(Value::as_object) {
        add_definitions(schema, definitions, beside_builtin);
    }
    if let Some(paths) = document.get("paths").and_then(Value::as_object) {
        add_scopes(schema, paths);
    }
    Ok(())
}

fn add_definitions(schema: &mut Schema, definitions: &Map, beside_builtin: bool) {
    let mut ids: HashMap<&str, TypeId> =
        definitions.keys().map(|name| (name.as_str(), schema.push(Type::default()))).collect();
    let referred: Vec<&str> = if beside_builtin { references(definitions) } else { Vec::new() };
    for name in referred {
        if let Some(id) = builtin::shape_of(name).and_then(|shape| schema.shapes.get(shape)) {
            ids.insert(name, *id);
        }
    }
    let is_builtin = |id: &TypeId, schema: &Schema| schema.shapes.values().any(|known| known == id);
    for (name, definition) in definitions {
        let ty = type_of(schema, definition, &ids, 0);
        let id = ids[name.as_str()];
        if is_builtin(&id, schema) {
            continue;
        }
        schema.types[id.0] = ty;
        for gvk in definition.get(GVK).and_then(Value::as_array).into_iter().flatten() {
            if let Some(key) = type_meta(gvk) {
                if beside_builtin {
                    schema.roots.entry(key).or_insert(id);
                } else {
                    schema.roots.insert(key, id);
                }
            }
        }
    }
}

/// All definitions that are referred to.
fn references(definitions: &Map) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = definitions.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix(REF)));
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

fn type_of(schema: &mut Schema, definition: &Value, ids: &HashMap<&str, TypeId>, depth: usize) -> Type {
    let mut ty = Type::default();
    let Some(properties) = definition.get("properties").and_then(Value::as_object) else { return ty };
    for (name, property) in properties {
        let is_list = property.get("type").and_then(Value::as_str) == Some("array");
        let inner = if is_list { property.get("items") } else { Some(property) };
        let inner_type = inner.and_then(|inner| inner_type(schema, inner, ids, depth));
        let merge_keys = if is_list { merge_keys(property) } else { None };
        ty.fields.insert(name.to_string(), Field { merge_keys, ty: inner_type, is_object: !is_list });
    }
    ty
}

fn inner_type(schema: &mut Schema, value: &Value, ids: &HashMap<&str, TypeId>, depth: usize) -> Option<TypeId> {
    if let Some(name) = value.get("$ref").and_then(Value::as_str) {
        return ids.get(name.strip_prefix(REF)?).copied();
    }
    if depth > yaml::MAX_TREE_DEPTH || value.get("properties").is_none() {
        return None;
    }
    let ty = type_of(schema, value, ids, depth + 1);
    Some(schema.push(ty))
}

fn merge_keys(property: &Value) -> Option<Vec<String>> {
    let strategy = property.get("x-kubernetes-patch-strategy").and_then(Value::as_str)?;
    if !strategy.split(',').any(|s| s == "merge") {
        return None;
    }
    if let Some(keys) = property.get("x-kubernetes-list-map-keys").and_then(Value::as_array) {
        return Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let key = property.get("x-kubernetes-patch-merge-key").and_then(Value::as_str);
    Some(key.map(str::to_owned).into_iter().collect())
}

fn add_scopes(schema: &mut Schema, paths: &Map) {
    for (path, operations) in paths {
        let Some(key) = operations.get("get").and_then(|get| get.get(GVK)).and_then(type_meta) else { continue };
        if path.contains("namespaces/{namespace}") {
            schema.scopes.insert(key, true);
        } else {
            schema.scopes.insert_new(key, false);
        }
    }
}

fn type_meta(value: &Value) -> Option<(String, String)> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let (group, version, kind) = (text("group"), text("version"), text("kind"));
    if version.is_empty() && kind.is_empty() {
        return None;
    }
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some((api_version, kind.to_owned()))
}

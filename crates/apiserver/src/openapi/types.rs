//! The schema of a built-in type as OpenAPI v3 writes it.

use super::descriptions::Descriptions;
use super::meanings::meaning;
use object::schema::{Else, Emit, Field, Merge, Schema, StructType, Type};
use object::{Map, Value, json};
use std::fmt::Write;

const REF: &str = "#/components/schemas/";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const APIEXTENSIONS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

/// A reference to a type by its OpenAPI name.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{REF}{name}")})
}

/// The schema called `name`; `None` if there is no such built-in type.
pub(super) fn describe(schema: &Schema, name: &str, descriptions: &Descriptions) -> Option<Value> {
    let mut described = match schema.find(name) {
        Some(id) => describe_struct(schema, schema.get(id), descriptions),
        None => scalar(name)?,
    };
    let text = descriptions.of_type(name);
    if !text.is_empty() {
        described["description"] = text.into();
    } else if let Some(kind) = name.strip_suffix("List").and_then(|name| name.rsplit('.').next()) {
        describe_list(&mut described, kind, descriptions);
    }
    Some(described)
}

/// Lists have no descriptions of their own.
fn describe_list(described: &mut Value, kind: &str, descriptions: &Descriptions) {
    let options = format!("{META}DeleteOptions");
    described["description"] = format!("{kind}List is a list of {kind} objects.").into();
    let properties = &mut described["properties"];
    for name in ["apiVersion", "kind"] {
        properties[name]["description"] = descriptions.of_field(&options, name).into();
    }
    properties["items"]["description"] = format!("The {kind} objects.").into();
    properties["metadata"]["description"] = descriptions.of_type(&format!("{META}ListMeta")).into();
}

/// Types that are no structs in JSON.
fn scalar(name: &str) -> Option<Value> {
    Some(match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => {
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" | "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => {
            json!({"type": "string", "format": "date-time"})
        }
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"
        | "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
        | "io.k8s.apimachinery.pkg.runtime.RawExtension" => json!({"type": "object"}),
        _ if name.starts_with(APIEXTENSIONS) => json!({}),
        _ => return None,
    })
}

fn describe_struct(schema: &Schema, ty: &StructType, descriptions: &Descriptions) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), "object".into());
    let required: Vec<&str> = ty.fields.iter().filter(|field| !field.optional).map(|field| &*field.name).collect();
    if !required.is_empty() {
        out.insert("required".to_owned(), required.into());
    }
    if !ty.fields.is_empty() {
        let property = |field: &Field| {
            let description = descriptions.of_field(&ty.name, &field.name);
            (field.name.clone().into_owned(), describe_field(schema, field, description))
        };
        out.insert("properties".to_owned(), Value::Object(ty.fields.iter().map(property).collect()));
    }
    if ty.atomic {
        out.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    if let Some(union) = &ty.union {
        let members: Map =
            union.members.iter().map(|(field, value)| (field.to_string(), value.as_ref().into())).collect();
        let mut one = json!({"fields-to-discriminateBy": members});
        if !union.discriminator.is_empty() {
            one["discriminator"] = union.discriminator.as_ref().into();
        }
        out.insert("x-kubernetes-unions".to_owned(), json!([one]));
    }
    Value::Object(out)
}

fn describe_field(schema: &Schema, field: &Field, description: &str) -> Value {
    let go = schema.go_type(field);
    let mut out = describe_value(schema, &field.ty, &go, field);
    let mut beside = merge_marks(field);
    if !description.is_empty() || field.values.is_some() {
        let text = describe_values(description, field, &go);
        beside.insert("description".to_owned(), text.into());
    }
    if let Some(default) = default(field) {
        beside.insert("default".to_owned(), default);
    }
    // A reference may have nothing beside it in version 3.
    if out.get("$ref").is_some() && !beside.is_empty() {
        out = json!({"allOf": [out]});
    }
    if let Value::Object(map) = &mut out {
        map.append(&mut beside);
    }
    out
}

/// The description, followed by the values that are allowed and what they mean; those of a list's items are not told.
fn describe_values(description: &str, field: &Field, go: &str) -> String {
    let mut text = description.to_owned();
    if let Some(values) = field.values.as_ref().filter(|_| !matches!(field.ty, Type::List(_))) {
        text.push_str("\n\nPossible enum values:");
        for value in values.iter() {
            write!(text, "\n - `\"{value}\"`").expect("writing to a String does not fail");
            if let Some(meaning) = meaning(go, value) {
                text.push(' ');
                text.push_str(meaning);
            }
        }
    }
    text
}

fn describe_value(schema: &Schema, ty: &Type, go: &str, field: &Field) -> Value {
    match ty {
        Type::String | Type::Duration => match &field.values {
            Some(values) => {
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                json!({"type": "string", "enum": values})
            }
            None => json!({"type": "string"}),
        },
        Type::Bool => json!({"type": "boolean"}),
        Type::Int32 => json!({"type": "integer", "format": "int32"}),
        Type::Int64 => json!({"type": "integer", "format": "int64"}),
        Type::Float64 => json!({"type": "number", "format": "double"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Quantity => reference("io.k8s.apimachinery.pkg.api.resource.Quantity"),
        Type::IntOrString => reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
        Type::Time => reference(&format!("{META}Time")),
        Type::MicroTime => reference(&format!("{META}MicroTime")),
        Type::Any => match go {
            "runtime.RawExtension" => reference("io.k8s.apimachinery.pkg.runtime.RawExtension"),
            "v1.FieldsV1" => reference(&format!("{META}FieldsV1")),
            "v1.JSON" => reference(&format!("{APIEXTENSIONS}JSON")),
            _ => json!({"type": "object"}),
        },
        Type::Struct(id) => reference(&schema.get(*id).name),
        Type::StructOr(id, other) => {
            let suffix = match other {
                Else::Bool => "OrBool",
                Else::List => "OrArray",
                Else::Strings => "OrStringArray",
            };
            reference(&format!("{}{suffix}", schema.get(*id).name))
        }
        Type::Merged(inner) => describe_value(schema, &inner.0, go, field),
        Type::List(item) => {
            json!({"type": "array", "items": describe_value(schema, item, schema.go_item(go), field)})
        }
        Type::Map(value) => {
            let value = describe_value(schema, value, schema.go_item(go), field);
            json!({"type": "object", "additionalProperties": value})
        }
    }
}

/// The declared default, or the zero value of what is always sent.
fn default(field: &Field) -> Option<Value> {
    if let Some(default) = &field.default {
        return Some((**default).clone());
    }
    match field.ty {
        _ if field.pointer || field.emit == Emit::Omit => None,
        Type::Struct(_) => Some(json!({})),
        Type::String => Some("".into()),
        Type::Bool => Some(false.into()),
        Type::Int32 | Type::Int64 | Type::Float64 => Some(0.into()),
        _ => None,
    }
}

fn merge_marks(field: &Field) -> Map {
    let mut marks = Map::new();
    let mut mark = |name: &str, value: Value| marks.insert(format!("x-kubernetes-{name}"), value);
    // Bytes are a list to upstream's generator.
    let list = matches!(field.ty, Type::List(_) | Type::Bytes);
    match &field.merge {
        Merge::Default => {}
        Merge::Atomic if list => drop(mark("list-type", "atomic".into())),
        Merge::Atomic => drop(mark("map-type", "atomic".into())),
        Merge::Granular => drop(mark("map-type", "granular".into())),
        Merge::Set => drop(mark("list-type", "set".into())),
        Merge::MapList(keys) => {
            mark("list-type", "map".into());
            mark("list-map-keys", keys.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into());
        }
    }
    let patch = &field.patch;
    let strategies: Vec<&str> = [("merge", patch.merge), ("retainKeys", patch.retain_keys), ("replace", patch.replace)]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect();
    if !strategies.is_empty() {
        mark("patch-strategy", strategies.join(",").into());
    }
    if !patch.merge_key.is_empty() {
        mark("patch-merge-key", patch.merge_key.as_ref().into());
    }
    marks
}

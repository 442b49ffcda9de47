//! Documents of version 3: one for each group and version, and small ones for discovery.

use super::descriptions::Descriptions;
use super::kinds_of::Kinds;
use super::operations::{Answer, Body, Media, Operation, Path};
use super::parameters::{Kind, Parameter, Place};
use super::{custom, types};
use object::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// What a document is made of, beside its paths.
pub(super) struct Parts<'a> {
    pub(super) kinds: &'a Kinds,
    pub(super) descriptions: &'a Descriptions,
    /// Schemas of custom resources by type name.
    pub(super) custom: &'a HashMap<String, Arc<Value>>,
    /// Type names of lists of custom resources, and what is in them.
    pub(super) custom_lists: &'a HashMap<String, String>,
    /// Groups and versions for which options are declared.
    pub(super) option_groups: &'a [(String, String)],
}

/// Writes a whole document, piece by piece: as a tree it would take many times its size.
pub(super) fn write(paths: &[Path], parts: &Parts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let info = json!({"title": "Kubernetes", "version": super::VERSION});
    write!(out, "{{\"openapi\":\"3.0.0\",\"info\":{info},\"paths\":")?;
    let mut entries = Entries::begin(out)?;
    for path in paths {
        entries.add(&path.path, &describe_path(path))?;
    }
    entries.end()?;
    write!(out, ",\"components\":{{\"schemas\":")?;
    let mut entries = Entries::begin(out)?;
    each_schema(paths, parts, &mut |name, schema| entries.add(name, &schema))?;
    entries.end()?;
    write!(out, ",\"securitySchemes\":{}}}}}", json!({"BearerToken": super::bearer_token()}))
}

/// A JSON map that is written entry by entry.
pub(super) struct Entries<'w> {
    out: &'w mut dyn Write,
    first: bool,
}

impl<'w> Entries<'w> {
    pub(super) fn begin(out: &'w mut dyn Write) -> io::Result<Entries<'w>> {
        out.write_all(b"{")?;
        Ok(Entries { out, first: true })
    }

    pub(super) fn add(&mut self, key: &str, value: &Value) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        write!(self.out, "{comma}{}:{value}", Value::from(key))
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(b"}")
    }
}

// === Paths ===

fn describe_path(path: &Path) -> Value {
    let shared = shared_parameters(&path.operations);
    let mut out = Map::new();
    for operation in &path.operations {
        let own = operation.parameters.iter().filter(|parameter| !shared.contains(parameter)).collect::<Vec<_>>();
        out.insert(operation.method.to_owned(), describe_operation(operation, &own));
    }
    if !shared.is_empty() {
        out.insert("parameters".to_owned(), shared.into_iter().map(describe_parameter).collect());
    }
    Value::Object(out)
}

/// The parameters of all operations of a path, which stand with the path.
pub(super) fn shared_parameters(operations: &[Operation]) -> Vec<&Parameter> {
    let Some((first, others)) = operations.split_first() else { return Vec::new() };
    if first.action.is_none() {
        return Vec::new();
    }
    let in_all = |parameter: &&Parameter| others.iter().all(|other| other.parameters.contains(parameter));
    first.parameters.iter().filter(in_all).collect()
}

fn describe_parameter(parameter: &Parameter) -> Value {
    let ty = match parameter.kind {
        Kind::Text => "string",
        Kind::Flag => "boolean",
        Kind::Number => "integer",
    };
    let mut out = json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": {"type": ty, "uniqueItems": true},
    });
    if parameter.place == Place::Path {
        out["in"] = "path".into();
        out["required"] = true.into();
    }
    out
}

fn describe_operation(operation: &Operation, parameters: &[&Parameter]) -> Value {
    let mut out = json!({
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "responses": describe_answers(operation),
    });
    if !parameters.is_empty() {
        out["parameters"] = parameters.iter().copied().map(describe_parameter).collect();
    }
    if let Some(body) = describe_body(&operation.body) {
        out["requestBody"] = body;
    }
    if let Some((action, gvk)) = &operation.action {
        out["x-kubernetes-action"] = (*action).into();
        out["x-kubernetes-group-version-kind"] = gvk.to_value();
    }
    out
}

fn describe_body(body: &Body) -> Option<Value> {
    let content = |types: &[&str], name: &str| -> Map {
        types.iter().map(|media| ((*media).to_owned(), json!({"schema": types::reference(name)}))).collect()
    };
    Some(match body {
        Body::None => return None,
        Body::Object(name) => json!({"content": content(&["*/*"], name), "required": true}),
        Body::DeleteOptions => json!({"content": content(&["*/*"], &format!("{META}DeleteOptions"))}),
        Body::Patch => json!({"content": content(super::PATCH_MEDIA, &format!("{META}Patch")), "required": true}),
    })
}

fn describe_answers(operation: &Operation) -> Value {
    let schema = match &operation.answer {
        Answer::Type(name) => types::reference(name),
        Answer::Text => json!({"type": "string"}),
    };
    let content: Map =
        media(operation.media).iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect();
    let mut out = Map::new();
    for code in operation.codes {
        out.insert(code.to_string(), json!({"description": super::code_name(*code), "content": content}));
    }
    out.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    Value::Object(out)
}

/// The media types of an answer.
pub(super) fn media(media: Media) -> &'static [&'static str] {
    match media {
        Media::Object => &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"],
        Media::Stream => &[
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "application/json;stream=watch",
            "application/vnd.kubernetes.protobuf;stream=watch",
        ],
        Media::Log => &["text/plain", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"],
        Media::Anything => &["*/*"],
        Media::Json => &["application/json"],
    }
}

// === Types ===

/// Calls `take` with each schema to which the paths lead.
pub(super) fn each_schema(
    paths: &[Path],
    parts: &Parts<'_>,
    take: &mut dyn FnMut(&str, Value) -> io::Result<()>,
) -> io::Result<()> {
    let mut found = HashSet::new();
    let mut open = roots(paths);
    while let Some(name) = open.pop() {
        if !found.insert(name.clone()) {
            continue;
        }
        if let Some(schema) = describe_type(&name, parts) {
            references(&schema, &mut open);
            take(&name, schema)?;
        }
    }
    Ok(())
}

/// The types that operations take and give.
fn roots(paths: &[Path]) -> Vec<String> {
    let mut roots = Vec::new();
    for operation in paths.iter().flat_map(|path| &path.operations) {
        match &operation.body {
            Body::None => {}
            Body::Object(name) => roots.push(name.clone()),
            Body::DeleteOptions => roots.push(format!("{META}DeleteOptions")),
            Body::Patch => roots.push(format!("{META}Patch")),
        }
        if let Answer::Type(name) = &operation.answer {
            roots.push(name.clone());
        }
    }
    roots
}

fn describe_type(name: &str, parts: &Parts<'_>) -> Option<Value> {
    let mut schema = match types::describe(object::schema::builtin(), name, parts.descriptions) {
        Some(schema) => schema,
        None => custom::describe(name, parts)?,
    };
    let kinds = parts.kinds.of_type(name, parts.option_groups);
    if !kinds.is_empty() {
        schema["x-kubernetes-group-version-kind"] = kinds.into();
    }
    Some(schema)
}

/// The names of all schemas that are referred to. Documents are as deep as schemas nest, which decoding limits.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => {
                        found.extend(text.rsplit('/').next().map(str::to_owned));
                    }
                    _ => references(value, found),
                }
            }
        }
        _ => {}
    }
}

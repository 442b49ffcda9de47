//! The document of version 2: everything in one, for clients that know no other.

use super::operations::{Answer, Body, Operation, Path};
use super::parameters::{Kind, Parameter, Place};
use super::v3::{self, Entries, Parts, shared_parameters};
use super::{custom, gnostic};
use object::{Map, Value, json};
use std::io::{self, Write};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const PREFIX: &str = "#/definitions/";

/// Writes the whole document as JSON.
pub(super) fn write(paths: &[Path], parts: &Parts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut shared = Shared::default();
    write!(out, "{{\"swagger\":\"2.0\",\"info\":{},\"paths\":", info())?;
    let mut entries = Entries::begin(out)?;
    for path in paths {
        entries.add(&path.path, &shared.describe_path(path))?;
    }
    entries.end()?;
    write!(out, ",\"definitions\":")?;
    let mut entries = Entries::begin(out)?;
    each_definition(paths, parts, &mut |name, schema| entries.add(name, &schema))?;
    entries.end()?;
    let (parameters, definitions) = (Value::Object(shared.parameters), security_definitions());
    write!(out, ",\"parameters\":{parameters},\"securityDefinitions\":{definitions},\"security\":{}}}", security())
}

/// The whole document in the protobuf form that clients prefer.
pub(super) fn protobuf(paths: &[Path], parts: &Parts<'_>) -> io::Result<Vec<u8>> {
    let mut shared = Shared::default();
    let mut encoder = gnostic::Encoder::default();
    for path in paths {
        encoder.path(&path.path, &shared.describe_path(path));
    }
    each_definition(paths, parts, &mut |name, schema| {
        encoder.definition(name, &schema);
        Ok(())
    })?;
    Ok(encoder.finish(&info(), &Value::Object(shared.parameters), &security(), &security_definitions()))
}

/// The protobuf form of a whole document.
pub(super) fn protobuf_of(document: &Value) -> Vec<u8> {
    let mut encoder = gnostic::Encoder::default();
    let entries = |name: &str| document[name].as_object().into_iter().flatten();
    entries("paths").for_each(|(path, item)| encoder.path(path, item));
    entries("definitions").for_each(|(name, schema)| encoder.definition(name, schema));
    encoder.finish(&document["info"], &document["parameters"], &document["security"], &document["securityDefinitions"])
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": super::VERSION})
}

fn security() -> Value {
    json!([{"BearerToken": []}])
}

fn security_definitions() -> Value {
    json!({"BearerToken": super::bearer_token()})
}

fn each_definition(
    paths: &[Path],
    parts: &Parts<'_>,
    take: &mut dyn FnMut(&str, Value) -> io::Result<()>,
) -> io::Result<()> {
    v3::each_schema(paths, parts, &mut |name, mut schema| {
        if parts.custom.contains_key(name) {
            custom::to_v2(&mut schema);
        }
        to_v2(&mut schema);
        take(name, schema)
    })
}

/// A schema of version 3 as version 2 writes it.
fn to_v2(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    map.remove("default");
    if let Some(Value::Array(all)) = map.get_mut("allOf")
        && let [Value::Object(one)] = all.as_mut_slice()
        && one.contains_key("$ref")
    {
        let mut one = std::mem::take(one);
        map.remove("allOf");
        map.append(&mut one);
    }
    if let Some(Value::String(target)) = map.get_mut("$ref") {
        *target = format!("{PREFIX}{}", target.rsplit('/').next().unwrap_or_default());
    }
    if map.remove("oneOf").is_some() {
        map.insert("type".to_owned(), "string".into());
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

/// Parameters that stand once for all operations.
#[derive(Default)]
struct Shared {
    parameters: Map,
}

impl Shared {
    fn describe_path(&mut self, path: &Path) -> Value {
        let common = shared_parameters(&path.operations);
        let mut out = Map::new();
        for operation in &path.operations {
            let own: Vec<&Parameter> =
                operation.parameters.iter().filter(|parameter| !common.contains(parameter)).collect();
            out.insert(operation.method.to_owned(), self.describe_operation(operation, &own));
        }
        if !common.is_empty() {
            let parameters: Vec<Value> = common.into_iter().map(|parameter| self.parameter(parameter)).collect();
            out.insert("parameters".to_owned(), parameters.into());
        }
        Value::Object(out)
    }

    fn describe_operation(&mut self, operation: &Operation, parameters: &[&Parameter]) -> Value {
        let produces = v3::media(operation.media);
        let consumes = match (&operation.body, &operation.action) {
            (Body::Patch, _) => super::PATCH_MEDIA,
            (_, None) => produces,
            _ => &["*/*"],
        };
        let mut out = json!({
            "description": operation.description,
            "consumes": consumes,
            "produces": produces,
            "schemes": ["https"],
            "tags": [operation.tag],
            "operationId": operation.id,
            "responses": describe_answers(operation),
        });
        let body = self.body(&operation.body).into_iter();
        let parameters: Vec<Value> =
            body.chain(parameters.iter().map(|one| self.parameter(one)).collect::<Vec<_>>()).collect();
        if !parameters.is_empty() {
            out["parameters"] = parameters.into();
        }
        if let Some((action, gvk)) = &operation.action {
            out["x-kubernetes-action"] = (*action).into();
            out["x-kubernetes-group-version-kind"] = gvk.to_value();
        }
        out
    }

    fn parameter(&mut self, parameter: &Parameter) -> Value {
        let ty = match parameter.kind {
            Kind::Text => "string",
            Kind::Flag => "boolean",
            Kind::Number => "integer",
        };
        let mut out = json!({
            "uniqueItems": true,
            "type": ty,
            "description": parameter.description,
            "name": parameter.name,
            "in": "query",
        });
        if parameter.place == Place::Path {
            out["in"] = "path".into();
            out["required"] = true.into();
        }
        // Old clients look for these two in the operation itself; a name says which kind it is of.
        let inline = ["dryRun", "fieldValidation"].contains(&parameter.name);
        if inline || (parameter.name == "name" && parameter.place == Place::Path) {
            return out;
        }
        let hash = super::short_hash(&parameter.description);
        self.refer(format!("{}-{hash}", parameter.name), out)
    }

    fn body(&mut self, body: &Body) -> Option<Value> {
        let schema = |name: &str| json!({"$ref": format!("{PREFIX}{name}")});
        Some(match body {
            Body::None => return None,
            Body::Object(name) => json!({"name": "body", "in": "body", "required": true, "schema": schema(name)}),
            Body::DeleteOptions => {
                let body = json!({"name": "body", "in": "body", "schema": schema(&format!("{META}DeleteOptions"))});
                self.refer("body-delete".to_owned(), body)
            }
            Body::Patch => {
                let schema = schema(&format!("{META}Patch"));
                let body = json!({"name": "body", "in": "body", "required": true, "schema": schema});
                self.refer("body-patch".to_owned(), body)
            }
        })
    }

    fn refer(&mut self, name: String, parameter: Value) -> Value {
        let reference = json!({"$ref": format!("#/parameters/{name}")});
        self.parameters.entry(name).or_insert(parameter);
        reference
    }
}

fn describe_answers(operation: &Operation) -> Value {
    let schema = match &operation.answer {
        Answer::Type(name) => json!({"$ref": format!("{PREFIX}{name}")}),
        Answer::Text => json!({"type": "string"}),
    };
    let mut out = Map::new();
    for code in operation.codes {
        out.insert(code.to_string(), json!({"description": super::code_name(*code), "schema": schema}));
    }
    out.insert("401".to_owned(), json!({"description": "Unauthorized"}));
    Value::Object(out)
}

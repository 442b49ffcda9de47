//! What OpenAPI definitions under `crds` say: which fields are names, labels and annotations.

use super::{NameReference, TransformerConfig};
use crate::error::{Error, Result};
use crate::fieldspec::{FieldSpec, merge_one};
use crate::id::Gvk;
use value::{Map, Value};

/// Reads one file of `crds`.
pub(crate) fn from_crds(text: &str, path: &str) -> Result<TransformerConfig> {
    let invalid =
        |e: String| Error::new(format!("unable to parse open API definition from '{path}': {e}")).in_file(path);
    let value: Value = if text.starts_with('{') {
        serde_json::from_str(text).map_err(|e| invalid(e.to_string()))?
    } else {
        yaml::to_json(text).map_err(|e| invalid(format!("error converting YAML to JSON: {e}")))?
    };
    let definitions = match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let mut config = TransformerConfig::default();
    for (name, definition) in &definitions {
        let Some(properties) = properties(definition) else { continue };
        if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.contains_key(field)) {
            let kind = name.rsplit('.').next().unwrap_or(name);
            let gvk = Gvk { kind: kind.to_owned(), ..Gvk::default() };
            let mut one = TransformerConfig::default();
            load(&mut one, &gvk, &definitions, name, &mut Vec::new())?;
            config.merge(&one)?;
        }
    }
    Ok(config)
}

/// Upstream's structure carries no JSON names, so its keys are found in any case.
fn properties(definition: &Value) -> Option<&Map> {
    let find = |value: &'_ Value, name: &str| -> Option<String> {
        value.as_object()?.keys().find(|key| key.eq_ignore_ascii_case(name)).map(ToString::to_string)
    };
    let schema = definition.get(find(definition, "schema")?)?;
    schema.get("properties")?.as_object()
}

fn load(
    config: &mut TransformerConfig,
    gvk: &Gvk,
    definitions: &Map,
    name: &str,
    path: &mut Vec<String>,
) -> Result<()> {
    let Some(properties) = definitions.get(name).and_then(properties) else { return Ok(()) };
    if path.len() > 100 {
        return Err(Error::new(format!("definition '{name}' refers to itself")));
    }
    for (field, property) in properties {
        let extension = |name: &str| property.get(name).and_then(Value::as_str);
        let spec = |more: &[&str]| {
            let parts: Vec<&str> =
                path.iter().map(String::as_str).chain([field.as_str()]).chain(more.iter().copied()).collect();
            FieldSpec { gvk: gvk.clone(), path: parts.join("/"), create: false }
        };
        if extension("x-kubernetes-annotation").is_some() {
            merge_one(&mut config.common_annotations, spec(&[]))?;
        }
        if extension("x-kubernetes-label-selector").is_some() {
            merge_one(&mut config.common_labels, spec(&[]))?;
        }
        if extension("x-kubernetes-identity").is_some() {
            merge_one(&mut config.name_prefix, spec(&[]))?;
        }
        let version = extension("x-kubernetes-object-ref-api-version");
        if let (Some(version), Some(kind)) = (version, extension("x-kubernetes-object-ref-kind")) {
            let key = extension("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let target = Gvk { group: String::new(), version: version.to_owned(), kind: kind.to_owned() };
            config.merge_reference(&NameReference { gvk: target, referrers: vec![spec(&[key])] })?;
        }
        if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
            path.push(field.to_string());
            load(config, gvk, definitions, reference, path)?;
            path.pop();
        }
    }
    Ok(())
}

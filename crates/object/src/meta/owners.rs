//! Owner references.

use crate::field::{Error, Errors, Path};
use crate::view::View;
use value::Value;

/// The fields of an owner reference in upstream's order, and whether an empty one is shown.
const FIELDS: [(&str, bool); 6] = [
    ("apiVersion", true),
    ("kind", true),
    ("name", true),
    ("uid", true),
    ("controller", false),
    ("blockOwnerDeletion", false),
];

/// Validates owner references; only one may be the controller.
pub fn validate_owner_references(references: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut controller = None;
    for reference in references.items() {
        errors.extend(validate_owner_reference(reference, path));
        if !reference.bool("controller") {
            continue;
        }
        let this = format!("{}/{}", reference.str("kind"), reference.str("name"));
        match &controller {
            None => controller = Some(this),
            Some(first) => {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                );
                errors.push(Error::invalid_shown(path, show_references(references), why));
            }
        }
    }
    errors
}

fn validate_owner_reference(reference: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let api_version = reference.str("apiVersion");
    if version_of(api_version).is_empty() {
        errors.push(Error::invalid(&path.child("apiVersion"), api_version, "version must not be empty"));
    }
    for name in ["kind", "name", "uid"] {
        if reference.str(name).is_empty() {
            errors.push(Error::invalid(&path.child(name), "", "must not be empty"));
        }
    }
    if (api_version, reference.str("kind")) == ("v1", "Event") {
        let why = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(Error::invalid_shown(path, show_reference(reference), why));
    }
    errors
}

/// The version of `group/version` or `version`; nothing if there are several slashes.
fn version_of(api_version: &str) -> &str {
    match api_version.split_once('/') {
        None => api_version,
        Some((_, version)) if version.contains('/') => "",
        Some((_, version)) => version,
    }
}

fn show_references(references: View<'_>) -> String {
    let shown: Vec<String> = references.items().map(show_reference).collect();
    format!("[{}]", shown.join(","))
}

fn show_reference(reference: View<'_>) -> String {
    let shown: Vec<String> = FIELDS
        .iter()
        .filter(|(name, always)| *always || reference.has(name))
        .map(|(name, _)| match reference.get(name).value() {
            Some(value) => format!("\"{name}\":{value}"),
            None => format!("\"{name}\":{}", Value::String(String::new())),
        })
        .collect();
    format!("{{{}}}", shown.join(","))
}

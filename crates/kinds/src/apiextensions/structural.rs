//! Structural schemas: every field is declared outside of `allOf`, `anyOf`, `oneOf` and `not`, with its type.

use object::field::{Error, Errors, Path};
use object::pattern;
use object::{View, json};

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What makes it impossible to judge a schema as a structural one.
pub(super) fn unsupported(schema: View<'_>) -> Option<String> {
    let has = |name: &str| match schema.get(name).value() {
        None => false,
        Some(value) => {
            let empty = value.as_str() == Some("") || value.as_object().is_some_and(object::Map::is_empty);
            !value.is_null() && !empty
        }
    };
    let names = ["id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"];
    if let Some(name) = names.into_iter().find(|name| has(name)) {
        let shown = if name == "$schema" { "schema" } else { name };
        return Some(format!("OpenAPIV3Schema '{shown}' is not supported"));
    }
    if schema.get("items").value().is_some_and(object::Value::is_array) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    if schema.opt_bool("x-kubernetes-preserve-unknown-fields") == Some(false) {
        let why = "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
        return Some(why.to_owned());
    }
    let single = ["items", "additionalProperties", "not"].into_iter().map(|name| schema.get(name));
    let single = single.filter(|part| part.as_map().is_some());
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| schema.list(name));
    let properties = schema.get("properties").entries().map(|(_, property)| property);
    single.chain(lists).chain(properties).find_map(unsupported)
}

/// Validates a schema, sorted by the text of the errors.
pub(super) fn validate(schema: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    invariants(schema, Level::Root, path, &mut errors);
    complete_values(schema, schema, path, path, &mut errors);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

fn invariants(schema: View<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let (kind, items, properties) = (schema.str("type"), schema.get("items"), schema.get("properties"));
    if kind == "array" && !items.exists() {
        errors.push(Error::required(&path.child("items"), "must be specified"));
    }
    if items.exists() {
        invariants(items, Level::Item, &path.child("items"), errors);
    }
    let list = path.child("properties");
    for (name, property) in properties.entries() {
        invariants(property, Level::Field, &list.key(name), errors);
    }
    let additional = schema.get("additionalProperties");
    let is_embedded = schema.bool("x-kubernetes-embedded-resource");
    if additional.exists() {
        let place = path.child("additionalProperties");
        if level == Level::Root {
            errors.push(Error::forbidden(&place, "must not be used at the root"));
        }
        if additional.as_map().is_some() {
            invariants(additional, Level::Field, &place, errors);
        }
        if is_embedded {
            errors.push(Error::forbidden(&place, "must not be used if x-kubernetes-embedded-resource is set"));
        }
    }
    extensions(schema, path, errors);
    let first_of_all = schema.list("allOf").next().unwrap_or(View::ABSENT);
    let skip = Skip { any: is_int_or_string(schema), any_of_first: is_int_or_string(first_of_all) };
    value_validation(schema, skip, path, errors);
    own_type(schema, level, path, errors);
    if level == Level::Root || is_embedded {
        for name in ["kind", "apiVersion"] {
            let property = properties.get(name);
            if property.exists() && property.str("type") != "string" {
                let place = list.key(name);
                errors.push(Error::invalid(&place.child("type"), property.str("type"), "must be string"));
            }
        }
        let metadata = properties.get("metadata");
        if metadata.exists() {
            metadata_of(metadata, level, &list.key("metadata"), errors);
        }
    }
    if is_embedded && !schema.bool("x-kubernetes-preserve-unknown-fields") && properties.is_empty() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.push(Error::required(&list, detail));
    }
}

fn own_type(schema: View<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let (kind, place) = (schema.str("type"), path.child("type"));
    let may_lack = schema.bool("x-kubernetes-int-or-string") || schema.bool("x-kubernetes-preserve-unknown-fields");
    if schema.bool("x-kubernetes-embedded-resource") && kind != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match kind {
            "" => Error::required(&place, detail),
            _ => Error::invalid(&place, kind, detail),
        });
    } else if kind.is_empty() && !may_lack {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(Error::required(&place, detail));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(Error::invalid(&place, kind, "must be object at the root"));
    }
}

/// At the root, metadata may only restrict the name.
fn metadata_of(metadata: View<'_>, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let kind = metadata.str("type");
    if kind != "object" {
        errors.push(Error::invalid(&path.child("type"), kind, "must be object"));
    }
    let names_only = metadata.get("properties").entries().all(|(name, _)| matches!(name, "name" | "generateName"));
    let nothing_else = metadata.entries().all(|(name, _)| matches!(name, "type" | "default" | "properties"));
    if level == Level::Root && !(names_only && nothing_else) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(Error::forbidden(path, detail));
    }
}

fn extensions(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !schema.bool("x-kubernetes-int-or-string") {
        return;
    }
    for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if schema.bool(name) {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            errors.push(Error::invalid(&path.child(name), true, detail));
        }
    }
}

/// What stands for an integer or a text, and is let through for it.
#[derive(Clone, Copy, Default)]
struct Skip {
    any: bool,
    any_of_first: bool,
}

fn is_int_or_string(schema: View<'_>) -> bool {
    schema.get("anyOf").same(View::from(&json!([{"type": "integer"}, {"type": "string"}])))
}

fn value_validation(schema: View<'_>, skip: Skip, path: &Path<'_>, errors: &mut Errors) {
    for name in ["anyOf", "allOf", "oneOf"] {
        if name == "anyOf" && skip.any {
            continue;
        }
        let list = path.child(name);
        for (index, part) in schema.list(name).enumerate() {
            let skip = Skip { any: name == "allOf" && index == 0 && skip.any_of_first, any_of_first: false };
            nested(part, skip, &list.index(index), errors);
        }
    }
    if schema.has("not") {
        nested(schema.get("not"), Skip::default(), &path.child("not"), errors);
    }
    let pattern = schema.str("pattern");
    if let Some(fault) = pattern::fault(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: error parsing regexp: {fault}");
        errors.push(Error::invalid(&path.child("pattern"), pattern, detail));
    }
}

fn nested(schema: View<'_>, skip: Skip, path: &Path<'_>, errors: &mut Errors) {
    value_validation(schema, skip, path, errors);
    if schema.has("items") {
        nested(schema.get("items"), Skip::default(), &path.child("items"), errors);
    }
    let list = path.child("properties");
    for (name, property) in schema.get("properties").entries() {
        nested(property, Skip::default(), &list.key(name), errors);
    }
    let forbid = |name: &'static str, state: &str, errors: &mut Errors| {
        errors.push(Error::forbidden(&path.child(name), format!("must be {state} to be structural")));
    };
    for name in ["type", "title", "description"] {
        if !schema.str(name).is_empty() {
            forbid(name, "empty", errors);
        }
    }
    for name in ["additionalProperties", "default", "x-kubernetes-list-type", "x-kubernetes-map-type"] {
        let value = schema.get(name);
        if value.exists() && !(name == "additionalProperties" && value.value() == Some(&json!(false))) {
            forbid(name, "undefined", errors);
        }
    }
    let switches = [
        "nullable",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ];
    for name in switches.into_iter().filter(|name| schema.bool(name)) {
        forbid(name, "false", errors);
    }
    for name in ["x-kubernetes-list-map-keys", "x-kubernetes-validations"] {
        if !schema.get(name).is_empty() {
            forbid(name, "empty", errors);
        }
    }
    if schema.get("properties").has("metadata") {
        errors.push(Error::forbidden(&list.key("metadata"), "must not be specified in a nested context"));
    }
}

/// What values are held against must be declared, too.
fn complete_values(values: View<'_>, schema: View<'_>, place: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    if values.has("not") {
        complete(values.get("not"), schema, place, &path.child("not"), errors);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        let list = path.child(name);
        for (index, part) in values.list(name).enumerate() {
            complete(part, schema, place, &list.index(index), errors);
        }
    }
}

fn complete(values: View<'_>, schema: View<'_>, place: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !schema.exists() {
        errors.push(Error::required(place, format!("because it is defined in {path}")));
        return;
    }
    complete_values(values, schema, place, path, errors);
    if values.has("items") {
        complete(values.get("items"), schema.get("items"), &place.child("items"), &path.child("items"), errors);
    }
    let (places, paths) = (place.child("properties"), path.child("properties"));
    for (name, property) in values.get("properties").entries() {
        complete(property, schema.get("properties").get(name), &places.key(name), &paths.key(name), errors);
    }
}

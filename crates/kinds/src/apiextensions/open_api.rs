//! What a schema may say at all.

use super::{field_path, shown};
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::BTreeSet;

const KINDS: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// What may stand at the root beside a status, with its name in upstream's internal form.
const AT_ROOT: &[(&str, &str)] = &[
    ("description", "Description"),
    ("type", "Type"),
    ("format", "Format"),
    ("title", "Title"),
    ("maximum", "Maximum"),
    ("exclusiveMaximum", "ExclusiveMaximum"),
    ("minimum", "Minimum"),
    ("exclusiveMinimum", "ExclusiveMinimum"),
    ("maxLength", "MaxLength"),
    ("minLength", "MinLength"),
    ("pattern", "Pattern"),
    ("maxItems", "MaxItems"),
    ("minItems", "MinItems"),
    ("uniqueItems", "UniqueItems"),
    ("multipleOf", "MultipleOf"),
    ("required", "Required"),
    ("items", "Items"),
    ("properties", "Properties"),
    ("externalDocs", "ExternalDocs"),
    ("example", "Example"),
    ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"),
    ("x-kubernetes-validations", "XValidations"),
];

/// Validates the root of a schema of which the status is validated by itself.
pub(super) fn validate_root_with_status(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let place = path.child("openAPIV3Schema");
    let kind = schema.str("type");
    if !kind.is_empty() && kind != "object" {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is \
                      enabled";
        errors.push(Error::invalid(&place.child("type"), kind, detail));
        return;
    }
    let is_set = |value: View<'_>| value.value().is_some_and(|value| value.as_bool() != Some(false));
    let allowed = |name: &str| AT_ROOT.iter().any(|(known, _)| *known == name);
    if schema.entries().any(|(name, value)| is_set(value) && !allowed(name)) {
        let names: Vec<&str> = AT_ROOT.iter().map(|(_, name)| *name).collect();
        let detail = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            names.join(" ")
        );
        errors.push(Error::invalid_shown(&place, shown::schema(schema), detail));
    }
}

/// Validates a whole schema.
pub(super) fn validate(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    walk(schema, Around { is_root: true, inside_meta: false, no_default: None }, path, errors);
}

/// Where a schema stands.
#[derive(Clone, Copy)]
struct Around {
    is_root: bool,
    inside_meta: bool,
    /// Why there may be no default.
    no_default: Option<&'static str>,
}

fn walk(schema: View<'_>, around: Around, path: &Path<'_>, errors: &mut Errors) {
    supported(schema, around, path, errors);
    if schema.bool("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(Error::forbidden(&path.child("uniqueItems"), detail));
    }
    let inner = Around { is_root: false, ..around };
    let additional = schema.get("additionalProperties");
    if additional.exists() {
        let place = path.child("additionalProperties");
        let everything = additional.value().and_then(object::Value::as_bool) == Some(true);
        if !schema.get("properties").is_empty() && !everything {
            errors.push(Error::forbidden(&place, "additionalProperties and properties are mutual exclusive"));
        }
        if additional.as_map().is_some() {
            let why = "inside additionalProperties applying to object metadata";
            let no_default = if around.inside_meta { Some(why) } else { around.no_default };
            walk(additional, Around { no_default, ..inner }, &place, errors);
        }
    }
    let list = path.child("properties");
    for (name, property) in schema.get("properties").entries() {
        walk(property, around_property(schema, around, name), &list.key(name), errors);
    }
    if schema.has("not") {
        walk(schema.get("not"), inner, &path.child("not"), errors);
    }
    for name in ["allOf", "oneOf", "anyOf"] {
        let list = path.child(name);
        for (index, part) in schema.list(name).enumerate() {
            walk(part, inner, &list.index(index), errors);
        }
    }
    let (items, place) = (schema.get("items"), path.child("items"));
    if items.as_map().is_some() {
        walk(items, inner, &place, errors);
    }
    for (index, part) in items.as_slice().iter().enumerate() {
        walk(View::from(part), inner, &place.index(index), errors);
    }
    if schema.opt_bool("x-kubernetes-preserve-unknown-fields") == Some(false) {
        let place = path.child("x-kubernetes-preserve-unknown-fields");
        errors.push(Error::invalid(&place, false, "must be true or undefined"));
    }
    map_type(schema, path, errors);
    list_type(schema, path, errors);
    map_keys(schema, path, errors);
    rules(schema, path, errors);
}

fn around_property(schema: View<'_>, around: Around, name: &str) -> Around {
    let top = match name {
        "metadata" => "in top-level metadata",
        "kind" => "in top-level kind",
        "apiVersion" => "in top-level apiVersion",
        _ => return Around { is_root: false, ..around },
    };
    if !around.is_root && !schema.bool("x-kubernetes-embedded-resource") {
        return Around { is_root: false, ..around };
    }
    let no_default = if around.is_root { Some(top) } else { around.no_default };
    Around { is_root: false, inside_meta: true, no_default }
}

fn supported(schema: View<'_>, around: Around, path: &Path<'_>, errors: &mut Errors) {
    let kind = schema.str("type");
    if !kind.is_empty() && !KINDS.contains(&kind) {
        errors.push(Error::not_supported(&path.child("type"), kind, &KINDS));
    }
    if let Some(why) = around.no_default.filter(|_| schema.has("default")) {
        errors.push(Error::forbidden(&path.child("default"), format!("must not be set {why}")));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let value = schema.get(name);
        // What is a list, a map or a text in upstream's form is not there while it is empty; the others are pointers.
        let is_set = match name {
            "id" | "patternProperties" | "definitions" => !value.is_empty(),
            _ => value.exists(),
        };
        if is_set {
            errors.push(Error::forbidden(&path.child(name), format!("{name} is not supported")));
        }
    }
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(Error::forbidden(&path.child("type"), detail));
    }
    if schema.get("items").as_map().is_none() && !schema.get("items").as_slice().is_empty() {
        errors.push(Error::forbidden(&path.child("items"), "items must be a schema object and not an array"));
    }
    if around.inside_meta && schema.bool("x-kubernetes-embedded-resource") {
        let place = path.child("x-kubernetes-embedded-resource");
        errors.push(Error::forbidden(&place, "must not be used inside of resource meta"));
    }
}

/// The type must be `wanted` because of `name`.
fn type_for(schema: View<'_>, wanted: &str, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let (kind, place) = (schema.str("type"), path.child("type"));
    let detail = format!("must be {wanted} if {name} is specified");
    errors.push(match kind {
        "" => Error::required(&place, detail),
        _ => Error::invalid(&place, kind, detail),
    });
}

fn map_type(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const NAME: &str = "x-kubernetes-map-type";
    let Some(map_type) = schema.opt_str(NAME) else { return };
    if schema.str("type") != "object" {
        type_for(schema, "object", NAME, path, errors);
    }
    if !matches!(map_type, "atomic" | "granular") {
        errors.push(Error::not_supported(&path.child(NAME), map_type, &["atomic", "granular"]));
    }
}

fn list_type(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const NAME: &str = "x-kubernetes-list-type";
    let Some(list_type) = schema.opt_str(NAME) else { return };
    let items = schema.get("items");
    if schema.str("type") != "array" {
        type_for(schema, "array", NAME, path, errors);
    } else if list_type == "set" && items.as_map().is_some() {
        let wrong = match items.str("type") {
            "array" => items.opt_str(NAME).filter(|inner| *inner != "atomic").map(|_| NAME),
            "object" => Some("x-kubernetes-map-type").filter(|name| items.str(name) != "atomic"),
            _ => None,
        };
        if let Some(name) = wrong {
            let place = path.child("items");
            let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
            errors.push(Error::invalid(&place.child(name), items.get(NAME).to_value(), detail));
        }
    }
    if !matches!(list_type, "atomic" | "set" | "map") {
        errors.push(Error::not_supported(&path.child(NAME), list_type, &["atomic", "set", "map"]));
    }
}

fn map_keys(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const KEYS: &str = "x-kubernetes-list-map-keys";
    let (list_type, keys) = (schema.opt_str("x-kubernetes-list-type"), schema.get(KEYS));
    if !keys.is_empty() && list_type != Some("map") {
        let place = path.child("x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(match list_type {
            None => Error::required(&place, detail),
            Some(other) => Error::invalid(&place, other, detail),
        });
    }
    let (items, place) = (schema.get("items"), path.child("items"));
    let is_schema = items.as_map().is_some();
    if list_type == Some("map") {
        if keys.is_empty() {
            errors.push(Error::required(&path.child(KEYS), "must not be empty if x-kubernetes-list-type is map"));
        }
        if !items.exists() {
            errors.push(Error::required(&place, "must have a schema if x-kubernetes-list-type is map"));
        } else if !is_schema {
            let detail = "must only have a single schema if x-kubernetes-list-type is map";
            errors.push(Error::invalid(&place, items.to_value(), detail));
        } else if items.str("type") != "object" {
            let detail = "must be object if parent array's x-kubernetes-list-type is map";
            errors.push(Error::invalid(&place.child("type"), items.str("type"), detail));
        } else {
            keys_of_object(keys, items, path, errors);
        }
    }
    if is_schema && matches!(list_type, Some("map" | "set")) {
        values_of_keys(schema, path, errors);
    }
}

fn keys_of_object(keys: View<'_>, items: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (place, list) = (path.child("x-kubernetes-list-map-keys"), path.child("items"));
    let list = list.child("properties");
    let mut seen = BTreeSet::new();
    for key in keys.items().map(View::as_str) {
        let property = items.get("properties").get(key);
        if !property.exists() {
            errors.push(Error::invalid(&place, keys.to_value(), "entries must all be names of item properties"));
        } else if matches!(property.str("type"), "array" | "object") {
            let item = list.key(key);
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.push(Error::invalid(&item.child("type"), items.str("type"), detail));
        }
        if !seen.insert(key) {
            errors.push(Error::invalid(&place, keys.to_value(), "must not contain duplicate entries"));
        }
    }
}

/// Items and keys are always there.
fn values_of_keys(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (items, place) = (schema.get("items"), path.child("items"));
    let list_type = schema.str("x-kubernetes-list-type");
    if items.bool("nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(Error::forbidden(&place.child("nullable"), detail));
    }
    if list_type != "map" {
        return;
    }
    let list = place.child("properties");
    for key in schema.strings("x-kubernetes-list-map-keys") {
        let (property, item) = (items.get("properties").get(key), list.key(key));
        if !property.exists() {
            continue;
        }
        if !items.strings("required").any(|name| name == key) && !property.has("default") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                          property";
            errors.push(Error::required(&item.child("default"), detail));
        }
        if property.bool("nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(Error::forbidden(&item.child("nullable"), detail));
        }
    }
}

fn rules(schema: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("x-kubernetes-validations");
    let breaks = |text: &str| text.contains(['\n', '\r']);
    for (index, rule) in schema.list("x-kubernetes-validations").enumerate() {
        let item = list.index(index);
        let (message, text) = (rule.str("message"), rule.str("rule").trim());
        if text.is_empty() {
            errors.push(Error::required(&item.child("rule"), "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.push(Error::invalid(&item.child("message"), message, "must be non-empty if specified"));
        } else if breaks(message.trim()) {
            errors.push(Error::invalid(&item.child("message"), message, "must not contain line breaks"));
        } else if breaks(text) && message.trim().is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(Error::required(&item.child("message"), detail));
        }
        let expression = rule.str("messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(Error::required(&item.child("messageExpression"), detail));
        }
        if let Some(reason) = rule.opt_str("reason").filter(|reason| !REASONS.contains(reason)) {
            errors.push(Error::not_supported(&item.child("reason"), reason, &REASONS));
        }
        rule_path(schema, rule.str("fieldPath"), &item.child("fieldPath"), errors);
    }
}

fn rule_path(schema: View<'_>, field: &str, path: &Path<'_>, errors: &mut Errors) {
    if field.is_empty() {
        return;
    }
    if field.trim().is_empty() {
        errors.push(Error::invalid(path, field, "must be non-empty if specified"));
    }
    if field.contains(['\n', '\r']) {
        errors.push(Error::invalid(path, field, "must not contain line breaks"));
    }
    if field_path::resolve(field, schema, field_path::Notation::DotsAndBrackets).is_err() {
        errors.push(Error::invalid(path, field, "must be a valid path"));
    }
}

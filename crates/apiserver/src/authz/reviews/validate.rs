//! What is wrong with an access review.

use super::Review;
use object::field::{Error, Errors, Path};
use object::meta::shown_metadata;
use object::names::{is_qualified_name, is_valid_label_value};
use object::{Value, View, json};

/// Everything that is wrong with an access review.
pub(super) fn review(kind: Review<'_>, review: View<'_>) -> Errors {
    let spec = review.get("spec");
    let mut errors = attributes(spec);
    if !matches!(kind, Review::Own { .. }) && spec.str("user").is_empty() && spec.get("groups").is_empty() {
        let path = Path::new("spec");
        errors.push(Error::invalid(&path.child("user"), "", "at least one of user or group must be specified"));
    }
    errors.extend(selectors(spec.get("resourceAttributes")));
    metadata(kind, review.get("metadata"), &mut errors);
    if let Review::Local { .. } = kind {
        local(review, &mut errors);
    }
    errors
}

/// Exactly one of the two must be there.
fn attributes(spec: View<'_>) -> Errors {
    let path = Path::new("spec");
    let other = path.child("nonResourceAttributes");
    match (spec.has("resourceAttributes"), spec.has("nonResourceAttributes")) {
        (true, true) => {
            let why = "cannot be specified in combination with resourceAttributes";
            vec![Error::invalid_shown(&other, shown(spec), why)]
        }
        (false, false) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            vec![Error::invalid(&path.child("resourceAttributes"), Value::Null, why)]
        }
        _ => Errors::new(),
    }
}

/// The path's attributes as upstream's internal type prints.
fn shown(spec: View<'_>) -> String {
    let path = spec.get("nonResourceAttributes");
    json!({ "Path": path.str("path"), "Verb": path.str("verb") }).to_string()
}

fn metadata(kind: Review<'_>, metadata: View<'_>, errors: &mut Errors) {
    let is_local = matches!(kind, Review::Local { .. });
    let is_set = |(name, value): (&str, View<'_>)| {
        name != "managedFields" && !(is_local && name == "namespace") && !value.same(View::ABSENT)
    };
    if metadata.entries().any(is_set) {
        let why = if is_local { "must be empty except for namespace" } else { "must be empty" };
        let shown = format!("{{{}}}", shown_metadata(metadata).join(","));
        errors.push(Error::invalid_shown(&Path::new("metadata"), shown, why));
    }
}

fn local(review: View<'_>, errors: &mut Errors) {
    let (spec, namespace) = (review.get("spec"), review.get("metadata").str("namespace"));
    let path = Path::new("spec");
    let resource = spec.get("resourceAttributes");
    if resource.exists() && resource.str("namespace") != namespace {
        let path = path.child("resourceAttributes");
        let why = "must match metadata.namespace";
        errors.push(Error::invalid(&path.child("namespace"), resource.str("namespace"), why));
    }
    if spec.has("nonResourceAttributes") {
        let path = path.child("nonResourceAttributes");
        errors.push(Error::invalid_shown(&path, shown(spec), "disallowed on this kind of request"));
    }
}

fn selectors(resource: View<'_>) -> Errors {
    let spec = Path::new("spec");
    let path = spec.child("resourceAttributes");
    let mut errors = selector(resource.get("fieldSelector"), &path.child("fieldSelector"), field_term);
    errors.extend(selector(resource.get("labelSelector"), &path.child("labelSelector"), label_term));
    errors
}

fn selector(selector: View<'_>, path: &Path<'_>, term: fn(View<'_>, &Path<'_>, &mut Errors)) -> Errors {
    let mut errors = Errors::new();
    if !selector.exists() {
        return errors;
    }
    let (raw, terms) = (selector.str("rawSelector"), selector.get("requirements"));
    if !raw.is_empty() && !terms.is_empty() {
        let why = "may not specified at the same time as requirements";
        errors.push(Error::invalid(&path.child("rawSelector"), raw, why));
    }
    if raw.is_empty() && terms.is_empty() {
        let why = format!("when {path} is specified, requirements or rawSelector is required");
        errors.push(Error::required(&path.child("requirements"), why));
    }
    let path = path.child("requirements");
    for (index, item) in terms.items().enumerate() {
        term(item, &path.index(index), &mut errors);
    }
    errors
}

fn field_term(term: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if term.str("key").is_empty() {
        errors.push(Error::required(&path.child("key"), "must be specified"));
    }
    operator(term, path, errors);
}

fn label_term(term: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    operator(term, path, errors);
    let key = term.str("key");
    for why in is_qualified_name(key) {
        errors.push(Error::invalid(&path.child("key"), key, why));
    }
    let values = path.child("values");
    for (index, value) in term.strings("values").enumerate() {
        for why in is_valid_label_value(value) {
            errors.push(Error::invalid(&values.index(index), value, why));
        }
    }
}

/// Unknown operators pass: they come from newer clients.
fn operator(term: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (path, is_empty) = (path.child("values"), term.get("values").is_empty());
    match term.str("operator") {
        "In" | "NotIn" if is_empty => {
            errors.push(Error::required(&path, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !is_empty => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(Error::forbidden(&path, why));
        }
        _ => {}
    }
}

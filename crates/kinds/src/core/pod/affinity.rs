//! Which nodes a pod wants, and beside which pods.

use super::checks::label_name;
use super::options::PodOptions;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::{View, names};
use std::collections::{HashMap, HashSet};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NOT_AN_OPERATOR: &str = "not a valid selector operator";

/// Validates node and pod affinity.
pub(super) fn validate(affinity: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    let node = affinity.get("nodeAffinity");
    if node.exists() {
        let path = path.child("nodeAffinity");
        if node.has(REQUIRED) {
            let any_values = options.invalid_node_affinity_values;
            validate_node_selector(node.get(REQUIRED), any_values, &path.child(REQUIRED), errors);
        }
        let list = path.child(PREFERRED);
        for (index, term) in node.list(PREFERRED).enumerate() {
            let path = list.index(index);
            validate_weight(term, &path, errors);
            validate_node_selector_term(term.get("preference"), true, &path.child("preference"), errors);
        }
    }
    for name in ["podAffinity", "podAntiAffinity"] {
        validate_pod_affinity(affinity.get(name), options, &path.child(name), errors);
    }
}

fn validate_weight(term: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let weight = term.int("weight");
    if !(1..=100).contains(&weight) {
        errors.push(Error::invalid(&path.child("weight"), weight, "must be in the range 1-100"));
    }
}

fn validate_pod_affinity(affinity: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child(REQUIRED);
    for (index, term) in affinity.list(REQUIRED).enumerate() {
        validate_pod_term(term, options, &list.index(index), errors);
    }
    let list = path.child(PREFERRED);
    for (index, weighted) in affinity.list(PREFERRED).enumerate() {
        let path = list.index(index);
        validate_weight(weighted, &path, errors);
        validate_pod_term(weighted.get("podAffinityTerm"), options, &path.child("podAffinityTerm"), errors);
    }
}

fn validate_pod_term(term: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    validate_selectors(term, options.invalid_affinity_selectors, path, errors);
    for namespace in term.strings("namespaces") {
        for message in names::name_is_dns_label(namespace, false) {
            errors.push(Error::invalid(&path.child("namespace"), namespace, message));
        }
    }
    validate_label_keys(term, path, errors);
    let key = term.str("topologyKey");
    if key.is_empty() {
        errors.push(Error::required(&path.child("topologyKey"), "can not be empty"));
    }
    label_name(key, &path.child("topologyKey"), errors);
}

fn validate_selectors(term: View<'_>, any_values: bool, path: &Path<'_>, errors: &mut Errors) {
    let options = SelectorOptions { allow_invalid_values: any_values, ..Default::default() };
    for name in ["labelSelector", "namespaceSelector"] {
        errors.extend(validate_label_selector(term.get(name), options, &path.child(name)));
    }
}

/// Validates `matchLabelKeys` and `mismatchLabelKeys` against the selector that they were merged into.
pub(super) fn validate_label_keys(term: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let selector = term.get("labelSelector");
    for name in ["matchLabelKeys", "mismatchLabelKeys"] {
        let list = path.child(name);
        if !selector.exists() && !term.get(name).is_empty() {
            errors.push(Error::forbidden(&list, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (index, key) in term.strings(name).enumerate() {
            label_name(key, &list.index(index), errors);
        }
    }
    let places: HashMap<&str, usize> = term.strings("matchLabelKeys").enumerate().map(|(i, key)| (key, i)).collect();
    let mut keys: HashSet<&str> = selector.get("matchLabels").entries().map(|(key, _)| key).collect();
    for key in selector.list("matchExpressions").map(|expression| expression.str("key")) {
        // The key that was merged in is there once; a second time means that the client had it too.
        if let Some(place) = places.get(key).filter(|_| keys.contains(key)) {
            errors.push(Error::invalid(&path.index(*place), key, "exists in both matchLabelKeys and labelSelector"));
        }
        keys.insert(key);
    }
    let mismatched: HashSet<&str> = term.strings("mismatchLabelKeys").collect();
    let list = path.child("matchLabelKeys");
    for (index, key) in term.strings("matchLabelKeys").enumerate().filter(|(_, key)| mismatched.contains(key)) {
        let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(Error::invalid(&list.index(index), key, detail));
    }
}

/// Validates a `NodeSelector`; `any_values`: values need not be valid label values.
pub(crate) fn validate_node_selector(selector: View<'_>, any_values: bool, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("nodeSelectorTerms");
    if selector.get("nodeSelectorTerms").is_empty() {
        return errors.push(Error::required(&list, "must have at least one node selector term"));
    }
    for (index, term) in selector.list("nodeSelectorTerms").enumerate() {
        validate_node_selector_term(term, any_values, &list.index(index), errors);
    }
}

fn validate_node_selector_term(term: View<'_>, any_values: bool, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("matchExpressions");
    for (index, requirement) in term.list("matchExpressions").enumerate() {
        validate_node_requirement(requirement, any_values, &list.index(index), errors);
    }
    let list = path.child("matchFields");
    for (index, requirement) in term.list("matchFields").enumerate() {
        validate_field_requirement(requirement, &list.index(index), errors);
    }
}

fn validate_node_requirement(requirement: View<'_>, any_values: bool, path: &Path<'_>, errors: &mut Errors) {
    let values = requirement.get("values");
    let at = path.child("values");
    match requirement.str("operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(Error::required(&at, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.push(Error::forbidden(&at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            errors.push(Error::required(&at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, NOT_AN_OPERATOR)),
    }
    label_name(requirement.str("key"), &path.child("key"), errors);
    if any_values {
        return;
    }
    for (index, value) in values.items().map(View::as_str).enumerate() {
        for message in names::is_valid_label_value(value) {
            errors.push(Error::invalid(&at.index(index), value, message));
        }
    }
}

fn validate_field_requirement(requirement: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("values");
    match requirement.str("operator") {
        "In" | "NotIn" if requirement.get("values").len() != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.push(Error::required(&at, detail));
        }
        "In" | "NotIn" => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, NOT_AN_OPERATOR)),
    }
    let key = requirement.str("key");
    if key != "metadata.name" {
        return errors.push(Error::invalid(&path.child("key"), key, "not a valid field selector key"));
    }
    for (index, value) in requirement.strings("values").enumerate() {
        for message in names::name_is_dns_subdomain(value, false) {
            errors.push(Error::invalid(&at.index(index), value, message));
        }
    }
}

/// True if a selector of pod affinity breaks the rules for selectors.
pub(super) fn has_invalid_selector(affinity: View<'_>) -> bool {
    let mut errors = Errors::new();
    for affinity in [affinity.get("podAffinity"), affinity.get("podAntiAffinity")] {
        let preferred = affinity.list(PREFERRED).map(|weighted| weighted.get("podAffinityTerm"));
        for term in affinity.list(REQUIRED).chain(preferred) {
            validate_selectors(term, false, &Path::root(), &mut errors);
        }
    }
    !errors.is_empty()
}

/// True if required node affinity holds values that no label can have.
pub(super) fn has_invalid_required_value(affinity: View<'_>) -> bool {
    let terms = affinity.get("nodeAffinity").get(REQUIRED).list("nodeSelectorTerms");
    terms
        .flat_map(|term| term.list("matchExpressions"))
        .flat_map(|requirement| requirement.strings("values"))
        .any(|value| !names::is_valid_label_value(value).is_empty())
}

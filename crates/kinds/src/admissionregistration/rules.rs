//! Which requests a webhook or policy is asked about.

use crate::change::{existing, set_default};
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::names::is_path_segment_name;
use object::{Map, Value, View, json};
use std::collections::BTreeSet;

const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const MUTATING_OPERATIONS: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];

/// Fills the defaults of a map that holds selectors and a match policy.
pub(super) fn default_matching(map: &mut Map) {
    set_default(map, "matchPolicy", "Equivalent");
    set_default(map, "namespaceSelector", json!({}));
    set_default(map, "objectSelector", json!({}));
}

/// Fills the defaults of the resource rules in a list.
pub(super) fn default_rules(list: Option<&mut Value>) {
    for rule in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(rule) = existing(rule, &[]) {
            set_default(rule, "scope", "*");
        }
    }
}

/// Fills the defaults of what a policy or binding matches.
pub(super) fn default_match_resources(matched: Option<&mut Value>) {
    let Some(matched) = matched.and_then(Value::as_object_mut) else { return };
    default_matching(matched);
    for list in ["resourceRules", "excludeResourceRules"] {
        default_rules(matched.get_mut(list));
    }
}

/// Validates `failurePolicy` if it is set.
pub(super) fn validate_failure_policy(parent: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    one_of(parent, "failurePolicy", &FAILURE_POLICIES, path, errors);
}

/// Validates `matchPolicy` if it is set.
pub(super) fn validate_match_policy(parent: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    one_of(parent, "matchPolicy", &MATCH_POLICIES, path, errors);
}

/// Validates a text that is one of a few if it is set.
pub(super) fn one_of(parent: View<'_>, name: &str, supported: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if let Some(value) = parent.opt_str(name).filter(|value| !supported.contains(value)) {
        errors.push(Error::not_supported(&path.child(name), value, supported));
    }
}

/// Validates what a policy or binding matches.
pub(super) fn validate_match_resources(matched: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !matched.exists() {
        return;
    }
    if matched.has("matchPolicy") {
        validate_match_policy(matched, path, errors);
    } else {
        errors.push(Error::required(&path.child("matchPolicy"), ""));
    }
    for name in ["namespaceSelector", "objectSelector"] {
        let (selector, place) = (matched.get(name), path.child(name));
        if selector.exists() {
            errors.extend(validate_label_selector(selector, SelectorOptions::default(), &place));
        } else {
            errors.push(Error::required(&place, ""));
        }
    }
    for name in ["resourceRules", "excludeResourceRules"] {
        let list = path.child(name);
        for (index, rule) in matched.list(name).enumerate() {
            let place = list.index(index);
            validate_names(rule, &place.child("resourceNames"), errors);
            validate_rule(rule, &place, errors);
        }
    }
}

/// Mutation has no use for deletions.
pub(super) fn validate_mutating_operations(matched: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let path = path.child("resourceRules");
    let path = path.child("operations");
    for operation in matched.list("resourceRules").flat_map(|rule| rule.strings("operations")) {
        if !MUTATING_OPERATIONS.contains(&operation) {
            errors.push(Error::not_supported(&path, operation, &MUTATING_OPERATIONS));
        }
    }
}

fn validate_names(rule: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (index, name) in rule.strings("resourceNames").enumerate() {
        let place = list.index(index);
        errors.extend(is_path_segment_name(name).into_iter().map(|message| Error::invalid(&place, name, message)));
        if !seen.insert(name) {
            errors.push(Error::duplicate(&place, name));
        }
    }
}

/// Validates a rule with its operations.
pub(super) fn validate_rule(rule: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let operations = path.child("operations");
    validate_list(rule.get("operations"), "operations", &operations, errors);
    for (index, operation) in rule.strings("operations").enumerate() {
        if !OPERATIONS.contains(&operation) {
            errors.push(Error::not_supported(&operations.index(index), operation, &OPERATIONS));
        }
    }
    validate_list(rule.get("apiGroups"), "API groups", &path.child("apiGroups"), errors);
    let versions = path.child("apiVersions");
    validate_list(rule.get("apiVersions"), "API versions", &versions, errors);
    for (index, _) in rule.strings("apiVersions").enumerate().filter(|(_, version)| version.is_empty()) {
        errors.push(Error::required(&versions.index(index), ""));
    }
    validate_resources(rule.get("resources"), &path.child("resources"), errors);
    one_of(rule, "scope", &SCOPES, path, errors);
}

/// A list that must not be empty, and in which `*` stands alone.
fn validate_list(list: View<'_>, what: &str, path: &Path<'_>, errors: &mut Errors) {
    if list.is_empty() {
        errors.push(Error::required(path, ""));
    }
    if list.len() > 1 && list.items().any(|item| item.as_str() == "*") {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.push(Error::invalid(path, list.to_value(), detail));
    }
}

fn validate_resources(list: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if list.is_empty() {
        errors.push(Error::required(path, ""));
    }
    let (mut whole_resources, mut whole_subresources) = (BTreeSet::new(), BTreeSet::new());
    // Upstream remembers only whether the last one without subresource was a plain name.
    let mut plain = false;
    for (index, item) in list.items().map(View::as_str).enumerate() {
        let place = path.index(index);
        if item.is_empty() {
            errors.push(Error::required(&place, ""));
            continue;
        }
        let Some((resource, sub)) = item.split_once('/') else {
            plain = item != "*";
            continue;
        };
        if whole_resources.contains(resource) {
            let detail = format!("if '{resource}/*' is present, must not specify {item}");
            errors.push(Error::invalid(&place, item, detail));
        }
        if whole_subresources.contains(sub) {
            let detail = format!("if '*/{sub}' is present, must not specify {item}");
            errors.push(Error::invalid(&place, item, detail));
        }
        if sub == "*" {
            whole_resources.insert(resource);
        }
        if resource == "*" {
            whole_subresources.insert(sub);
        }
    }
    let has = |text: &str| list.items().any(|item| item.as_str() == text);
    if list.len() > 1 && has("*/*") {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.push(Error::invalid(path, list.to_value(), detail));
    }
    if has("*") && plain {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.push(Error::invalid(path, list.to_value(), detail));
    }
}

//! Bindings of admission policies to what they are asked about, and with which parameters.

use super::rules;
use crate::change::{at, count_generation, set_generation};
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector, validate_object_meta};
use object::names::{is_path_segment_name, name_is_dns_subdomain};
use object::{Value, View};
use std::collections::BTreeSet;

const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];

/// Rules of bindings of validating policies.
pub(super) const VALIDATING: Binding = Binding { mutating: false };
/// Rules of bindings of mutating policies.
pub(super) const MUTATING: Binding = Binding { mutating: true };

/// Rules of either kind.
pub(super) struct Binding {
    mutating: bool,
}

impl Strategy for Binding {
    fn defaults(&self, object: &mut Value) {
        rules::default_match_resources(at(object, &["spec", "matchResources"]));
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let meta = object.get("metadata");
        let mut errors = validate_object_meta(meta, false, name_is_dns_subdomain, &Path::new("metadata"));
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        let (policy, place) = (spec.str("policyName"), path.child("policyName"));
        if policy.is_empty() {
            errors.push(Error::required(&place, ""));
        } else {
            let messages = name_is_dns_subdomain(policy, false);
            errors.extend(messages.into_iter().map(|message| Error::invalid(&place, policy, message)));
        }
        validate_parameters(spec.get("paramRef"), &path.child("paramRef"), &mut errors);
        let (matched, place) = (spec.get("matchResources"), path.child("matchResources"));
        rules::validate_match_resources(matched, &place, &mut errors);
        if self.mutating {
            rules::validate_mutating_operations(matched, &place, &mut errors);
        } else {
            validate_actions(spec.get("validationActions"), &path.child("validationActions"), &mut errors);
        }
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        self.validate(object)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const POLICY: &str = "PolicyName indicates the policy definition which the policy binding binded to";
        const PARAMS: &str = "ParamRef indicates the param resource which sets the configuration param";
        &[
            Column::NAME,
            Column { name: "PolicyName", kind: "string", format: "", description: POLICY, priority: 0 },
            Column { name: "ParamRef", kind: "string", format: "", description: PARAMS, priority: 0 },
            Column::AGE,
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        vec![
            meta.str("name").into(),
            spec.str("policyName").into(),
            show_parameters(spec.get("paramRef")).into(),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

fn show_parameters(parameters: View<'_>) -> String {
    let (namespace, name) = (parameters.str("namespace"), parameters.str("name"));
    if !name.is_empty() {
        return format!("{}/{name}", if namespace.is_empty() { "*" } else { namespace });
    }
    if parameters.has("selector") { show_go_selector(parameters.get("selector")) } else { "<unset>".to_owned() }
}

/// A selector as its generated Go type prints itself.
fn show_go_selector(selector: View<'_>) -> String {
    let labels: String =
        selector.get("matchLabels").entries().map(|(key, value)| format!("{key}: {},", value.as_str())).collect();
    let requirement = |item: View<'_>| {
        let values: Vec<&str> = item.strings("values").collect();
        let (key, operator) = (item.str("key"), item.str("operator"));
        format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},", values.join(" "))
    };
    let expressions: String = selector.list("matchExpressions").map(requirement).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

fn validate_parameters(parameters: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !parameters.exists() {
        return;
    }
    let (name, selector) = (parameters.str("name"), parameters.get("selector"));
    let both = !name.is_empty() && selector.exists();
    let place = path.child("name");
    errors.extend(is_path_segment_name(name).into_iter().map(|message| Error::invalid(&place, name, message)));
    if both {
        errors.push(Error::forbidden(&place, "name and selector are mutually exclusive"));
    }
    let place = path.child("selector");
    errors.extend(validate_label_selector(selector, SelectorOptions::default(), &place));
    if both {
        errors.push(Error::forbidden(&place, "name and selector are mutually exclusive"));
    }
    if name.is_empty() && !selector.exists() {
        errors.push(Error::required(path, "one of name or selector must be specified"));
    }
    let place = path.child("parameterNotFoundAction");
    match parameters.str("parameterNotFoundAction") {
        "" => errors.push(Error::required(&place, "")),
        "Deny" | "Allow" => {}
        other => errors.push(Error::not_supported(&place, other, &["Deny", "Allow"])),
    }
}

fn validate_actions(actions: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (index, action) in actions.items().map(View::as_str).enumerate() {
        if !ACTIONS.contains(&action) {
            errors.push(Error::not_supported(&path.index(index), action, &ACTIONS));
        }
        if !seen.insert(action) {
            errors.push(Error::duplicate(&path.index(index), action));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the \
                      API response and headers serves no purpose)";
        errors.push(Error::invalid(path, actions.to_value(), detail));
    }
    if seen.is_empty() {
        errors.push(Error::required(path, "at least one validation action is required"));
    }
}

//! ResourceQuota. Counting is a controller's work, refusing admission's.

use super::resource_names::{is_standard_quota, validate_quota_resource_name, validate_resource_amount};
use crate::change;
use crate::checks::{meta, meta_update};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::FIELD_IMMUTABLE;
use object::names::name_is_dns_subdomain;
use object::quantity::Quantity;
use object::{Value, View, json};
use std::collections::BTreeSet;

/// The rules of quotas.
pub(super) struct ResourceQuota;
/// The rules of `resourcequotas/status`.
struct Status;

const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

impl Strategy for ResourceQuota {
    fn defaults(&self, object: &mut Value) {
        for (part, list) in [("spec", "hard"), ("status", "hard"), ("status", "used")] {
            change::round_resources(object.get_mut(part).and_then(|part| part.get_mut(list)));
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        change::clear(object, "status");
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        errors.extend(validate_spec(object.get("spec")));
        errors.extend(validate_status(object.get("status")));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let hard = object.at(&["spec", "hard"]);
        ["cpu", "memory", "storage", "ephemeral-storage"].iter().filter_map(|name| warning(hard, name)).collect()
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate_spec(object.get("spec")));
        let set = |spec: View<'_>| spec.strings("scopes").map(str::to_owned).collect::<BTreeSet<String>>();
        if set(object.get("spec")) != set(old.get("spec")) {
            let path = Path::new("spec");
            let shown = object.at(&["spec", "scopes"]).to_value();
            errors.push(Error::invalid(&path.child("scopes"), shown, FIELD_IMMUTABLE));
        }
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text(
                    "Request",
                    "Request represents a minimum amount of cpu/memory that a container may consume.",
                ),
                Column::text(
                    "Limit",
                    "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
                ),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let status = object.get("status");
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (name, hard) in status.get("hard").entries() {
            let used = Quantity::from_view(status.get("used").get(name));
            let cell = format!("{name}: {used}/{}", Quantity::from_view(hard));
            if name.starts_with("limits.") { &mut limits } else { &mut requests }.push(cell);
        }
        vec![name(object), requests.join(", ").into(), limits.join(", ").into(), object_age(object, now)]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        if object.get("metadata").str("resourceVersion").is_empty() {
            errors.push(Error::required(&Path::new("resourceVersion"), ""));
        }
        errors.extend(validate_status(object.get("status")));
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn validate_spec(spec: View<'_>) -> Errors {
    let path = Path::new("spec");
    let mut errors = validate_amounts(spec.get("hard"), &path.child("hard"));
    errors.extend(validate_scopes(spec, &path.child("scopes")));
    errors.extend(validate_selector(spec, &path));
    errors
}

fn validate_status(status: View<'_>) -> Errors {
    let path = Path::new("status");
    let mut errors = validate_amounts(status.get("hard"), &path.child("hard"));
    errors.extend(validate_amounts(status.get("used"), &path.child("used")));
    errors
}

fn validate_amounts(amounts: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for (name, amount) in amounts.entries() {
        let path = path.key(name);
        errors.extend(validate_quota_resource_name(name, &path));
        errors.extend(validate_resource_amount(name, &Quantity::from_view(amount), &path));
    }
    errors
}

fn validate_scopes(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let shown = || spec.get("scopes").to_value();
    for scope in spec.strings("scopes") {
        if !SCOPES.contains(&scope) {
            errors.push(Error::invalid(path, shown(), "unsupported scope"));
        }
        for _ in misplaced(spec, scope) {
            errors.push(Error::invalid(path, shown(), "unsupported scope applied to resource"));
        }
    }
    let conflicts = conflicts(&spec.strings("scopes").collect());
    errors.extend((0..conflicts).map(|_| Error::invalid(path, shown(), "conflicting scopes")));
    errors
}

fn validate_selector(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if !spec.has("scopeSelector") {
        return errors;
    }
    let selector = spec.get("scopeSelector");
    let path = path.child("scopeSelector");
    let path = path.child("matchExpressions");
    for requirement in selector.list("matchExpressions") {
        let (scope, operator) = (requirement.str("scopeName"), requirement.str("operator"));
        if !SCOPES.contains(&scope) {
            errors.push(Error::invalid(&path.child("scopeName"), scope, "unsupported scope"));
        }
        for _ in misplaced(spec, scope) {
            let why = "unsupported scope applied to resource";
            errors.push(Error::invalid_shown(&path, show_selector(selector), why));
        }
        let plain = !matches!(scope, "PriorityClass" | "VolumeAttributesClass") && SCOPES.contains(&scope);
        if plain && operator != "Exists" {
            let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(Error::invalid(&path.child("operator"), operator, why));
        }
        let (values, place) = (requirement.get("values"), path.child("values"));
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(Error::required(&place, why));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(Error::invalid(&place, values.to_value(), why));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.push(Error::invalid(&path.child("operator"), other, "not a valid selector operator")),
        }
    }
    let conflicts = conflicts(&selector.list("matchExpressions").map(|entry| entry.str("scopeName")).collect());
    let shown = spec.get("scopes").to_value();
    errors.extend((0..conflicts).map(|_| Error::invalid(&path, shown.clone(), "conflicting scopes")));
    errors
}

/// The limited resources to which the scope does not apply.
fn misplaced<'a>(spec: View<'a>, scope: &'a str) -> impl Iterator<Item = &'a str> {
    let names = spec.get("hard").entries().map(|(name, _)| name);
    names.filter(move |name| is_standard_quota(name) && !applies(scope, name))
}

fn applies(scope: &str, name: &str) -> bool {
    let compute =
        matches!(name, "cpu" | "memory" | "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory");
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            name == "pods" || compute
        }
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => matches!(name, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}

/// Number of pairs of scopes that exclude each other.
fn conflicts(scopes: &BTreeSet<&str>) -> usize {
    let both = |a: &str, b: &str| scopes.contains(a) && scopes.contains(b);
    usize::from(both("BestEffort", "NotBestEffort")) + usize::from(both("Terminating", "NotTerminating"))
}

/// The selector as upstream shows it, with Go's field names.
fn show_selector(selector: View<'_>) -> String {
    let shown: Vec<String> = selector
        .list("matchExpressions")
        .map(|requirement| {
            let values = requirement.get("values").to_value();
            let (scope, operator) = (json!(requirement.str("scopeName")), json!(requirement.str("operator")));
            format!("{{\"ScopeName\":{scope},\"Operator\":{operator},\"Values\":{values}}}")
        })
        .collect();
    format!("{{\"MatchExpressions\":[{}]}}", shown.join(","))
}

/// A quota should not ask for more than it limits.
fn warning(hard: View<'_>, name: &str) -> Option<String> {
    let (mut request, limit) = (format!("requests.{name}"), format!("limits.{name}"));
    if !hard.has(&request) && matches!(name, "cpu" | "memory") {
        request = name.to_owned();
    }
    if !hard.has(&request) || !hard.has(&limit) {
        return None;
    }
    let (asked, limited) = (Quantity::from_view(hard.get(&request)), Quantity::from_view(hard.get(&limit)));
    (asked > limited).then(|| format!("ResourceQuota {request} ({asked}) should be less than {limit} ({limited})"))
}

//! Validation of an autoscaler's spec.

use super::metrics;
use crate::checks::nonnegative_quantity;
use object::View;
use object::field::{Error, Errors, Path};
use object::names::is_path_segment_name;
use object::quantity::Quantity;

const MAX_PERIOD: i64 = 1800;
const MAX_WINDOW: i64 = 3600;

/// What a reference's `apiVersion` may be.
#[derive(Clone, Copy)]
pub(super) enum Versions {
    /// Anything.
    Any,
    /// A version with or without a group.
    Core,
    /// A version of a group.
    Grouped,
}

/// Validates a spec; `old` is absent for a new autoscaler.
pub(super) fn validate(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_bounds(spec, old, &path, errors);
    let (target, before) = (spec.get("scaleTargetRef"), old.get("scaleTargetRef"));
    let same = |name: &str| target.str(name) == before.str(name);
    let versions = match target.str("kind") {
        _ if old.exists() && same("apiVersion") && same("kind") => Versions::Any,
        "ReplicationController" => Versions::Core,
        _ => Versions::Grouped,
    };
    validate_reference(target, versions, &path.child("scaleTargetRef"), errors);
    metrics::validate_all(spec, old, &path.child("metrics"), errors);
    let (behavior, place) = (spec.get("behavior"), path.child("behavior"));
    for name in ["scaleUp", "scaleDown"] {
        if behavior.has(name) {
            validate_rules(behavior.get(name), &place.child(name), errors);
        }
    }
}

fn validate_bounds(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (min, max) = (spec.opt_int("minReplicas"), spec.int("maxReplicas"));
    let lowest = if old.opt_int("minReplicas") == Some(0) { 0 } else { 1 };
    if let Some(min) = min.filter(|min| *min < lowest) {
        let detail = format!("must be greater than or equal to {lowest}");
        errors.push(Error::invalid(&path.child("minReplicas"), min, detail));
    }
    let place = path.child("maxReplicas");
    if max == 0 {
        errors.push(Error::required(&place, "must be set and greater than 0"));
    } else if max < 0 {
        errors.push(Error::invalid(&place, max, "must be greater than or equal to 1"));
    }
    if min.is_some_and(|min| max < min) {
        errors.push(Error::invalid(&place, max, "must be greater than or equal to `minReplicas`"));
    }
}

/// Validates a reference to an object of another kind.
pub(super) fn validate_reference(reference: View<'_>, versions: Versions, path: &Path<'_>, errors: &mut Errors) {
    for name in ["kind", "name"] {
        let (text, place) = (reference.str(name), path.child(name));
        if text.is_empty() {
            errors.push(Error::required(&place, ""));
        } else {
            let messages = is_path_segment_name(text);
            errors.extend(messages.into_iter().map(|message| Error::invalid(&place, text, message)));
        }
    }
    if let Some(why) = wrong_version(reference, versions) {
        errors.push(Error::invalid(&path.child("apiVersion"), reference.str("apiVersion"), why));
    }
}

/// What is wrong with the reference's version.
pub(super) fn wrong_version(reference: View<'_>, versions: Versions) -> Option<String> {
    let version = reference.str("apiVersion");
    match (versions, version.matches('/').count()) {
        (Versions::Any, _) => None,
        (_, 2..) => Some(format!("unexpected GroupVersion string: {version}")),
        (Versions::Grouped, 0) => Some("apiVersion must specify API group".to_owned()),
        (Versions::Grouped, _) if version.starts_with('/') => Some("apiVersion must specify API group".to_owned()),
        _ => None,
    }
}

fn validate_rules(rules: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const SELECTIONS: [&str; 3] = ["Disabled", "Max", "Min"];
    let place = path.child("stabilizationWindowSeconds");
    match rules.opt_int("stabilizationWindowSeconds") {
        Some(window @ ..0) => errors.push(Error::invalid(&place, window, "must be greater than or equal to zero")),
        Some(window) if window > MAX_WINDOW => {
            errors.push(Error::invalid(&place, window, "must be less than or equal to 3600"));
        }
        _ => {}
    }
    if let Some(selection) = rules.opt_str("selectPolicy").filter(|selection| !SELECTIONS.contains(selection)) {
        errors.push(Error::not_supported(&path.child("selectPolicy"), selection, &SELECTIONS));
    }
    let list = path.child("policies");
    if rules.get("policies").is_empty() {
        errors.push(Error::required(&list, "must specify at least one Policy"));
    }
    for (index, policy) in rules.list("policies").enumerate() {
        validate_policy(policy, &list.index(index), errors);
    }
    if rules.has("tolerance") {
        let tolerance = Quantity::from_view(rules.get("tolerance"));
        errors.extend(nonnegative_quantity(&tolerance, &path.child("tolerance")));
    }
}

fn validate_policy(policy: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const TYPES: [&str; 2] = ["Percent", "Pods"];
    if !TYPES.contains(&policy.str("type")) {
        errors.push(Error::not_supported(&path.child("type"), policy.str("type"), &TYPES));
    }
    for name in ["value", "periodSeconds"] {
        if policy.int(name) <= 0 {
            errors.push(Error::invalid(&path.child(name), policy.int(name), "must be greater than zero"));
        }
    }
    let period = policy.int("periodSeconds");
    if period > MAX_PERIOD {
        errors.push(Error::invalid(&path.child("periodSeconds"), period, "must be less than or equal to 1800"));
    }
}

//! How evenly pods are spread over the topology.

use super::affinity::validate_label_keys;
use super::checks::{NOT_POSITIVE, label_name, one_of};
use super::options::PodOptions;
use object::View;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use std::collections::{HashMap, HashSet};

/// Validates all constraints.
pub(super) fn validate(spec: View<'_>, options: &PodOptions, list: &Path<'_>, errors: &mut Errors) {
    let constraints = spec.list("topologySpreadConstraints");
    let kind = |constraint: View<'_>| {
        (constraint.str("topologyKey").to_owned(), constraint.str("whenUnsatisfiable").to_owned())
    };
    let mut left: HashMap<(String, String), usize> = HashMap::new();
    for constraint in constraints.clone() {
        *left.entry(kind(constraint)).or_default() += 1;
    }
    for (index, constraint) in constraints.enumerate() {
        let path = list.index(index);
        validate_basics(constraint, &path, errors);
        let (topology, action) = kind(constraint);
        let shown = format!("{{{topology}, {action}}}");
        if let Some(left) = left.get_mut(&(topology, action)) {
            *left -= 1;
            if *left > 0 {
                errors.push(Error::duplicate(&path.child("{topologyKey, whenUnsatisfiable}"), shown));
            }
        }
        validate_policies(constraint, &path, errors);
        if options.old_spread_label_keys {
            validate_label_keys_as_before(constraint, &path.child("matchLabelKeys"), errors);
        } else {
            validate_label_keys(constraint, &path, errors);
        }
        if !options.invalid_spread_selectors {
            let (selector, at) = (constraint.get("labelSelector"), path.child("labelSelector"));
            errors.extend(validate_label_selector(selector, SelectorOptions::default(), &at));
        }
    }
}

fn validate_basics(constraint: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    positive(constraint.int("maxSkew"), &path.child("maxSkew"), errors);
    if constraint.str("topologyKey").is_empty() {
        errors.push(Error::required(&path.child("topologyKey"), "can not be empty"));
    }
    let action = constraint.str("whenUnsatisfiable");
    one_of(action, &["DoNotSchedule", "ScheduleAnyway"], &path.child("whenUnsatisfiable"), errors);
}

fn validate_policies(constraint: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if let Some(domains) = constraint.opt_int("minDomains") {
        let path = path.child("minDomains");
        positive(domains, &path, errors);
        let action = constraint.str("whenUnsatisfiable");
        if action != "DoNotSchedule" {
            let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            errors.push(Error::invalid(&path, domains, detail));
        }
    }
    for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
        if let Some(policy) = constraint.opt_str(name) {
            one_of(policy, &["Honor", "Ignore"], &path.child(name), errors);
        }
    }
}

fn positive(value: i64, path: &Path<'_>, errors: &mut Errors) {
    if value <= 0 {
        errors.push(Error::invalid(path, value, NOT_POSITIVE));
    }
}

/// The rule of the time before label keys were merged into the selector.
fn validate_label_keys_as_before(constraint: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    if constraint.get("matchLabelKeys").is_empty() {
        return;
    }
    let selector = constraint.get("labelSelector");
    if !selector.exists() {
        errors.push(Error::forbidden(list, "must not be specified when labelSelector is not set"));
    }
    let expressions = selector.list("matchExpressions").map(|expression| expression.str("key"));
    let keys: HashSet<&str> = selector.get("matchLabels").entries().map(|(key, _)| key).chain(expressions).collect();
    for (index, key) in constraint.strings("matchLabelKeys").enumerate() {
        label_name(key, &list.index(index), errors);
        if keys.contains(key) {
            errors.push(Error::invalid(&list.index(index), key, "exists in both matchLabelKeys and labelSelector"));
        }
    }
}

/// True if a constraint has a selector that breaks the rules for selectors.
pub(super) fn has_invalid_selector(spec: View<'_>) -> bool {
    spec.list("topologySpreadConstraints").any(|constraint| {
        !validate_label_selector(constraint.get("labelSelector"), SelectorOptions::default(), &Path::root()).is_empty()
    })
}

/// True if a constraint has label keys that break the rules.
pub(super) fn has_invalid_label_keys(spec: View<'_>) -> bool {
    let mut errors = Errors::new();
    for constraint in spec.list("topologySpreadConstraints") {
        validate_label_keys(constraint, &Path::root(), &mut errors);
    }
    !errors.is_empty()
}

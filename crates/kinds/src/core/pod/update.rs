//! What may change in a pod, and the message for what may not.

mod diff;
mod gated;

use super::options::PodOptions;
use super::same::same;
use super::{dump, profiles, spec, tolerations};
use crate::checks;
use object::field::{Error, Errors, Path};
use object::{Value, View, names};
use std::collections::HashSet;

const MAY_CHANGE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
     `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
     `spec.tolerations` (only additions to existing tolerations),\
     `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Validates a changed pod.
pub(super) fn validate(pod: View<'_>, old: View<'_>) -> Errors {
    let options = PodOptions::for_pod(old);
    let mut errors = validate_meta_and_spec(pod, old, &options);
    validate_annotations(pod, old, &options, &mut errors);
    let (new_spec, old_spec) = (pod.get("spec"), old.get("spec"));
    let path = Path::new("spec");
    for list in ["containers", "initContainers"] {
        if !validate_containers(new_spec.get(list), old_spec.get(list), &path.child(list), &mut errors) {
            return errors;
        }
    }
    if !validate_deadline(new_spec, old_spec, &path.child("activeDeadlineSeconds"), &mut errors) {
        return errors;
    }
    let (new, old) = (new_spec.get("tolerations"), old_spec.get("tolerations"));
    tolerations::validate_additions(new, old, &options, &path.child("tolerations"), &mut errors);
    validate_gates(new_spec, old_spec, &path.child("schedulingGates"), &mut errors);
    if !same(new_spec, old_spec) {
        validate_rest(new_spec, old_spec, &path, &mut errors);
    }
    errors
}

/// What every way to change a pod checks: metadata against the old, then metadata and spec by themselves.
pub(super) fn validate_meta_and_spec(pod: View<'_>, old: View<'_>, options: &PodOptions) -> Errors {
    let mut errors = checks::meta_update(pod, old);
    errors.extend(spec::validate_pod(pod, options));
    errors
}

/// Annotations that mean something to a pod, against the old ones and by themselves.
pub(super) fn validate_annotations(pod: View<'_>, old: View<'_>, options: &PodOptions, errors: &mut Errors) {
    let of = |pod: View<'_>| pod.get("metadata").get("annotations").to_value();
    let (new, old) = (of(pod), of(old));
    let path = Path::new("metadata");
    let path = path.child("annotations");
    profiles::validate_annotation_updates(View::from(&new), View::from(&old), &path, errors);
    profiles::validate_annotations(View::from(&new), pod.get("spec"), options, &path, errors);
}

/// False if the lists cannot be compared any further.
fn validate_containers(new: View<'_>, old: View<'_>, list: &Path<'_>, errors: &mut Errors) -> bool {
    if new.len() != old.len() {
        errors.push(Error::forbidden(list, "pod updates may not add or remove containers"));
        return false;
    }
    for (index, image) in new.items().map(|container| container.str("image")).enumerate() {
        let path = list.index(index);
        if image.is_empty() {
            errors.push(Error::required(&path.child("image"), ""));
        }
        if image.trim() != image {
            errors.push(Error::invalid(&path.child("image"), image, "must not have leading or trailing whitespace"));
        }
    }
    true
}

/// False if the new deadline is so wrong that nothing else is told.
fn validate_deadline(new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) -> bool {
    let most = i64::from(i32::MAX);
    let (new, old) = (new.opt_int("activeDeadlineSeconds"), old.opt_int("activeDeadlineSeconds"));
    match (new, old) {
        (Some(new), _) if !(0..=most).contains(&new) => {
            errors.push(Error::invalid(path, new, names::inclusive_range_error(0, most)));
            false
        }
        (Some(new), Some(old)) if old < new => {
            errors.push(Error::invalid(path, new, "must be less than or equal to previous value"));
            false
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.push(Error::invalid_shown(path, "null", detail));
            true
        }
        _ => true,
    }
}

/// Scheduling gates only go away.
fn validate_gates(new: View<'_>, old: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let known: HashSet<&str> = old.list("schedulingGates").map(|gate| gate.str("name")).collect();
    let gates = new.list("schedulingGates").map(|gate| gate.str("name")).enumerate();
    for (index, gate) in gates.filter(|(_, gate)| !known.contains(gate)) {
        let detail = format!("only deletion is allowed, but found new scheduling gate '{gate}'");
        errors.push(Error::forbidden(&list.index(index).child("name"), detail));
    }
}

/// Whatever is not allowed to change, or was judged already, must be as it was.
fn validate_rest(new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let mut munged = new.to_value();
    for list in ["containers", "initContainers"] {
        let containers = munged.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, old) in containers.zip(old.list(list)) {
            restore(container, old, "image");
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        restore(&mut munged, old, field);
    }
    let was_negative = old.int("terminationGracePeriodSeconds") < 0;
    if was_negative && new.opt_int("terminationGracePeriodSeconds") == Some(1) {
        restore(&mut munged, old, "terminationGracePeriodSeconds");
    }
    if !old.get("schedulingGates").is_empty() {
        gated::validate(&mut munged, old, path, errors);
    }
    if !same(View::from(&munged), old) {
        let changes = diff::unified(&dump::pretty("PodSpec", old), &dump::pretty("PodSpec", View::from(&munged)));
        errors.push(Error::forbidden(path, format!("{MAY_CHANGE}\n{changes}")));
    }
}

/// The changes between two structs, as messages show them.
pub(crate) fn changes(kind: &'static str, old: View<'_>, new: View<'_>) -> String {
    diff::unified(&dump::pretty(kind, old), &dump::pretty(kind, new))
}

fn restore(object: &mut Value, old: View<'_>, field: &str) {
    super::prepare::put(object, field, old.get(field));
}

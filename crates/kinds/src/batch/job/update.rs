//! What may change in a job's spec.

use super::policy;
use crate::change::{at, existing};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_immutable_field};
use object::{Value, View};

/// Validates a changed spec against the old job.
pub(super) fn validate(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let (before, path) = (old.get("spec"), Path::new("spec"));
    validate_completions(spec, before, &path, errors);
    if !spec.get("selector").same(before.get("selector")) {
        let shown = crate::template::show_selector(spec.get("selector"));
        errors.push(Error::invalid_shown(&path.child("selector"), shown, FIELD_IMMUTABLE));
    }
    validate_template(spec, old, &path, errors);
    for name in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        let (new, before, place) = (spec.get(name), before.get(name), path.child(name));
        match name {
            _ if new.same(before) => {}
            "podFailurePolicy" => {
                errors.push(Error::invalid_shown(&place, policy::show_failure(new), FIELD_IMMUTABLE));
            }
            "successPolicy" => {
                errors.push(Error::invalid_shown(&place, policy::show_success(new), FIELD_IMMUTABLE));
            }
            _ => errors.extend(validate_immutable_field(new, before, &place)),
        }
    }
}

fn validate_completions(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (new, before, place) = (spec.get("completions"), old.get("completions"), path.child("completions"));
    if spec.str("completionMode") != "Indexed" {
        errors.extend(validate_immutable_field(new, before, &place));
    } else if new.exists() && !new.same(before) && new.as_int() != spec.int("parallelism") {
        let detail = "can only be modified in tandem with spec.parallelism";
        errors.push(Error::invalid(&place, new.to_value(), detail));
    }
}

/// The template of a suspended job without running pods may change where its pods go and what they get.
fn validate_template(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (before, status) = (old.get("spec"), old.get("status"));
    let suspended = before.bool("suspend");
    let held_back = status.list("conditions").any(|c| c.str("type") == "Suspended" && c.str("status") == "True");
    let open = suspended && (!status.has("startTime") || held_back) && status.int("active") == 0;
    let template = spec.get("template");
    let mut allowed = before.get("template").to_value();
    if open {
        allow_scheduling(&mut allowed, template);
        allow_resources(&mut allowed, template);
        let (new, allowed) = (template.get("spec"), View::from(&allowed).get("spec"));
        if !new.same(allowed) {
            let shown = crate::template::dump("PodSpec", new);
            errors.push(Error::invalid_shown(&path.child("template.spec"), shown, FIELD_IMMUTABLE));
        }
    } else if !template.same(View::from(&allowed)) {
        let shown = crate::template::dump_template(template);
        errors.push(Error::invalid_shown(&path.child("template"), shown, FIELD_IMMUTABLE));
    }
}

fn allow_scheduling(allowed: &mut Value, template: View<'_>) {
    let (meta, pod) = (template.get("metadata"), template.get("spec"));
    if let Some(metadata) = existing(allowed, &["metadata"]) {
        for name in ["annotations", "labels"] {
            copy(metadata, meta, name);
        }
    }
    let Some(old_pod) = existing(allowed, &["spec"]) else { return };
    for name in ["nodeSelector", "tolerations", "schedulingGates"] {
        copy(old_pod, pod, name);
    }
    let mut affinity = old_pod.remove("affinity").and_then(|value| value.as_object().cloned()).unwrap_or_default();
    copy(&mut affinity, pod.get("affinity"), "nodeAffinity");
    if !affinity.is_empty() || pod.has("affinity") {
        old_pod.insert("affinity".to_owned(), affinity.into());
    }
}

fn allow_resources(allowed: &mut Value, template: View<'_>) {
    for list in ["containers", "initContainers"] {
        let new = template.get("spec").get(list);
        let Some(old) = at(allowed, &["spec", list]).and_then(Value::as_array_mut) else { continue };
        if old.len() != new.len() {
            continue;
        }
        for (old, new) in old.iter_mut().zip(new.items()) {
            if let Some(old) = old.as_object_mut().filter(|old| old.get("name") == new.get("name").value()) {
                copy(old, new, "resources");
            }
        }
    }
}

fn copy(to: &mut object::Map, from: View<'_>, name: &str) {
    match from.get(name).value() {
        Some(value) => drop(to.insert(name.to_owned(), value.clone())),
        None => drop(to.remove(name)),
    }
}

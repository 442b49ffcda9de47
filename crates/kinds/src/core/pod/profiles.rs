//! Seccomp and AppArmor profiles, as fields and as the annotations that came before them, and the other annotations
//! that mean something to a pod.

use super::checks::local_descending_path;
use super::containers::every;
use super::options::PodOptions;
use super::{dump, tolerations};
use object::field::{Error, Errors, Path};
use object::json::{self, Node};
use object::{Value, View};
use std::collections::HashSet;

/// Marks a pod that stands for one which a node runs by itself.
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";
pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
pub(super) const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

const TYPES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];
const MAX_PROFILE: usize = 4095;

/// Validates a seccomp profile.
pub(super) fn validate_seccomp(profile: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !profile.exists() {
        return;
    }
    let kind = profile.str("type");
    match kind {
        "" => errors.push(Error::required(&path.child("type"), "type is required when seccompProfile is set")),
        _ => super::checks::one_of(kind, TYPES, &path.child("type"), errors),
    }
    let at = path.child("localhostProfile");
    match profile.opt_str("localhostProfile") {
        None if kind == "Localhost" => {
            errors.push(Error::required(&at, "must be set when seccomp type is Localhost"));
        }
        Some(file) if kind == "Localhost" => local_descending_path(file, &at, errors),
        Some(_) => {
            let shown = dump::compact("SeccompProfile", profile);
            errors.push(Error::invalid_shown(&at, shown, "can only be set when seccomp type is Localhost"));
        }
        None => {}
    }
}

/// Validates an AppArmor profile.
pub(super) fn validate_app_armor(profile: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !profile.exists() {
        return;
    }
    let at = path.child("localhostProfile");
    let missing = "must be set when AppArmor type is Localhost";
    match (profile.str("type"), profile.opt_str("localhostProfile")) {
        ("Localhost", None) => errors.push(Error::required(&at, missing)),
        ("Localhost", Some(name)) => {
            if name.trim() != name {
                errors.push(Error::invalid(&at, name, "must not be padded with whitespace"));
            } else if name.is_empty() {
                errors.push(Error::required(&at, missing));
            }
            if name.len() > MAX_PROFILE {
                errors.push(Error::too_long(&at, MAX_PROFILE as i64));
            }
        }
        ("RuntimeDefault" | "Unconfined", Some(name)) => {
            errors.push(Error::invalid(&at, name, "can only be set when AppArmor type is Localhost"));
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("", _) => errors.push(Error::required(&path.child("type"), "type is required when appArmorProfile is set")),
        (other, _) => errors.push(Error::not_supported(&path.child("type"), other, TYPES)),
    }
}

/// The profile that an AppArmor annotation stands for, if it stands for one.
pub(super) fn app_armor_of_annotation(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(object::json!({"type": "Unconfined"})),
        "runtime/default" => Some(object::json!({"type": "RuntimeDefault"})),
        _ => {
            let name = annotation.strip_prefix("localhost/").filter(|name| !name.is_empty())?;
            Some(object::json!({"type": "Localhost", "localhostProfile": name}))
        }
    }
}

/// Validates the annotations that mean something to a pod.
pub(super) fn validate_annotations(
    annotations: View<'_>,
    spec: View<'_>,
    options: &PodOptions,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if let Some(value) = annotations.opt_str(MIRROR).filter(|_| spec.str("nodeName").is_empty()) {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.push(Error::invalid(&path.key(MIRROR), value, detail));
    }
    validate_tolerations(annotations.str(TOLERATIONS), options, path, errors);
    if !options.any_deletion_cost && !is_valid_deletion_cost(annotations) {
        let cost = annotations.str(DELETION_COST);
        errors.push(Error::invalid(&path.key(DELETION_COST), cost, "must be a 32bit integer"));
    }
    if let Some(profile) = annotations.opt_str(SECCOMP_POD) {
        validate_seccomp_annotation(profile, &path.child(SECCOMP_POD), errors);
    }
    for (key, profile) in annotations.entries().filter(|(key, _)| key.starts_with(SECCOMP_CONTAINER)) {
        validate_seccomp_annotation(profile.as_str(), &path.child(key), errors);
    }
    let containers: HashSet<&str> = every(spec).map(|(_, _, container)| container.str("name")).collect();
    for (key, profile) in annotations.entries() {
        if let Some(container) = key.strip_prefix(APP_ARMOR) {
            let known = containers.contains(container);
            validate_app_armor_annotation(container, known, profile.as_str(), &path.key(key), errors);
        }
    }
}

/// True if the cost of deleting the pod is a 32-bit number, or absent.
pub(super) fn is_valid_deletion_cost(annotations: View<'_>) -> bool {
    annotations.opt_str(DELETION_COST).is_none_or(|cost| {
        let first_digit_is_fine = match cost.as_bytes() {
            [b'-' | b'1'..=b'9', ..] => true,
            digits => digits == b"0",
        };
        first_digit_is_fine && cost.parse::<i32>().is_ok()
    })
}

fn validate_tolerations(text: &str, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    if text.is_empty() {
        return;
    }
    match read_tolerations(text) {
        Ok(list) => tolerations::validate(View::from(&list), options, &path.child(TOLERATIONS), errors),
        Err(detail) => errors.push(Error::invalid(path, TOLERATIONS, detail)),
    }
}

fn read_tolerations(text: &str) -> Result<Value, String> {
    let wrong = |kind: &str, wanted: &str| format!("json: cannot unmarshal {kind} into Go value of type {wanted}");
    let list = match json::parse(text.as_bytes()).map_err(|error| error.to_string())? {
        list @ (Node::List(_) | Node::Null) => list,
        other => return Err(wrong(other.kind(), "[]core.Toleration")),
    };
    if let Node::List(items) = &list
        && let Some(item) = items.iter().find(|item| !matches!(item, Node::Map(_) | Node::Null))
    {
        return Err(wrong(item.kind(), "core.Toleration"));
    }
    Ok(list.into_value())
}

fn validate_seccomp_annotation(profile: &str, path: &Path<'_>, errors: &mut Errors) {
    match profile {
        "runtime/default" | "docker/default" | "unconfined" => {}
        _ => match profile.strip_prefix("localhost/") {
            Some(file) => local_descending_path(file, path, errors),
            None => errors.push(Error::invalid(path, profile, "must be a valid seccomp profile")),
        },
    }
}

fn validate_app_armor_annotation(container: &str, is_there: bool, profile: &str, path: &Path<'_>, errors: &mut Errors) {
    if !is_there {
        errors.push(Error::invalid(path, container, "container not found"));
    }
    let is_known = matches!(profile, "" | "runtime/default" | "unconfined") || profile.starts_with("localhost/");
    if !is_known {
        let detail = format!("invalid AppArmor profile name: {}", object::quote::quote(profile));
        errors.push(Error::invalid(path, profile, detail));
    }
}

/// AppArmor and mirror annotations stay as they are.
pub(super) fn validate_annotation_updates(new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (key, value) in old.entries() {
        if new.opt_str(key) == Some(value.as_str()) {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            errors.push(Error::forbidden(&path.key(key), "may not remove or update AppArmor annotations"));
        }
        if key == MIRROR {
            errors.push(Error::forbidden(&path.key(key), "may not remove or update mirror pod annotation"));
        }
    }
    for (key, _) in new.entries().filter(|(key, _)| !old.has(key)) {
        if key.starts_with(APP_ARMOR) {
            errors.push(Error::forbidden(&path.key(key), "may not add AppArmor annotations"));
        }
        if key == MIRROR {
            errors.push(Error::forbidden(&path.key(key), "may not add mirror pod annotation"));
        }
    }
}

/// Where a profile is given twice, as a field and as an annotation, both say the same.
pub(super) fn validate_matches(annotations: View<'_>, spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let pod = spec.get("securityContext");
    if let Some(annotation) = annotations.opt_str(SECCOMP_POD) {
        let path = spec_path.child("securityContext");
        seccomp_matches(annotation, pod.get("seccompProfile"), &path.child("seccompProfile"), errors);
    }
    for (list, index, container) in every(spec) {
        if let Some(annotation) = annotations.opt_str(&format!("{SECCOMP_CONTAINER}{}", container.str("name"))) {
            let profile = container.get("securityContext").get("seccompProfile");
            let list = spec_path.child(list);
            let path = list.index(index);
            seccomp_matches(annotation, profile, &path.child("securityContext").child("seccompProfile"), errors);
        }
    }
    if spec.get("os").str("name") == "windows" {
        return;
    }
    for (list, index, container) in every(spec) {
        let own = container.get("securityContext").get("appArmorProfile");
        let profile = if own.exists() { own } else { pod.get("appArmorProfile") };
        if let Some(annotation) = annotations.opt_str(&format!("{APP_ARMOR}{}", container.str("name"))) {
            let list = spec_path.child(list);
            let path = list.index(index);
            let path = path.child("securityContext");
            matches("apparmor", annotation, &["runtime/default"], profile, &path.child("appArmorProfile"), errors);
        }
    }
}

fn seccomp_matches(annotation: &str, profile: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    matches("seccomp", annotation, &["runtime/default", "docker/default"], profile, path, errors);
}

fn matches(what: &str, annotation: &str, defaults: &[&str], profile: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let name = annotation.strip_prefix("localhost/");
    let same_type = match profile.str("type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => defaults.contains(&annotation),
        "Localhost" => name.is_some(),
        _ => return,
    };
    if !same_type {
        let detail = format!("{what} type in annotation and field must match");
        errors.push(Error::forbidden(&path.child("type"), detail));
    } else if profile.str("type") == "Localhost" && profile.opt_str("localhostProfile") != name {
        let detail = format!("{what} profile in annotation and field must match");
        errors.push(Error::forbidden(&path.child("localhostProfile"), detail));
    }
}

//! Validation of `metadata`, labels and label selectors: `api/validation` and `apis/meta/v1/validation` of upstream.
//!
//! Maps are checked in key order (upstream's order is random). What needs the state of the cluster (does an owner
//! exist?) is not asked here.

mod conditions;
mod labels;
mod owners;
mod shown;

pub use conditions::validate_conditions;
pub use labels::{
    SelectorOptions, has_invalid_label_value, validate_label_name, validate_label_selector,
    validate_label_selector_requirement, validate_labels,
};
pub use owners::validate_owner_references;
pub use shown::{shown_metadata, unset_in_templates};

use crate::field::{Error, Errors, Path};
use crate::names::{Messages, is_qualified_name, name_is_dns_label};
use crate::view::View;

/// What an immutable field answers to a change.
pub const FIELD_IMMUTABLE: &str = "field is immutable";
/// What a negative number is told.
pub const IS_NEGATIVE: &str = "must be greater than or equal to 0";
/// Most bytes of all annotations of an object, keys and values together.
pub const ANNOTATIONS_MAX: usize = 256 * 1024;

/// Validates the metadata of a new object (`meta` is the map under `metadata`). The name must have been generated.
pub fn validate_object_meta(
    meta: View<'_>,
    namespaced: bool,
    name_rule: impl Fn(&str, bool) -> Messages,
    path: &Path<'_>,
) -> Errors {
    let mut errors = Errors::new();
    let generate_name = meta.str("generateName");
    if !generate_name.is_empty() {
        let place = path.child("generateName");
        let messages = name_rule(generate_name, true);
        errors.extend(messages.into_iter().map(|message| Error::invalid(&place, generate_name, message)));
    }
    let (name, place) = (meta.str("name"), path.child("name"));
    if name.is_empty() {
        errors.push(Error::required(&place, "name or generateName is required"));
    } else {
        let messages = name_rule(name, false);
        errors.extend(messages.into_iter().map(|message| Error::invalid(&place, name, message)));
    }
    errors.extend(validate_namespace(meta.str("namespace"), namespaced, &path.child("namespace")));
    errors.extend(validate_nonnegative(meta.int("generation"), &path.child("generation")));
    errors.extend(validate_labels(meta.get("labels"), &path.child("labels")));
    errors.extend(validate_annotations(meta.get("annotations"), &path.child("annotations")));
    errors.extend(validate_owner_references(meta.get("ownerReferences"), &path.child("ownerReferences")));
    errors.extend(validate_finalizers(meta.get("finalizers"), &path.child("finalizers")));
    errors.extend(validate_managed_fields(meta.get("managedFields"), &path.child("managedFields")));
    errors
}

/// Validates the metadata of a changed object against that of the old one.
pub fn validate_object_meta_update(meta: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if old.has("deletionTimestamp") {
        let place = path.child("finalizers");
        errors.extend(validate_no_new_finalizers(meta.get("finalizers"), old.get("finalizers"), &place));
    }
    if meta.str("resourceVersion").is_empty() {
        errors.push(Error::invalid(&path.child("resourceVersion"), "", "must be specified for an update"));
    }
    if meta.int("generation") < old.int("generation") {
        errors.push(Error::invalid(&path.child("generation"), meta.int("generation"), "must not be decremented"));
    }
    for name in ["name", "namespace", "uid"] {
        if meta.str(name) != old.str(name) {
            errors.push(Error::invalid(&path.child(name), meta.str(name), FIELD_IMMUTABLE));
        }
    }
    for name in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (new, old, place) = (meta.get(name), old.get(name), path.child(name));
        // The zero time is there, and yet it is `null`.
        match name == "deletionTimestamp" && new.is_absent() != old.is_absent() {
            true => errors.push(Error::invalid(&place, new.to_value(), FIELD_IMMUTABLE)),
            false => errors.extend(validate_immutable_field(new, old, &place)),
        }
    }
    errors.extend(validate_labels(meta.get("labels"), &path.child("labels")));
    errors.extend(validate_annotations(meta.get("annotations"), &path.child("annotations")));
    errors.extend(validate_owner_references(meta.get("ownerReferences"), &path.child("ownerReferences")));
    errors.extend(validate_managed_fields(meta.get("managedFields"), &path.child("managedFields")));
    errors
}

/// Validates the keys of annotations and their total size.
pub fn validate_annotations(annotations: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut size = 0;
    for (key, value) in annotations.entries() {
        let messages = is_qualified_name(&key.to_lowercase());
        errors.extend(messages.into_iter().map(|message| Error::invalid(path, key, message)));
        size += key.len() + value.as_str().len();
    }
    if size > ANNOTATIONS_MAX {
        errors.push(Error::too_long(path, ANNOTATIONS_MAX as i64));
    }
    errors
}

/// Validates finalizers.
pub fn validate_finalizers(finalizers: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for finalizer in finalizers.items().map(View::as_str) {
        errors.extend(validate_finalizer_name(finalizer, path));
    }
    let has = |name: &str| finalizers.items().any(|finalizer| finalizer.as_str() == name);
    if has("orphan") && has("foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(Error::invalid(path, finalizers.to_value(), why));
    }
    errors
}

/// Validates the name of one finalizer.
pub fn validate_finalizer_name(name: &str, path: &Path<'_>) -> Errors {
    is_qualified_name(name).into_iter().map(|message| Error::invalid(path, name, message)).collect()
}

/// An object that is being deleted gets no new finalizers.
pub fn validate_no_new_finalizers(new: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let mut extra: Vec<&str> =
        new.items().map(View::as_str).filter(|name| !old.items().any(|old| old.as_str() == *name)).collect();
    if extra.is_empty() {
        return Errors::new();
    }
    extra.sort_unstable();
    extra.dedup();
    let shown: Vec<String> = extra.iter().map(|name| crate::quote::quote(name)).collect();
    let shown = format!("[]string{{{}}}", shown.join(", "));
    let why = format!("no new finalizers can be added if the object is being deleted, found new finalizers {shown}");
    vec![Error::forbidden(path, why)]
}

/// A field that may not change: the new value against the old one.
pub fn validate_immutable_field(new: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    if new.same(old) { Errors::new() } else { vec![Error::invalid(path, new.to_value(), FIELD_IMMUTABLE)] }
}

/// A number that may not be negative.
pub fn validate_nonnegative(value: i64, path: &Path<'_>) -> Errors {
    if value < 0 { vec![Error::invalid(path, value, IS_NEGATIVE)] } else { Errors::new() }
}

/// Validates the entries that track who set which field.
pub fn validate_managed_fields(entries: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for (index, entry) in entries.items().enumerate() {
        let path = path.index(index);
        if !matches!(entry.str("operation"), "Apply" | "Update") {
            let place = path.child("operation");
            errors.push(Error::invalid(&place, entry.str("operation"), "must be `Apply` or `Update`"));
        }
        if !matches!(entry.str("fieldsType"), "" | "FieldsV1") {
            errors.push(Error::invalid(&path.child("fieldsType"), entry.str("fieldsType"), "must be `FieldsV1`"));
        }
        errors.extend(validate_field_manager(entry.str("manager"), &path.child("manager")));
        if entry.str("subresource").len() > 256 {
            errors.push(Error::too_long(&path.child("subresource"), 256));
        }
    }
    errors
}

/// Validates a field manager's name; empty is fine.
pub fn validate_field_manager(manager: &str, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if manager.len() > 128 {
        errors.push(Error::too_long(path, 128));
    }
    for (place, c) in manager.char_indices().filter(|(_, c)| !crate::quote::is_printable(*c)) {
        let code = format!("U+{:04X}", c as u32);
        errors.push(Error::invalid(path, manager, format!("invalid character {code} (at position {place})")));
    }
    errors
}

fn validate_namespace(namespace: &str, namespaced: bool, path: &Path<'_>) -> Errors {
    match (namespaced, namespace) {
        (true, "") => vec![Error::required(path, "")],
        (true, _) => {
            let messages = name_is_dns_label(namespace, false);
            messages.into_iter().map(|message| Error::invalid(path, namespace, message)).collect()
        }
        (false, "") => Errors::new(),
        (false, _) => vec![Error::forbidden(path, "not allowed on this type")],
    }
}

#[cfg(test)]
mod tests;

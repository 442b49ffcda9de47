//! Namespace. Removing its content when it goes is a controller's work.

use crate::change;
use crate::checks::{meta, meta_update, standard_finalizer};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::validate_finalizer_name;
use object::names::name_is_dns_label;
use object::{Value, View, json};

const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The rules of namespaces.
pub(super) struct Namespace;
/// The rules of `namespaces/status`.
struct Status;
/// The rules of `namespaces/finalize`.
struct Finalize;

impl Strategy for Namespace {
    fn defaults(&self, object: &mut Value) {
        label(object);
        change::set_default_text(change::map_at(object, "status"), "phase", "Active");
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({"phase": "Active"});
        let finalizers = change::map_at(object, "spec").entry("finalizers").or_insert_with(|| json!([]));
        if !finalizers.is_array() {
            *finalizers = json!([]);
        }
        if let Some(finalizers) = finalizers.as_array_mut()
            && !finalizers.iter().any(|finalizer| finalizer == "kubernetes")
        {
            finalizers.push("kubernetes".into());
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_label);
        let path = Path::new("spec");
        let path = path.child("finalizers");
        for finalizer in object.get("spec").strings("finalizers") {
            errors.extend(validate_finalizer_name(finalizer, &path));
            errors.extend(standard_finalizer(finalizer, &path));
        }
        errors
    }

    fn canonicalize(&self, object: &mut Value) {
        label(object);
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        let finalizers = old.at(&["spec", "finalizers"]);
        let spec = change::map_at(object, "spec");
        match finalizers.value() {
            Some(value) => spec.insert("finalizers".to_owned(), value.clone()),
            None => spec.remove("finalizers"),
        };
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(meta_update(object, old));
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        match name {
            "status" => Some(&Status),
            "finalize" => Some(&Finalize),
            _ => None,
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.phase"]
    }

    fn selectable_field(&self, object: View<'_>, _name: &str) -> String {
        object.get("status").str("phase").to_owned()
    }

    fn selects_by_namespace(&self) -> bool {
        false
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Status", "The status of the namespace"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.get("status").str("phase").into(), object_age(object, now)]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        let phase = object.get("status").str("phase");
        let path = Path::new("status");
        let path = path.child("Phase");
        if !object.get("metadata").has("deletionTimestamp") {
            if phase != "Active" {
                let why = "may only be 'Active' if `deletionTimestamp` is empty";
                errors.push(Error::invalid(&path, phase, why));
            }
        } else if phase != "Terminating" {
            let why = "may only be 'Terminating' if `deletionTimestamp` is not empty";
            errors.push(Error::invalid(&path, phase, why));
        }
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

impl Strategy for Finalize {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        let path = Path::new("spec");
        let path = path.child("finalizers");
        for (index, finalizer) in object.get("spec").strings("finalizers").enumerate() {
            let path = path.index(index);
            errors.extend(validate_finalizer_name(finalizer, &path));
            errors.extend(standard_finalizer(finalizer, &path));
        }
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

/// The name stands in a label, so that selectors find it.
fn label(object: &mut Value) {
    let name = View::from(&*object).get("metadata").str("name").to_owned();
    if name.is_empty() {
        return;
    }
    if let Some(metadata) = object.get_mut("metadata") {
        change::map_at(metadata, "labels").insert(NAME_LABEL.to_owned(), name.into());
    }
}

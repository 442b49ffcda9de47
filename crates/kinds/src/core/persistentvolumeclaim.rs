//! PersistentVolumeClaim.

use super::pod::volumes::claim::{ClaimOptions, validate_claim_spec};
use super::pod::{dump, update, warnings};
use super::resource_names::{is_native, validate_resource_amount};
use crate::change;
use crate::checks::{meta, meta_update, qualified_name};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, SelectorOptions, validate_immutable_field, validate_label_selector};
use object::names::name_is_dns_subdomain;
use object::quantity::Quantity;
use object::{Map, Value, View, json};
use std::collections::HashSet;

/// The annotation that named the storage class before there was a field.
pub(super) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const RESIZE_STATUSES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// The rules of claims.
pub(super) struct PersistentVolumeClaim;
/// The rules of `persistentvolumeclaims/status`.
struct Status;

impl Strategy for PersistentVolumeClaim {
    fn defaults(&self, object: &mut Value) {
        change::set_default_text(change::map_at(object, "status"), "phase", "Pending");
        change::set_default(change::map_at(object, "spec"), "volumeMode", "Filesystem");
        for place in
            ["/spec/resources/limits", "/spec/resources/requests", "/status/capacity", "/status/allocatedResources"]
        {
            change::round_resources(object.pointer_mut(place));
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({"phase": "Pending"});
        prepare_sources(change::map_at(object, "spec"), View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate(object, ClaimOptions::default())
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings_of(object)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
        prepare_sources(change::map_at(object, "spec"), old.get("spec"));
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate(object, options(old.get("spec"))));
        errors.extend(validate_change(object, old));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings_of(object)
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
                Column::text("Status", "@status.phase"),
                Column::text("Volume", "@spec.volumeName"),
                Column::text("Capacity", "@status.capacity"),
                Column::text("Access Modes", "@status.accessModes"),
                Column::text("StorageClass", "StorageClass of the pvc"),
                Column::text("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
                Column::AGE,
                Column::text("VolumeMode", "@spec.volumeMode").wide(),
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (metadata, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let phase = if metadata.has("deletionTimestamp") { "Terminating" } else { status.str("phase") };
        let (capacity, modes) = match spec.str("volumeName") {
            "" => (String::new(), String::new()),
            _ => {
                let capacity = Quantity::from_view(status.at(&["capacity", "storage"]));
                (capacity.to_string(), show_access_modes(status.get("accessModes")))
            }
        };
        let class = metadata.get("annotations").opt_str(CLASS_ANNOTATION).unwrap_or(spec.str("storageClassName"));
        vec![
            name(object),
            phase.into(),
            spec.str("volumeName").into(),
            capacity.into(),
            modes.into(),
            class.into(),
            spec.opt_str("volumeAttributesClassName").unwrap_or("<unset>").into(),
            object_age(object, now),
            or(spec.str("volumeMode"), "<unset>").into(),
        ]
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
        if object.at(&["spec", "accessModes"]).is_empty() {
            let path = Path::new("Spec");
            errors.push(Error::required(&path.child("accessModes"), ""));
        }
        errors.extend(validate_status(object.get("status")));
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// Access modes as tables show them.
pub(super) fn show_access_modes(modes: View<'_>) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let set: HashSet<&str> = modes.items().map(View::as_str).collect();
    let shown: Vec<&str> = SHORT.iter().filter(|(mode, _)| set.contains(mode)).map(|(_, short)| *short).collect();
    shown.join(",")
}

/// An amount must be one that makes sense at all.
pub(super) fn validate_basic(amount: &Quantity, path: &Path<'_>) -> Option<Error> {
    let value = amount.value();
    (value < 0).then(|| Error::invalid(path, value, "must be a valid resource quantity"))
}

/// `dataSource` and `dataSourceRef` tell the same where both can; of older kinds of sources only the known are kept.
fn prepare_sources(spec: &mut Map, old: View<'_>) {
    let used = |field: &str| old.has(field);
    let reference = View::from(spec.get("dataSourceRef"));
    if !reference.str("namespace").is_empty() && !used("dataSourceRef") {
        spec.remove("dataSourceRef");
    }
    let source = View::from(spec.get("dataSource"));
    let has_reference = View::from(spec.get("dataSourceRef")).exists();
    let known = matches!(
        (source.str("kind"), source.str("apiGroup")),
        ("PersistentVolumeClaim", "") | ("VolumeSnapshot", "snapshot.storage.k8s.io")
    );
    if !used("dataSource") && !used("dataSourceRef") && !has_reference && !known {
        spec.remove("dataSource");
    }
    let (source, reference) = (View::from(spec.get("dataSource")), View::from(spec.get("dataSourceRef")));
    if source.exists() && !reference.exists() {
        let copy = source.to_value();
        spec.insert("dataSourceRef".to_owned(), copy);
    } else if reference.exists() && !source.exists() && reference.str("namespace").is_empty() {
        let mut copy = reference.to_value();
        if let Some(copy) = copy.as_object_mut() {
            copy.remove("namespace");
        }
        spec.insert("dataSource".to_owned(), copy);
    }
}

fn validate(object: View<'_>, options: ClaimOptions) -> Errors {
    let mut errors = meta(object, true, name_is_dns_subdomain);
    validate_claim_spec(object.get("spec"), options, &Path::new("spec"), &mut errors);
    errors
}

/// What a claim may keep because it had it already.
fn options(old: View<'_>) -> ClaimOptions {
    let grouped = |field: &str| old.get(field).has("apiGroup");
    let selector = validate_label_selector(old.get("selector"), SelectorOptions::default(), &Path::root());
    ClaimOptions {
        any_source_group: grouped("dataSource") || grouped("dataSourceRef"),
        invalid_selector_values: !selector.is_empty(),
    }
}

fn validate_change(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let path = Path::new("spec");
    let (mut new_spec, mut old_spec) = (object.get("spec").to_value(), old.get("spec").to_value());
    if old.get("spec").str("volumeName").is_empty() {
        change::keep(&mut old_spec, object.get("spec"), "volumeName");
    }
    errors.extend(allow_class(&mut new_spec, object, old));
    if object.get("status").str("phase") == "Bound" {
        change::keep(&mut new_spec, old.get("spec"), "volumeAttributesClassName");
        let storage = old.at(&["spec", "resources", "requests", "storage"]);
        if let Some(requests) = new_spec.pointer_mut("/resources/requests") {
            requests["storage"] = storage.to_value();
        }
    }
    let (new, before) = (View::from(&new_spec), View::from(&old_spec));
    let kind = "PersistentVolumeClaimSpec";
    if dump::pretty(kind, new) != dump::pretty(kind, before) {
        let changes = update::changes(kind, before, new);
        let why =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.push(Error::forbidden(&path, format!("{why}\n{changes}")));
    }
    errors.extend(validate_shrink(object, old));
    let mode = Path::new("volumeMode");
    errors.extend(validate_immutable_field(object.at(&["spec", "volumeMode"]), old.at(&["spec", "volumeMode"]), &mode));
    errors.extend(validate_attributes_change(object, old));
    errors
}

/// A claim without a class may get one, also in exchange for the annotation of old.
fn allow_class(new_spec: &mut Value, object: View<'_>, old: View<'_>) -> Option<Error> {
    let annotation =
        |object: View<'_>| object.at(&["metadata", "annotations"]).opt_str(CLASS_ANNOTATION).map(str::to_owned);
    let (now, before) = (annotation(object), annotation(old));
    let class = object.get("spec").opt_str("storageClassName");
    let unset = old.get("spec").opt_str("storageClassName").is_none();
    let from_annotation = before.is_some() && unset && class == before.as_deref() && (now.is_none() || now == before);
    if from_annotation {
        change::keep(new_spec, View::ABSENT, "storageClassName");
        return None;
    }
    if class.is_some() && unset && (before.is_none() || class == before.as_deref()) {
        change::keep(new_spec, old.get("spec"), "storageClassName");
    }
    let (now, before) = (now.unwrap_or_default(), before.unwrap_or_default());
    let path = Path::new("metadata");
    let path = path.child("annotations");
    (now != before).then(|| Error::invalid(&path.child(CLASS_ANNOTATION), now, FIELD_IMMUTABLE))
}

fn validate_shrink(object: View<'_>, old: View<'_>) -> Option<Error> {
    let storage = |object: View<'_>| Quantity::from_view(object.at(&["spec", "resources", "requests", "storage"]));
    let (new, before) = (storage(object), storage(old));
    let held = Quantity::from_view(old.at(&["status", "capacity", "storage"]));
    let path = Path::new("spec");
    let path = path.child("resources");
    let path = path.child("requests");
    (new < before && new <= held)
        .then(|| Error::forbidden(&path.child("storage"), "field can not be less than status.capacity"))
}

fn validate_attributes_change(object: View<'_>, old: View<'_>) -> Option<Error> {
    let class = |object: View<'_>| object.get("spec").opt_str("volumeAttributesClassName").map(str::to_owned);
    if class(object) == class(old) || !old.get("status").has("currentVolumeAttributesClassName") {
        return None;
    }
    let what = match class(object).as_deref() {
        None => "nil",
        Some("") => "empty string",
        Some(_) => return None,
    };
    let path = Path::new("spec");
    let why = format!("update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil");
    Some(Error::forbidden(&path.child("volumeAttributesClassName"), why))
}

fn validate_status(status: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("status");
    let path = root.child("capacity");
    for (name, amount) in status.get("capacity").entries() {
        errors.extend(validate_basic(&Quantity::from_view(amount), &path.key(name)));
    }
    let path = root.child("allocatedResourceStatuses");
    for (name, state) in status.get("allocatedResourceStatuses").entries() {
        errors.extend(validate_key(name, &path));
        if !RESIZE_STATUSES.contains(&state.as_str()) {
            errors.push(Error::not_supported(&path, name, &RESIZE_STATUSES));
        }
    }
    let path = root.child("allocatedResources");
    for (name, amount) in status.get("allocatedResources").entries() {
        let (found, amount) = (validate_key(name, &path), Quantity::from_view(amount));
        if !found.is_empty() {
            errors.extend(found);
        } else if let Some(error) = validate_basic(&amount, &path.key(name)) {
            errors.push(error);
        } else {
            errors.extend(validate_resource_amount("storage", &amount, &path.key(name)));
        }
    }
    errors
}

fn validate_key(name: &str, path: &Path<'_>) -> Errors {
    let errors = qualified_name(name, path);
    if errors.is_empty() && is_native(name) && name != "storage" {
        return vec![Error::not_supported(path, name, &["storage"])];
    }
    errors
}

fn warnings_of(object: View<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    if object.at(&["metadata", "annotations"]).has(CLASS_ANNOTATION) {
        let why = "deprecated since v1.8; use \"storageClassName\" attribute instead";
        texts.push(format!("metadata.annotations[{CLASS_ANNOTATION}]: {why}"));
    }
    warnings::of_claim_spec(object.get("spec"), &Path::new("spec"), &mut texts);
    texts
}

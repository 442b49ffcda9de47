//! The `resource.k8s.io` group: devices, claims of them, and what nodes have.
//!
//! Deliberately absent: mappings to resources of nodes, and the label of a namespace that access for administrators
//! needs.

mod claim;
mod common;
mod policy;
mod selector;
mod show;
mod slice;

use crate::change::keep_metadata;
use crate::change::{at, clear_status, count_generation, existing, keep, set_default_text, set_generation};
use crate::checks;
use crate::columns::{age, name_and_age};
use crate::core::pod::volumes::claim::validate_template_meta;
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::FIELD_IMMUTABLE;
use object::names::{Messages, is_dns1123_subdomain_content, name_is_dns_subdomain};
use object::quote::quote;
use object::{Map, Value, View};

const GROUP: &str = "resource.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        Resource::new(GROUP, "v1", "DeviceClass", "deviceclasses", Scope::Cluster, DeviceClass),
        Resource::new(GROUP, "v1", "ResourceClaim", "resourceclaims", Scope::Namespaced, Claim).subresource("status"),
        Resource::new(GROUP, "v1", "ResourceClaimTemplate", "resourceclaimtemplates", Scope::Namespaced, Template),
        Resource::new(GROUP, "v1", "ResourceSlice", "resourceslices", Scope::Cluster, Slice),
    ]
}

struct DeviceClass;

/// Names are validated by declaration, which counts bytes, once they are made; what they are made of is not looked at.
fn made_name(name: &str, prefix: bool) -> Messages {
    if prefix { Messages::new() } else { is_dns1123_subdomain_content(name) }
}

impl Strategy for DeviceClass {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, false, made_name);
        claim::validate_class(object.get("spec"), &Path::new("spec"), &mut errors);
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta(object, false, made_name);
        errors.extend(checks::meta_update(object, old));
        claim::validate_class(object.get("spec"), &Path::new("spec"), &mut errors);
        errors
    }
}

struct Claim;

/// Rules of `resourceclaims/status`.
struct ClaimStatus;

impl Strategy for Claim {
    fn defaults(&self, object: &mut Value) {
        if let Some(spec) = existing(object, &["spec"]) {
            default_requests(spec);
        }
        let results = object.pointer_mut("/status/allocation/devices/results").and_then(Value::as_array_mut);
        results.into_iter().flatten().filter_map(Value::as_object_mut).for_each(default_tolerations);
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.resource.v1.ResourceClaimStatus");
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        claim::validate_spec(object.get("spec"), &Path::new("spec"), &mut errors);
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        errors.extend(checks::meta_update(object, old));
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        if !spec.same(old.get("spec")) {
            errors.push(Error::invalid_shown(&path, show::claim_spec(spec), FIELD_IMMUTABLE));
        }
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&ClaimStatus)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const STATE: &str = "A summary of the current state (allocated, pending, reserved, etc.).";
        const COLUMNS: &[Column] = &[Column::NAME, Column::text("State", STATE), Column::AGE];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, status) = (object.get("metadata"), object.get("status"));
        let is_deleted = meta.has("deletionTimestamp");
        let mut states = Vec::new();
        if is_deleted {
            states.push("deleted");
        }
        if status.has("allocation") {
            states.push("allocated");
            if !status.get("reservedFor").is_empty() {
                states.push("reserved");
            }
        } else if !is_deleted {
            states.push("pending");
        }
        vec![meta.str("name").into(), states.join(",").into(), age(meta.str("creationTimestamp"), now).into()]
    }
}

impl Strategy for ClaimStatus {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep_metadata(object, old);
        keep(object, old, "spec");
        forget_devices(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        claim::validate_status_update(object, old)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

/// Drops what is told of devices that are no longer allocated.
fn forget_devices(object: &mut Value, old: View<'_>) {
    let results = |object: View<'_>| -> Vec<Vec<Value>> {
        let allocation = object.at(&["status", "allocation", "devices"]);
        allocation.list("results").map(common::device_id).collect()
    };
    let (before, now) = (results(old), results(View::from(&*object)));
    let Some(devices) = at(object, &["status", "devices"]).and_then(Value::as_array_mut) else { return };
    devices.retain(|device| {
        let id = common::device_id(View::from(device));
        !before.contains(&id) || now.contains(&id)
    });
}

struct Template;

impl Strategy for Template {
    fn defaults(&self, object: &mut Value) {
        if let Some(spec) = existing(object, &["spec", "spec"]) {
            default_requests(spec);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        validate_template_meta(spec.get("metadata"), &path.child("metadata"), &mut errors);
        claim::validate_spec(spec.get("spec"), &path.child("spec"), &mut errors);
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(checks::meta_update(object, old));
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        if !spec.same(old.get("spec")) {
            errors.push(Error::invalid_shown(&path, show::template_spec(spec), FIELD_IMMUTABLE));
        }
        errors
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        name_and_age(object, now)
    }
}

struct Slice;

impl Strategy for Slice {
    fn prepare_for_create(&self, object: &mut Value, request: &Request<'_>) {
        set_generation(object, 1);
        slice::date_taints(object, request.now);
        slice::drop_disabled(object, View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, false, name_is_dns_subdomain);
        slice::validate(object.get("spec"), View::ABSENT, &mut errors);
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warn_about_driver(object)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        slice::date_taints(object, request.now);
        count_generation(object, old, &[&["spec"]]);
        slice::drop_disabled(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        slice::validate(object.get("spec"), old.get("spec"), &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warn_about_driver(object)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.nodeName", "spec.driver"]
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        object.get("spec").str(name.trim_start_matches("spec.")).to_owned()
    }

    fn selects_by_namespace(&self) -> bool {
        false
    }

    fn unknown_field_label(&self, kind: &str, name: &str) -> String {
        format!("field label not supported for {GROUP}/v1, Kind={kind}: {name}")
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::NAME,
            Column::text("Node", "@spec.nodeName"),
            Column::text("Driver", "@spec.driver"),
            Column::text("Pool", "@spec.pool.name"),
            Column::AGE,
        ];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        vec![
            meta.str("name").into(),
            spec.str("nodeName").into(),
            spec.str("driver").into(),
            spec.get("pool").str("name").into(),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

fn warn_about_driver(slice: View<'_>) -> Vec<String> {
    let driver = slice.get("spec").str("driver");
    if driver == driver.to_lowercase() {
        return Vec::new();
    }
    let driver = quote(driver);
    vec![format!("spec.driver: driver names should be lowercase; {driver} contains uppercase characters")]
}

/// One device, unless something else is asked for.
fn default_requests(spec: &mut Map) {
    let requests = spec.get_mut("devices").and_then(|devices| devices.get_mut("requests"));
    for request in requests.and_then(Value::as_array_mut).into_iter().flatten() {
        let exactly = request.get_mut("exactly").and_then(Value::as_object_mut);
        exactly.into_iter().for_each(default_request);
        let alternatives = request.get_mut("firstAvailable").and_then(Value::as_array_mut);
        alternatives.into_iter().flatten().filter_map(Value::as_object_mut).for_each(default_request);
    }
}

fn default_tolerations(holder: &mut Map) {
    let tolerations = holder.get_mut("tolerations").and_then(Value::as_array_mut);
    for toleration in tolerations.into_iter().flatten().filter_map(Value::as_object_mut) {
        set_default_text(toleration, "operator", "Equal");
    }
}

fn default_request(request: &mut Map) {
    default_tolerations(request);
    set_default_text(request, "allocationMode", "ExactCount");
    let counts = request.get("allocationMode").and_then(Value::as_str) == Some("ExactCount");
    if counts && request.get("count").and_then(Value::as_i64).unwrap_or_default() == 0 {
        request.insert("count".to_owned(), 1.into());
    }
}

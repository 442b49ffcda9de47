//! The subresource by which nodes tell what became of a pod.

mod addresses;
mod claims;
mod containers;

use super::checks::{object_name, qualified_name};
use super::options::PodOptions;
use super::prepare::{drop_disabled_fields, put};
use super::update::validate_annotations;
use crate::checks;
use crate::strategy::{Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::FIELD_IMMUTABLE;
use object::{Value, View, json, names};
use std::collections::{HashMap, VecDeque};

/// The lists of container states in a status, and the lists of containers they belong to.
const STATUS_LISTS: [(&str, &str); 3] = [
    ("containerStatuses", "containers"),
    ("initContainerStatuses", "initContainers"),
    ("ephemeralContainerStatuses", "ephemeralContainers"),
];

/// The rules of `pods/status`.
pub(super) struct PodStatus;

impl Strategy for PodStatus {
    fn defaults(&self, pod: &mut Value) {
        super::defaults::default_pod(pod);
    }

    fn prepare_for_update(&self, pod: &mut Value, old: View<'_>, _request: &Request<'_>) {
        put(pod, "spec", old.get("spec"));
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "generation"] {
            put(&mut pod["metadata"], field, old.get("metadata").get(field));
        }
        if !pod["status"].is_object() {
            pod["status"] = json!({});
        }
        let status = old.get("status");
        if View::from(&*pod).get("status").str("qosClass").is_empty() {
            put(&mut pod["status"], "qosClass", status.get("qosClass"));
        }
        keep_observed_generations(&mut pod["status"], status);
        drop_disabled_fields(pod, old);
        drop_disabled_status(&mut pod["status"], status);
    }

    fn validate_update(&self, pod: View<'_>, old: View<'_>) -> Errors {
        validate(pod, old)
    }

    fn canonicalize(&self, pod: &mut Value) {
        super::prepare::pair_fields(pod);
    }

    fn warnings_on_update(&self, pod: View<'_>, _old: View<'_>) -> Vec<String> {
        let path = Path::new("status");
        let mut warnings = Vec::new();
        for list in ["podIPs", "hostIPs"] {
            let at = path.child(list);
            for (index, address) in pod.get("status").list(list).enumerate() {
                warnings.extend(names::get_warnings_for_ip(&at.index(index).child("ip"), address.str("ip")));
            }
        }
        warnings
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
    }
}

/// A node that does not know about observed generations does not clear them.
fn keep_observed_generations(status: &mut Value, old: View<'_>) {
    const FIELD: &str = "observedGeneration";
    if View::from(&*status).int(FIELD) == 0 {
        put(status, FIELD, old.get(FIELD));
    }
    let mut before: HashMap<&str, VecDeque<i64>> = HashMap::new();
    for condition in old.list("conditions") {
        before.entry(condition.str("type")).or_default().push_back(condition.int(FIELD));
    }
    for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        let kind = View::from(&*condition).str("type");
        let generation = before.get_mut(kind).and_then(VecDeque::pop_front).unwrap_or_default();
        if View::from(&*condition).int(FIELD) == 0 && generation != 0 {
            condition[FIELD] = json!(generation);
        }
    }
}

/// Removes parts of the status whose feature is off in 1.36, unless the old status has them.
fn drop_disabled_status(status: &mut Value, old: View<'_>) {
    if let Some(status) = status.as_object_mut().filter(|_| old.get("nodeAllocatableResourceClaimStatuses").is_empty())
    {
        status.remove("nodeAllocatableResourceClaimStatuses");
    }
    let tells_volumes = STATUS_LISTS.iter().any(|(list, _)| {
        old.list(list).flat_map(|container| container.list("volumeMounts")).any(|mount| mount.has("volumeStatus"))
    });
    if tells_volumes {
        return;
    }
    for (list, _) in STATUS_LISTS {
        for container in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = container.get_mut("volumeMounts").and_then(Value::as_array_mut).into_iter().flatten();
            for mount in mounts.filter_map(Value::as_object_mut) {
                mount.remove("volumeStatus");
            }
        }
    }
}

fn validate(pod: View<'_>, old: View<'_>) -> Errors {
    let options = PodOptions::for_pod(old);
    let mut errors = checks::meta_update(pod, old);
    validate_annotations(pod, old, &options, &mut errors);
    let (spec, status, path) = (pod.get("spec"), pod.get("status"), Path::new("status"));
    validate_conditions(status.get("conditions"), &path.child("conditions"), &mut errors);
    if spec.str("nodeName") != old.get("spec").str("nodeName") {
        errors.push(Error::forbidden(&path.child("nodeName"), "may not be changed directly"));
    }
    validate_nomination(status, old, &path.child("nominatedNodeName"), &mut errors);
    validate_generation(status, &path, &mut errors);
    let (class, old_class) = (status.str("qosClass"), old.get("status").str("qosClass"));
    if class != old_class {
        errors.push(Error::invalid(&path.child("qosClass"), class, FIELD_IMMUTABLE));
    }
    containers::validate_transitions(status, old, &path, &mut errors);
    claims::validate(status, spec, &path, &mut errors);
    addresses::validate(status, old.get("status"), &path, &mut errors);
    containers::validate_users(status, spec, &path, &mut errors);
    containers::validate_allocated(status, spec, &path, &mut errors);
    errors
}

fn validate_conditions(conditions: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, condition) in conditions.items().enumerate() {
        let path = list.index(index);
        validate_generation(condition, &path, errors);
        let kind = condition.str("type");
        if !matches!(kind, "PodScheduled" | "Ready" | "Initialized") {
            qualified_name(kind, &path.child("Type"), errors);
        }
    }
}

fn validate_generation(holder: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let generation = holder.int("observedGeneration");
    if generation < 0 {
        let detail = "must be a non-negative integer";
        errors.push(Error::invalid(&path.child("observedGeneration"), generation, detail));
    }
}

fn validate_nomination(status: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let node = status.str("nominatedNodeName");
    if node.is_empty() || node == old.get("status").str("nominatedNodeName") {
        return;
    }
    object_name(node, path, errors);
    if !old.get("spec").str("nodeName").is_empty() {
        errors.push(Error::forbidden(path, "may not be set on pods that are already bound to a node"));
    }
}

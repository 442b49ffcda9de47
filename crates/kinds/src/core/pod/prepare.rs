//! What becomes of a pod before it is validated: status and generation, fields that are switched off, label keys that
//! become part of selectors, and old annotations that become fields.

use super::defaults::{CONTAINER_LISTS, pair_service_account};
use super::profiles::{APP_ARMOR, app_armor_of_annotation, validate_app_armor};
use super::same::same;
use super::{qos, table};
use crate::strategy::Request;
use object::field::{Errors, Path};
use object::{Map, Value, View, json};

/// Prepares a new pod.
pub(super) fn for_create(pod: &mut Value, request: &Request<'_>) {
    pod["metadata"]["generation"] = json!(1);
    let class = qos::class_of(View::from(&*pod)).to_owned();
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
    drop_disabled_fields(pod, View::ABSENT);
    if !View::from(&*pod).get("spec").get("schedulingGates").is_empty() {
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": null,
            "lastTransitionTime": request.now,
            "reason": table::GATED,
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    merge_label_keys(pod);
    app_armor_from_annotations(pod);
    pair_fields(pod);
}

/// Prepares a changed pod.
pub(super) fn for_update(pod: &mut Value, old: View<'_>) {
    put(pod, "status", old.get("status"));
    drop_disabled_fields(pod, old);
    count_generation(pod, old);
}

/// Counts the generation up if the spec changed.
pub(super) fn count_generation(pod: &mut Value, old: View<'_>) {
    let before = old.get("metadata").int("generation");
    let changed = !same(View::from(&*pod).get("spec"), old.get("spec"));
    let generation = before + i64::from(changed);
    if generation > 0 {
        pod["metadata"]["generation"] = json!(generation);
    }
}

/// Fields that mean the same are kept alike: what admission set in one stands in the other too.
pub(super) fn pair_fields(pod: &mut Value) {
    if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
        pair_service_account(spec);
    }
}

/// Sets a field to what stands elsewhere, or removes it.
pub(super) fn put(object: &mut Value, name: &str, value: View<'_>) {
    let Some(fields) = object.as_object_mut() else { return };
    match value.value() {
        Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
        None => drop(fields.remove(name)),
    }
}

/// Removes fields whose feature is off in 1.36, unless the old pod, or template, has them.
pub(crate) fn drop_disabled_fields(pod: &mut Value, old: View<'_>) {
    let old = old.get("spec");
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if !old.has("schedulingGroup") {
        spec.remove("schedulingGroup");
    }
    for name in ["clusterTrustBundle", "podCertificate"] {
        if !projects(old, name) {
            drop_projection(spec, name);
        }
    }
    let signals = super::containers::every(old).any(|(_, _, container)| container.get("lifecycle").has("stopSignal"));
    if !signals {
        drop_stop_signals(spec);
    }
}

fn projects(spec: View<'_>, name: &str) -> bool {
    spec.list("volumes").flat_map(|volume| volume.get("projected").list("sources")).any(|source| source.has(name))
}

fn drop_projection(spec: &mut Map, name: &str) {
    for volume in list_mut(spec.get_mut("volumes")) {
        for source in list_mut(volume.get_mut("projected").and_then(|projected| projected.get_mut("sources"))) {
            if let Some(source) = source.as_object_mut() {
                source.remove(name);
            }
        }
    }
}

fn drop_stop_signals(spec: &mut Map) {
    for list in CONTAINER_LISTS {
        for container in list_mut(spec.get_mut(list)).filter_map(Value::as_object_mut) {
            let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut) else { continue };
            if lifecycle.remove("stopSignal").is_some() && lifecycle.is_empty() {
                container.remove("lifecycle");
            }
        }
    }
}

fn list_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Label keys of affinity and spreading become expressions of the selector beside them.
fn merge_label_keys(pod: &mut Value) {
    let labels = pod["metadata"]["labels"].clone();
    let Some(spec) = pod.get_mut("spec") else { return };
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(affinity) = spec.get_mut("affinity").and_then(|affinity| affinity.get_mut(kind)) else { continue };
        for weighted in list_mut(affinity.get_mut("preferredDuringSchedulingIgnoredDuringExecution")) {
            if let Some(term) = weighted.get_mut("podAffinityTerm") {
                merge_keys_of(term, &labels, &[("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")]);
            }
        }
        for term in list_mut(affinity.get_mut("requiredDuringSchedulingIgnoredDuringExecution")) {
            merge_keys_of(term, &labels, &[("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")]);
        }
    }
    for constraint in list_mut(spec.get_mut("topologySpreadConstraints")) {
        merge_keys_of(constraint, &labels, &[("matchLabelKeys", "In")]);
    }
}

fn merge_keys_of(term: &mut Value, labels: &Value, fields: &[(&str, &str)]) {
    let mut added = Vec::new();
    for (field, operator) in fields {
        for key in View::from(&*term).strings(field) {
            if let Some(value) = labels.get(key) {
                added.push(json!({"key": key, "operator": operator, "values": [value]}));
            }
        }
    }
    let Some(selector) = term.get_mut("labelSelector").and_then(Value::as_object_mut) else { return };
    if added.is_empty() {
        return;
    }
    let expressions = selector.entry("matchExpressions").or_insert(Value::Null);
    match expressions.as_array_mut() {
        Some(expressions) => expressions.append(&mut added),
        None => *expressions = added.into(),
    }
}

/// A container whose AppArmor profile stands in an annotation alone gets the field too.
fn app_armor_from_annotations(pod: &mut Value) {
    let view = View::from(&*pod);
    if view.at(&["spec", "os"]).str("name") == "windows" {
        return;
    }
    let pod_profile = view.at(&["spec", "securityContext", "appArmorProfile"]).to_value();
    let annotations = view.at(&["metadata", "annotations"]).to_value();
    let Some(spec) = pod.get_mut("spec") else { return };
    for list in CONTAINER_LISTS {
        for container in list_mut(spec.get_mut(list)) {
            let view = View::from(&*container);
            let key = format!("{APP_ARMOR}{}", view.str("name"));
            let Some(annotation) = annotations.get(&key).and_then(Value::as_str) else { continue };
            if view.get("securityContext").has("appArmorProfile") {
                continue;
            }
            let profile = valid_app_armor(annotation).filter(|profile| *profile != pod_profile);
            if let Some(profile) = profile {
                if !view.has("securityContext") {
                    container["securityContext"] = json!({});
                }
                container["securityContext"]["appArmorProfile"] = profile;
            }
        }
    }
}

/// The profile of an annotation, if the field may hold it.
pub(super) fn valid_app_armor(annotation: &str) -> Option<Value> {
    app_armor_of_annotation(annotation).filter(|profile| {
        let mut errors = Errors::new();
        validate_app_armor(View::from(profile), &Path::root(), &mut errors);
        errors.is_empty()
    })
}

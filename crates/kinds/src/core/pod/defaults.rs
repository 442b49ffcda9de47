//! What a pod, or a pod template, has where a client leaves it out.
//!
//! Defaults that only a pod gets (requests from limits, host ports, service links) are in [`default_pod`]; what every
//! pod spec gets, also inside a template, in [`default_pod_spec`]. Deliberately absent: what admission fills in
//! (service account, tolerations, priority).

mod containers;
mod resources;
mod volumes;

pub(crate) use resources::round_requirements;

use object::{Map, Value, View, json};
pub(super) use resources::pod_level;

type Fields = Map;

/// Annotations in which clients before 1.8 kept init containers; they are dropped.
const OLD_INIT_CONTAINERS: &[&str] = &[
    "pod.alpha.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.beta.kubernetes.io/init-containers",
];

/// The lists of containers in a pod spec, in the order in which upstream visits them.
pub(crate) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Fills in what a pod has by default.
pub(crate) fn default_pod(pod: &mut Value) {
    drop_old_annotations(pod);
    let Some(pod) = pod.as_object_mut() else { return };
    let spec = struct_of(pod, "spec");
    resources::requests_from_limits(spec);
    pod_level(spec);
    if let Some(fields) = spec.as_object_mut() {
        default(fields, "enableServiceLinks", true);
    }
    if View::from(&*spec).bool("hostNetwork") {
        containers::host_ports(spec);
    }
    default_pod_spec(spec);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        spec["terminationGracePeriodSeconds"] = json!(1);
    }
    if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
        default_status(status);
    }
}

/// Fills in what a pod template has by default.
pub(crate) fn default_pod_template(template: &mut Value) {
    drop_old_annotations(template);
    let Some(template) = template.as_object_mut() else { return };
    default_pod_spec(struct_of(template, "spec"));
}

/// Fills in what every pod spec has by default.
pub(crate) fn default_pod_spec(spec: &mut Value) {
    let Some(fields) = spec.as_object_mut() else { return };
    default_text(fields, "dnsPolicy", "ClusterFirst");
    default_text(fields, "restartPolicy", "Always");
    default(fields, "securityContext", json!({}));
    default(fields, "terminationGracePeriodSeconds", 30);
    default_text(fields, "schedulerName", "default-scheduler");
    pair_service_account(fields);
    volumes::all(spec);
    for list in CONTAINER_LISTS {
        for container in items(spec, list) {
            containers::one(container);
        }
    }
    resources::round_list(spec.get_mut("overhead"));
    round_requirements(spec.get_mut("resources"));
}

/// The service account's name stands in two fields of the same meaning.
pub(crate) fn pair_service_account(spec: &mut Fields) {
    let view = |spec: &Fields, name: &str| spec.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut name = view(spec, "serviceAccountName");
    if name.is_empty() {
        name = view(spec, "serviceAccount");
    }
    for field in ["serviceAccountName", "serviceAccount"] {
        if name.is_empty() {
            spec.remove(field);
        } else {
            spec.insert(field.to_owned(), name.clone().into());
        }
    }
}

/// `podIP` is the first of `podIPs`; quantities are rounded up to thousandths.
pub(crate) fn default_status(status: &mut Fields) {
    let ip = status.get("podIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let first = status.get("podIPs").and_then(|ips| ips.get(0)?.get("ip")?.as_str()).map(str::to_owned);
    match first {
        Some(first) if ip.is_empty() => {
            status.insert("podIP".to_owned(), first.into());
        }
        Some(first) if first == ip => {}
        _ if ip.is_empty() => {}
        _ => {
            status.insert("podIPs".to_owned(), json!([{ "ip": ip }]));
        }
    }
    for list in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
        for container in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            resources::round_list(container.get_mut("allocatedResources"));
            round_requirements(container.get_mut("resources"));
        }
    }
    resources::round_list(status.get_mut("allocatedResources"));
    round_requirements(status.get_mut("resources"));
}

fn drop_old_annotations(object: &mut Value) {
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        for name in OLD_INIT_CONTAINERS {
            annotations.remove(name);
        }
    }
}

/// The child that the reference implementation holds by value, so that it is always there.
fn struct_of<'a>(parent: &'a mut Fields, name: &str) -> &'a mut Value {
    let child = parent.entry(name).or_insert(Value::Null);
    if child.is_null() {
        *child = json!({});
    }
    child
}

/// The items of the list `name`.
fn items<'a>(parent: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    parent.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Sets a field that is absent.
fn default(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Sets a text that is absent or empty.
fn default_text(fields: &mut Fields, name: &str, text: &str) {
    if fields.get(name).is_none_or(|value| value.as_str().is_none_or(str::is_empty)) {
        fields.insert(name.to_owned(), text.into());
    }
}

/// Sets a number that is absent or zero.
fn default_number(fields: &mut Fields, name: &str, number: i64) {
    if fields.get(name).is_none_or(|value| value.as_i64().is_none_or(|value| value == 0)) {
        fields.insert(name.to_owned(), number.into());
    }
}

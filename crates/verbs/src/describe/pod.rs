//! Pods.

use super::containers::{containers, resources};
use super::page::Page;
use super::volumes::volumes;
use crate::text::{age, field, time};
use value::Value;

pub(super) fn pod(page: &mut Page, pod: &Value) {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    page.head(pod);
    page.some(0, "Priority", &spec["priority"]);
    page.some(0, "Priority Class Name", &spec["priorityClassName"]);
    page.some(0, "Runtime Class Name", &spec["runtimeClassName"]);
    page.some(0, "Service Account", &spec["serviceAccountName"]);
    match field(spec, "/nodeName") {
        "" => page.field(0, "Node", "<none>"),
        node => page.field(0, "Node", format!("{node}/{}", field(status, "/hostIP"))),
    }
    if !field(status, "/startTime").is_empty() {
        page.field(0, "Start Time", time(field(status, "/startTime")));
    }
    page.labels("Labels", &pod["metadata"]["labels"]);
    page.annotations("Annotations", &pod["metadata"]["annotations"]);
    phase(page, pod);
    page.some(0, "Reason", &status["reason"]);
    page.some(0, "Message", &status["message"]);
    page.some(0, "SeccompProfile", &spec["securityContext"]["seccompProfile"]["type"]);
    page.some(0, "LocalhostProfile", &spec["securityContext"]["seccompProfile"]["localhostProfile"]);
    addresses(page, status);
    page.controlled_by(pod);
    page.some(0, "NominatedNodeName", &status["nominatedNodeName"]);
    if spec["resources"].is_object() {
        page.line(0, "Resources:");
        resources(page, &spec["resources"], 1);
    }
    let has = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    if has(&spec["initContainers"]) {
        containers(page, "Init Containers", &spec["initContainers"], &status["initContainerStatuses"], Some(pod), "");
    }
    containers(page, "Containers", &spec["containers"], &status["containerStatuses"], Some(pod), "");
    if has(&spec["ephemeralContainers"]) {
        let statuses = &status["ephemeralContainerStatuses"];
        containers(page, "Ephemeral Containers", &spec["ephemeralContainers"], statuses, Some(pod), "");
    }
    conditions(page, pod);
    volumes(page, &spec["volumes"], "");
    page.field(0, "QoS Class", field(status, "/qosClass"));
    page.labels("Node-Selectors", &spec["nodeSelector"]);
    page.tolerations("Tolerations", &spec["tolerations"]);
    page.spread("", &spec["topologySpreadConstraints"]);
}

fn phase(page: &mut Page, pod: &Value) {
    let phase = field(pod, "/status/phase");
    let deleted = field(pod, "/metadata/deletionTimestamp");
    if deleted.is_empty() || matches!(phase, "Failed" | "Succeeded") {
        return page.field(0, "Status", phase);
    }
    page.field(0, "Status", format!("Terminating (lasts {})", age(deleted)));
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    page.field(0, "Termination Grace Period", format!("{grace}s"));
}

fn addresses(page: &mut Page, status: &Value) {
    page.field(0, "IP", field(status, "/podIP"));
    let list = status["podIPs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return page.field(0, "IPs", "<none>");
    }
    page.line(0, "IPs:");
    list.iter().for_each(|one| page.field(1, "IP", field(one, "/ip")));
}

fn conditions(page: &mut Page, pod: &Value) {
    let conditions = pod["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let gates = pod["spec"]["readinessGates"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !gates.is_empty() {
        page.line(0, "Readiness Gates:");
        page.line(1, "Type\tStatus");
    }
    for gate in gates {
        let ty = field(gate, "/conditionType");
        let found = conditions.iter().find(|one| field(one, "/type") == ty);
        page.line(1, format!("{ty} \t{} ", found.map_or("<none>", |one| field(one, "/status"))));
    }
    if !conditions.is_empty() {
        page.line(0, "Conditions:");
        page.line(1, "Type\tStatus");
        for one in conditions {
            page.line(1, format!("{} \t{} ", field(one, "/type"), field(one, "/status")));
        }
    }
}

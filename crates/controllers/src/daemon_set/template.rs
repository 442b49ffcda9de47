//! What the pods of a DaemonSet look like. Pure.

use super::SETS;
use crate::workload::history::HASH;
use crate::workload::pods;
use informer::Object;
use object::{Value, View, json};

/// The number of the template, from before there were revisions.
const GENERATION: &str = "deprecated.daemonset.template.generation";
const GENERATION_LABEL: &str = "pod-template-generation";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// The pod for a node.
pub(super) fn pod(set: &Object, hash: &str, node: &str) -> Value {
    let mut pod = pods::from_template(set.spec().get("template"), SETS, set);
    let generation = set.annotation(GENERATION);
    if !generation.is_empty() {
        pod["metadata"]["labels"][GENERATION_LABEL] = generation.into();
    }
    pod["metadata"]["labels"][HASH] = hash.into();
    pod["spec"]["tolerations"] = tolerations(View::from(&pod["spec"])).into();
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    pod["spec"]["affinity"]["nodeAffinity"][REQUIRED] = json!({"nodeSelectorTerms": [term]});
    pod
}

/// The tolerations of a template, with those that all such pods have.
pub(super) fn tolerations(spec: View<'_>) -> Vec<Value> {
    let mut all: Vec<Value> = spec.get("tolerations").to_items();
    let mut add = |key: &str, effect: &str| {
        let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
        let covers = |known: &Value| {
            let known = View::from(known);
            known.str("key") == key && known.str("effect") == effect
        };
        match all.iter().position(covers) {
            Some(at) => all[at] = toleration,
            None => all.push(toleration),
        }
    };
    add("node.kubernetes.io/not-ready", "NoExecute");
    add("node.kubernetes.io/unreachable", "NoExecute");
    for pressure in ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"] {
        add(&format!("node.kubernetes.io/{pressure}"), "NoSchedule");
    }
    if spec.bool("hostNetwork") {
        add("node.kubernetes.io/network-unavailable", "NoSchedule");
    }
    all
}

/// The node that a pod is on, or is meant for.
pub(super) fn node_of(pod: &Object) -> &str {
    let spec = pod.spec();
    let name = spec.str("nodeName");
    if !name.is_empty() {
        return name;
    }
    let terms = spec.at(&["affinity", "nodeAffinity", REQUIRED]).list("nodeSelectorTerms");
    let fields = terms.flat_map(|term| term.list("matchFields"));
    let named = fields.filter(|field| field.str("key") == "metadata.name" && field.str("operator") == "In");
    named.flat_map(|field| field.strings("values")).next().unwrap_or_default()
}

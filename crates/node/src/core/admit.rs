//! Whether this node takes a pod that was given to it: resources, selector, ports, taints.

use super::model::{is_static, lasting, spec};
use super::resources;
use k8s_openapi::api::core::v1::{
    Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint, Toleration,
};
use std::collections::{BTreeMap, HashSet};

/// Why a pod is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    pub(crate) message: String,
}

fn refuse<T>(reason: &str, message: String) -> Result<T, Refusal> {
    Err(Refusal { reason: reason.to_owned(), message })
}

/// Decides upon a pod. `others` are the pods that the node has and that are not over.
pub(crate) fn admit<'a>(pod: &Pod, node: &Node, others: impl Iterator<Item = &'a Pod>) -> Result<(), Refusal> {
    let spec = spec(pod);
    if spec.os.as_ref().is_some_and(|os| os.name != "linux") {
        return refuse("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS".to_owned());
    }
    let others: Vec<&Pod> = others.collect();
    fits(pod, node, &others)?;
    if !selected(pod, node) {
        return predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
    }
    if spec.node_name.is_some() && spec.node_name != node.metadata.name {
        return predicate("NodeName", "node(s) didn't match the requested node name");
    }
    let taken: HashSet<Port<'_>> = others.iter().flat_map(|other| ports(other)).collect();
    if ports(pod).any(|port| taken.iter().any(|other| port.collides(other))) {
        return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports");
    }
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let untolerated = |taint: &Taint| taint.effect == "NoExecute" && !tolerations.iter().any(|t| tolerates(t, taint));
    if !is_static(pod) && taints.iter().any(untolerated) {
        return predicate("TaintToleration", "node(s) had untolerated taint(s)");
    }
    Ok(())
}

fn predicate(name: &str, reason: &str) -> Result<(), Refusal> {
    refuse(name, format!("Predicate {name} failed: {reason}"))
}

/// Whether there is room.
fn fits(pod: &Pod, node: &Node, others: &[&Pod]) -> Result<(), Refusal> {
    let allocatable = node.status.as_ref().and_then(|status| status.allocatable.as_ref());
    let lacking = |name: &str, requested: i64, used: i64, capacity: i64| {
        let reason = match name {
            "cpu" | "memory" | "ephemeral-storage" | "pods" => format!("OutOf{name}"),
            other => format!("InsufficientResource{other}"),
        };
        let message = format!(
            "Node didn't have enough resource: {name}, requested: {requested}, used: {used}, capacity: {capacity}"
        );
        refuse(&reason, message)
    };
    let used_pods = i64::try_from(others.len()).unwrap_or(i64::MAX);
    if let Some(capacity) = resources::amount(allocatable, "pods").filter(|capacity| used_pods + 1 > *capacity) {
        return lacking("pods", 1, used_pods, capacity);
    }
    let mut used: BTreeMap<String, i64> = BTreeMap::new();
    for other in others {
        for (name, amount) in resources::requested(spec(other)) {
            let sum = used.entry(name).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    for (name, requested) in resources::requested(spec(pod)) {
        let Some(capacity) = resources::amount(allocatable, &name) else { continue };
        let taken = used.get(&name).copied().unwrap_or_default();
        if requested > 0 && requested > capacity.saturating_sub(taken) {
            return lacking(&name, requested, taken, capacity);
        }
    }
    Ok(())
}

/// Whether the pod's selector and required affinity point to the node.
fn selected(pod: &Pod, node: &Node) -> bool {
    let spec = spec(pod);
    let none = BTreeMap::new();
    let labels = node.metadata.labels.as_ref().unwrap_or(&none);
    let mut wanted = spec.node_selector.iter().flatten();
    if !wanted.all(|(key, value)| labels.get(key) == Some(value)) {
        return false;
    }
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|node| node.required_during_scheduling_ignored_during_execution.as_ref());
    required.is_none_or(|selector| meets(selector, labels, node.metadata.name.as_deref().unwrap_or_default()))
}

fn meets(selector: &NodeSelector, labels: &BTreeMap<String, String>, name: &str) -> bool {
    selector.node_selector_terms.iter().any(|term| {
        let NodeSelectorTerm { match_expressions, match_fields } = term;
        let empty =
            match_expressions.iter().flatten().next().is_none() && match_fields.iter().flatten().next().is_none();
        let by_label = |wanted: &NodeSelectorRequirement| holds(wanted, labels.get(&wanted.key).map(String::as_str));
        let by_field = |wanted: &NodeSelectorRequirement| wanted.key == "metadata.name" && holds(wanted, Some(name));
        !empty && match_expressions.iter().flatten().all(by_label) && match_fields.iter().flatten().all(by_field)
    })
}

fn holds(wanted: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = wanted.values.as_deref().unwrap_or_default();
    let among = value.is_some_and(|value| values.iter().any(|known| known == value));
    let compare = |by: fn(&i64, &i64) -> bool| {
        let (left, right) = (value.and_then(|v| v.parse().ok()), values.first().and_then(|v| v.parse().ok()));
        left.zip(right).is_some_and(|(left, right)| by(&left, &right))
    };
    match wanted.operator.as_str() {
        "In" => among,
        "NotIn" => !among,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(i64::gt),
        "Lt" => compare(i64::lt),
        _ => false,
    }
}

/// A port of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Port<'a> {
    address: &'a str,
    protocol: &'a str,
    number: i32,
}

impl Port<'_> {
    fn collides(&self, other: &Port<'_>) -> bool {
        let any = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
        let same = self.address == other.address || any(self.address) || any(other.address);
        same && self.number == other.number && self.protocol == other.protocol
    }
}

fn ports(pod: &Pod) -> impl Iterator<Item = Port<'_>> {
    let all = lasting(spec(pod)).flat_map(|container| container.ports.iter().flatten());
    all.filter_map(|port| {
        Some(Port {
            address: port.host_ip.as_deref().unwrap_or_default(),
            protocol: port.protocol.as_deref().unwrap_or("TCP"),
            number: port.host_port.filter(|number| *number > 0)?,
        })
    })
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    let exists = toleration.operator.as_deref() == Some("Exists");
    (effect.is_empty() || effect == taint.effect)
        && (key == taint.key || key.is_empty() && exists)
        && (exists || toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    fn pod(spec: Value) -> Pod {
        let mut spec = spec;
        if spec["containers"].is_null() {
            spec["containers"] = json!([{"name": "c"}]);
        }
        value::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap()
    }

    fn asking(cpu: &str, memory: &str) -> Value {
        json!({"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]})
    }

    fn check(spec: Value, others: &[Value], want: Option<(&str, &str)>) {
        let node: Node = value::from_value(json!({
            "metadata": {"name": "n", "labels": {"disk": "ssd", "cores": "8"}},
            "spec": {"taints": [{"key": "t", "value": "v", "effect": "NoSchedule"}]},
            "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "2"}},
        }))
        .unwrap();
        let others: Vec<Pod> = others.iter().cloned().map(pod).collect();
        let got = admit(&pod(spec), &node, others.iter()).err();
        let got = got.as_ref().map(|refusal| (refusal.reason.as_str(), refusal.message.as_str()));
        assert_eq!(got, want);
    }

    #[test]
    fn resources_run_out() {
        check(asking("2", "1Gi"), &[], None);
        let message = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000";
        check(asking("1500m", "1"), &[asking("1", "1")], Some(("OutOfcpu", message)));
        let message = "Node didn't have enough resource: memory, requested: 1073741825, used: 0, capacity: 1073741824";
        check(asking("1", "1073741825"), &[], Some(("OutOfmemory", message)));
        let message = "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2";
        check(json!({}), &[json!({}), json!({})], Some(("OutOfpods", message)));
    }

    #[test]
    fn selectors() {
        let affinity = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
        check(json!({"nodeSelector": {"disk": "ssd"}}), &[], None);
        check(json!({"nodeSelector": {"disk": "hdd"}}), &[], Some(("NodeAffinity", affinity)));
        let by = |key: &str, operator: &str, values: Value| {
            let term = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            let required = json!({"nodeSelectorTerms": [term]});
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}})
        };
        check(by("disk", "In", json!(["ssd"])), &[], None);
        check(by("cores", "Gt", json!(["4"])), &[], None);
        check(by("cores", "Lt", json!(["4"])), &[], Some(("NodeAffinity", affinity)));
        check(by("disk", "DoesNotExist", json!([])), &[], Some(("NodeAffinity", affinity)));
    }

    #[test]
    fn ports_collide() {
        let with = |address: &str, port: i32| json!({"containers": [{"name": "c", "ports": [{"containerPort": 1, "hostPort": port, "hostIP": address}]}]});
        let message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
        check(with("", 80), &[with("127.0.0.1", 80)], Some(("NodePorts", message)));
        check(with("127.0.0.2", 80), &[with("127.0.0.1", 80)], None);
        check(with("", 81), &[with("", 80)], None);
    }
}

//! The flow schemas and priority levels that every cluster begins with, as a table.
//!
//! `apiserver::flow` gives requests their turn by what they say.

use object::{Value, json};

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
/// Name, shares, percent that may be lent, and queues (number, hand size, length), if requests are queued.
type Level = (&'static str, i64, i64, Option<(i64, i64, i64)>);
/// Name, priority level, precedence, how flows are told apart, subjects, and what is asked.
type Schema = (&'static str, &'static str, i64, &'static str, &'static [(&'static str, &'static str)], Asked);

const LEVELS: &[Level] = &[
    ("catch-all", 5, 0, None),
    ("system", 30, 33, Some((64, 6, 50))),
    ("node-high", 40, 25, Some((64, 6, 50))),
    ("leader-election", 10, 0, Some((16, 4, 50))),
    ("workload-high", 40, 50, Some((128, 6, 50))),
    ("workload-low", 100, 90, Some((128, 6, 50))),
    ("global-default", 20, 50, Some((128, 6, 50))),
];

/// What requests a schema is about.
#[derive(Clone, Copy)]
enum Asked {
    Everything,
    Probes,
    Leases,
    Nodes,
}

const EVERYBODY: &[(&str, &str)] = &[("Group", "system:unauthenticated"), ("Group", "system:authenticated")];
const NODES: &[(&str, &str)] = &[("Group", "system:nodes")];
const LEADERS: &[(&str, &str)] =
    &[("User", "system:kube-controller-manager"), ("User", "system:kube-scheduler"), ("ServiceAccount", "*")];

const SCHEMAS: &[Schema] = &[
    ("exempt", "exempt", 1, "", &[("Group", "system:masters")], Asked::Everything),
    ("catch-all", "catch-all", 10000, "ByUser", EVERYBODY, Asked::Everything),
    ("probes", "exempt", 2, "", EVERYBODY, Asked::Probes),
    ("system-leader-election", "leader-election", 100, "ByUser", LEADERS, Asked::Leases),
    ("system-node-high", "node-high", 400, "ByUser", NODES, Asked::Nodes),
    ("system-nodes", "system", 500, "ByUser", NODES, Asked::Everything),
    (
        "kube-controller-manager",
        "workload-high",
        800,
        "ByNamespace",
        &[("User", "system:kube-controller-manager")],
        Asked::Everything,
    ),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", &[("User", "system:kube-scheduler")], Asked::Everything),
    (
        "kube-system-service-accounts",
        "workload-high",
        900,
        "ByNamespace",
        &[("ServiceAccount", "*")],
        Asked::Everything,
    ),
    ("service-accounts", "workload-low", 9000, "ByUser", &[("Group", "system:serviceaccounts")], Asked::Everything),
    ("global-default", "global-default", 9900, "ByUser", EVERYBODY, Asked::Everything),
];

/// Every priority level.
pub(super) fn levels() -> impl Iterator<Item = Value> {
    let exempt = json!({"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}});
    let limited = LEVELS.iter().map(|level| (level.0, limited(level)));
    std::iter::once(("exempt", exempt))
        .chain(limited)
        .map(|(name, spec)| object("PriorityLevelConfiguration", name, spec))
}

/// Every flow schema.
pub(super) fn schemas() -> impl Iterator<Item = Value> {
    SCHEMAS.iter().map(|(name, level, precedence, flows, subjects, asked)| {
        let subjects: Vec<Value> = subjects.iter().map(|(kind, name)| subject(kind, name)).collect();
        let mut rule = rules(*asked);
        rule["subjects"] = subjects.into();
        let mut spec = json!({
            "priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence, "rules": [rule],
        });
        if !flows.is_empty() {
            spec["distinguisherMethod"] = json!({"type": flows});
        }
        object("FlowSchema", name, spec)
    })
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let metadata = json!({"name": name, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}});
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata, "spec": spec})
}

fn limited((_, shares, lendable, queues): &Level) -> Value {
    let response = match queues {
        None => json!({"type": "Reject"}),
        Some((queues, hand, length)) => {
            json!({"type": "Queue", "queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": length}})
        }
    };
    let limited = json!({"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response});
    json!({"type": "Limited", "limited": limited})
}

fn subject(kind: &str, name: &str) -> Value {
    match kind {
        "Group" => json!({"kind": kind, "group": {"name": name}}),
        "User" => json!({"kind": kind, "user": {"name": name}}),
        _ => json!({"kind": kind, "serviceAccount": {"name": name, "namespace": "kube-system"}}),
    }
}

fn rules(asked: Asked) -> Value {
    let resources = |verbs: &[&str], group: &str, resources: &[&str], cluster: bool| {
        let mut rule = json!({"verbs": verbs, "apiGroups": [group], "resources": resources, "namespaces": ["*"]});
        if cluster {
            rule["clusterScope"] = true.into();
        }
        rule
    };
    match asked {
        Asked::Everything => json!({
            "resourceRules": [resources(&["*"], "*", &["*"], true)],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        Asked::Probes => json!({
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
        }),
        Asked::Leases => json!({
            "resourceRules": [resources(&["get", "create", "update"], "coordination.k8s.io", &["leases"], false)],
        }),
        Asked::Nodes => json!({
            "resourceRules": [
                resources(&["*"], "", &["nodes", "nodes/status"], true),
                resources(&["*"], "coordination.k8s.io", &["leases"], false),
            ],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_leads_to_a_level_that_is_there() {
        let levels: Vec<Value> = levels().map(|level| level["metadata"]["name"].clone()).collect();
        assert_eq!(levels.len(), 8);
        for schema in schemas() {
            let level = &schema["spec"]["priorityLevelConfiguration"]["name"];
            assert!(levels.contains(level), "{schema}");
        }
    }
}

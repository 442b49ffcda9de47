//! What pods ask for, and what counts towards which quota.

use super::quota::{Counter, observed};
use super::*;
use object::json;

const PODS: Counter<'_> = Counter { group: "", resource: "pods" };

fn container(requests: Value, limits: Value) -> Value {
    json!({ "name": "c", "resources": { "requests": requests, "limits": limits } })
}

#[test]
fn init_containers_count_where_they_need_more() {
    let mut sidecar = container(json!({ "cpu": "1" }), json!({}));
    sidecar["restartPolicy"] = "Always".into();
    let pod = json!({ "spec": {
        "containers": [container(json!({ "cpu": "100m", "memory": "1Gi" }), json!({ "cpu": "2" })), container(json!({ "cpu": "200m" }), json!({}))],
        "initContainers": [container(json!({ "memory": "3Gi" }), json!({})), sidecar, container(json!({ "cpu": "500m" }), json!({}))],
        "overhead": { "cpu": "10m" },
    } });
    let view = View::from(&pod);
    assert_eq!(requests(view, Totals::default()).shown(), "cpu=1500m,memory=3Gi");
    assert_eq!(requests(view, Totals { with_overhead: true, with_status: false }).shown(), "cpu=1510m,memory=3Gi");
    assert_eq!(limits(view, Totals { with_overhead: true, with_status: false }).shown(), "cpu=2010m");
}

#[track_caller]
fn check(counter: Counter<'_>, object: Value, expected: &str) {
    assert_eq!(counter.usage((&object).into(), 0).shown(), expected);
}

#[test]
fn objects_count_by_their_kind() {
    let spec =
        json!({ "containers": [container(json!({ "cpu": "1", "example.com/gpu": "2" }), json!({ "memory": "1Gi" }))] });
    check(
        PODS,
        json!({ "spec": spec }),
        "count/pods=1,cpu=1,limits.memory=1Gi,pods=1,requests.cpu=1,requests.example.com/gpu=2",
    );
    check(PODS, json!({ "spec": spec, "status": { "phase": "Succeeded" } }), "count/pods=1");
    let services = Counter { group: "", resource: "services" };
    let service =
        |kind: &str| json!({ "spec": { "type": kind, "ports": [{ "port": 1 }, { "port": 2, "nodePort": 30000 }] } });
    check(services, service("ClusterIP"), "count/services=1,services=1,services.loadbalancers=0,services.nodeports=0");
    check(
        services,
        service("LoadBalancer"),
        "count/services=1,services=1,services.loadbalancers=1,services.nodeports=2",
    );
    let claims = Counter { group: "", resource: "persistentvolumeclaims" };
    check(
        claims,
        json!({ "spec": { "storageClassName": "gold", "resources": { "requests": { "storage": "1.5" } } } }),
        "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/requests.storage=2,persistentvolumeclaims=1,requests.storage=2",
    );
    check(Counter { group: "batch", resource: "jobs" }, json!({}), "count/jobs.batch=1");
    check(Counter { group: "", resource: "secrets" }, json!({}), "count/secrets=1,secrets=1");
}

#[test]
fn quotas_are_about_their_scopes() {
    let quota = |scopes: Value, selector: Value| {
        let spec =
            json!({ "hard": { "pods": "1" }, "scopes": scopes, "scopeSelector": { "matchExpressions": selector } });
        json!({ "spec": spec, "status": { "hard": { "pods": "1" } } })
    };
    let pod = json!({ "spec": { "containers": [container(json!({}), json!({}))], "priorityClassName": "high" } });
    for (quota, expected) in [
        (quota(json!([]), json!([])), true),
        (quota(json!(["BestEffort"]), json!([])), true),
        (quota(json!(["NotBestEffort"]), json!([])), false),
        (quota(json!(["BestEffort", "Terminating"]), json!([])), false),
        (quota(json!([]), json!([{ "scopeName": "PriorityClass", "operator": "In", "values": ["high"] }])), true),
        (quota(json!([]), json!([{ "scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"] }])), false),
        (quota(json!([]), json!([{ "scopeName": "PriorityClass", "operator": "Exists" }])), true),
        (quota(json!(["CrossNamespacePodAffinity"]), json!([])), false),
    ] {
        assert_eq!(PODS.matches((&quota).into(), (&pod).into()), expected, "{quota}");
    }
    let other = json!({ "status": { "hard": { "services": "1" } } });
    assert!(!PODS.matches((&other).into(), (&pod).into()));
}

#[test]
fn limited_compute_has_to_be_asked_for() {
    let pod = json!({ "spec": { "containers": [container(json!({ "cpu": "1" }), json!({}))] } });
    let unsaid = |names: &[&'static str]| PODS.unsaid(names.iter().copied(), (&pod).into());
    assert_eq!(unsaid(&["requests.cpu", "pods"]), None);
    assert_eq!(unsaid(&["limits.cpu", "memory"]).unwrap(), "must specify limits.cpu for: c; memory for: c");
}

#[test]
fn usage_is_observed_over_all_objects() {
    let quota = json!({ "spec": { "hard": { "pods": "9", "requests.cpu": "9", "count/jobs.batch": "9" } } });
    let pod = json!({ "spec": { "containers": [container(json!({ "cpu": "1500m" }), json!({}))] } });
    let job = json!({});
    let jobs = Counter { group: "batch", resource: "jobs" };
    let objects = [(PODS, View::from(&pod)), (PODS, View::from(&pod)), (jobs, View::from(&job))];
    assert_eq!(observed((&quota).into(), objects, 0).shown(), "count/jobs.batch=1,pods=2,requests.cpu=3");
    assert_eq!(observed((&quota).into(), [], 0).shown(), "count/jobs.batch=0,pods=0,requests.cpu=0");
}

//! Placing pods on clusters that are only thought of: each case is one rule.

use crate::simulation::{Simulation, node};
use object::{Value, json};

/// A pod with a spec; missing parts are filled in.
fn pod(name: &str, spec: Value) -> Value {
    labelled(name, json!({"app": "a"}), spec)
}

fn labelled(name: &str, labels: Value, spec: Value) -> Value {
    let mut pod = json!({
        "kind": "Pod", "metadata": {"name": name, "namespace": "ns", "uid": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "image"}]},
    });
    for (key, value) in spec.as_object().unwrap() {
        pod["spec"][key] = value.clone();
    }
    pod
}

fn asking(cpu: &str) -> Value {
    json!([{"name": "main", "image": "image", "resources": {"requests": {"cpu": cpu}}}])
}

fn zone(name: &str, zone: &str) -> Value {
    node(name, &json!({"topology.kubernetes.io/zone": zone}), "4", "8Gi")
}

fn with(mut object: Value, path: &[&str], value: Value) -> Value {
    let place = path.iter().fold(&mut object, |place, key| &mut place[*key]);
    *place = value;
    object
}

#[track_caller]
fn check(objects: Vec<Value>, pod: Value, want: Result<&str, &str>) {
    let got = Simulation::new(objects, 1).place(pod);
    let suffix = want.map_err(|why| format!("0/2 nodes are available: {why}"));
    assert_eq!(got.as_ref().map(String::as_str), suffix.as_ref().map(|node| *node));
}

fn two() -> Vec<Value> {
    vec![zone("a", "east"), zone("b", "west")]
}

#[test]
fn what_is_asked_for_has_to_be_there() {
    let mut nodes = two();
    nodes.push(pod("big", json!({"nodeName": "a", "containers": asking("3")})));
    check(nodes.clone(), pod("p", json!({"containers": asking("2")})), Ok("b"));
    check(nodes, pod("p", json!({"containers": asking("5")})), Err("2 Insufficient cpu."));
    let small = vec![zone("a", "east"), with(zone("b", "west"), &["status", "allocatable", "pods"], json!("0"))];
    check(small, pod("p", json!({"containers": asking("5")})), Err("1 Too many pods, 2 Insufficient cpu."));
}

#[test]
fn an_emptier_node_is_better() {
    let mut nodes = two();
    nodes.push(pod("there", json!({"nodeName": "b", "containers": asking("1")})));
    check(nodes, pod("p", json!({"containers": asking("1")})), Ok("a"));
}

#[test]
fn nodes_may_be_closed_or_tainted() {
    let closed = with(zone("a", "east"), &["spec", "unschedulable"], json!(true));
    let taint = json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]);
    let tainted = with(zone("b", "west"), &["spec", "taints"], taint);
    let nodes = vec![closed, tainted];
    check(nodes.clone(), pod("p", json!({})), Err("1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."));
    let tolerations = json!([{"key": "gpu", "operator": "Exists"}]);
    check(nodes, pod("p", json!({"tolerations": tolerations})), Ok("b"));
    let avoided = json!([{"key": "old", "effect": "PreferNoSchedule"}]);
    check(vec![with(zone("a", "east"), &["spec", "taints"], avoided), zone("b", "west")], pod("p", json!({})), Ok("b"));
}

#[test]
fn pods_name_the_nodes_they_want() {
    check(two(), pod("p", json!({"nodeSelector": {"topology.kubernetes.io/zone": "west"}})), Ok("b"));
    let none = "2 node(s) didn't match Pod's node affinity/selector.";
    check(two(), pod("p", json!({"nodeSelector": {"topology.kubernetes.io/zone": "north"}})), Err(none));
    let preferred = json!([{"weight": 1, "preference": {"matchExpressions": [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["west"]}]}}]);
    let affinity = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}});
    check(two(), pod("p", json!({"affinity": affinity})), Ok("b"));
}

#[test]
fn a_host_port_is_given_once() {
    let ports = json!([{"name": "main", "image": "i", "ports": [{"containerPort": 80, "hostPort": 80}]}]);
    let mut nodes = two();
    nodes.push(pod("there", json!({"nodeName": "a", "containers": ports})));
    check(nodes.clone(), pod("p", json!({"containers": ports})), Ok("b"));
    nodes.push(pod("there-too", json!({"nodeName": "b", "containers": ports})));
    let none = "2 node(s) didn't have free ports for the requested pod ports.";
    check(nodes, pod("p", json!({"containers": ports})), Err(none));
}

fn term(app: &str, key: &str) -> Value {
    json!({"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key})
}

#[test]
fn pods_stay_near_or_far() {
    let zone_key = "topology.kubernetes.io/zone";
    let mut nodes = two();
    nodes.push(labelled("db", json!({"app": "db"}), json!({"nodeName": "b"})));
    let near = json!({"affinity": {"podAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [term("db", zone_key)]}}});
    let far = json!({"affinity": {"podAntiAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [term("db", zone_key)]}}});
    check(nodes.clone(), pod("p", near), Ok("b"));
    check(nodes.clone(), pod("p", far), Ok("a"));
    let nobody = json!({"affinity": {"podAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [term("nobody", zone_key)]}}});
    check(nodes.clone(), pod("p", nobody), Err("2 node(s) didn't match pod affinity rules."));
    let own = json!({"affinity": {"podAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [term("a", zone_key)]}}});
    assert!(Simulation::new(nodes.clone(), 1).place(pod("p", own)).is_ok(), "the first of its kind begins");

    // Who is there may not want others near either.
    let alone = json!({"nodeName": "a", "affinity": {"podAntiAffinity":
        {"requiredDuringSchedulingIgnoredDuringExecution": [term("a", zone_key)]}}});
    nodes.push(labelled("hermit", json!({"app": "hermit"}), alone));
    check(nodes, pod("p", json!({})), Ok("b"));
}

#[test]
fn pods_would_rather_be_near_or_far() {
    let mut nodes = two();
    nodes.push(labelled("db", json!({"app": "db"}), json!({"nodeName": "b"})));
    let rather = |kind: &str| {
        json!({"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": term("db", "kubernetes.io/hostname")}]}}})
    };
    check(nodes.clone(), pod("p", rather("podAffinity")), Ok("b"));
    check(nodes, pod("p", rather("podAntiAffinity")), Ok("a"));
}

#[test]
fn pods_are_spread_evenly() {
    let constraint = |when: &str| {
        json!({"topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": "a"}},
        }]})
    };
    let mut nodes = two();
    nodes.push(pod("there", json!({"nodeName": "a"})));
    check(nodes.clone(), pod("p", constraint("DoNotSchedule")), Ok("b"));
    check(nodes.clone(), pod("p", constraint("ScheduleAnyway")), Ok("b"));
    nodes[1] = with(zone("b", "west"), &["spec", "unschedulable"], json!(true));
    check(
        nodes.clone(),
        pod("p", constraint("DoNotSchedule")),
        Err("1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable."),
    );
    nodes[1] = node("b", &json!({}), "0", "0");
    check(
        nodes,
        labelled("p", json!({"app": "x"}), {
            let mut spec = constraint("DoNotSchedule");
            spec["nodeSelector"] = json!({"kubernetes.io/hostname": "b"});
            spec
        }),
        Err(
            "1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match pod topology spread constraints (missing required label).",
        ),
    );
}

#[test]
fn images_draw_pods() {
    let size = 900 * 1024 * 1024;
    let images = json!([{"names": ["registry.example/big:1"], "sizeBytes": size}]);
    let nodes = vec![zone("a", "east"), with(zone("b", "west"), &["status", "images"], images)];
    check(nodes, pod("p", json!({"containers": [{"name": "main", "image": "registry.example/big:1"}]})), Ok("b"));
}

fn claim(class: &str, volume: &str) -> Value {
    let mut claim = json!({
        "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "ns", "uid": "claim"},
        "spec": {"storageClassName": class, "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}},
    });
    if !volume.is_empty() {
        claim["spec"]["volumeName"] = volume.into();
        claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
    }
    claim
}

fn volume(zone: &str) -> Value {
    json!({
        "kind": "PersistentVolume", "metadata": {"name": "v", "uid": "v"},
        "spec": {"storageClassName": "local", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"],
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}]}}},
        "status": {"phase": "Available"},
    })
}

fn class(provisioner: &str, mode: &str) -> Value {
    json!({"kind": "StorageClass", "metadata": {"name": "local"}, "provisioner": provisioner, "volumeBindingMode": mode})
}

#[test]
fn pods_go_where_their_volumes_are() {
    let uses = json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]});
    let wait = "WaitForFirstConsumer";
    let world = |more: Vec<Value>| two().into_iter().chain(more).collect::<Vec<_>>();
    let pod = || pod("p", uses.clone());
    check(world(vec![claim("local", "v"), volume("west")]), pod(), Ok("b"));
    check(world(vec![claim("local", ""), class("kubernetes.io/no-provisioner", wait), volume("west")]), pod(), Ok("b"));
    check(
        world(vec![claim("local", ""), class("kubernetes.io/no-provisioner", wait)]),
        pod(),
        Err("2 node(s) didn't find available persistent volumes to bind."),
    );
    assert!(Simulation::new(world(vec![claim("local", ""), class("hakata/local", wait)]), 1).place(pod()).is_ok());
    check(world(vec![]), pod(), Err("persistentvolumeclaim \"data\" not found."));
    check(
        world(vec![claim("local", ""), class("hakata/local", "Immediate")]),
        pod(),
        Err("pod has unbound immediate PersistentVolumeClaims."),
    );
    check(
        world(vec![claim("local", "v"), volume("north")]),
        pod(),
        Err("2 node(s) didn't match PersistentVolume's node affinity."),
    );
}

#[test]
fn room_is_made_where_it_hurts_least() {
    let there = |name: &str, node: &str, priority: i64| {
        pod(name, json!({"nodeName": node, "priority": priority, "containers": asking("3")}))
    };
    let mut objects = two();
    objects.push(there("low", "a", 1));
    objects.push(there("middle", "b", 5));
    let big = pod("big", json!({"priority": 10, "containers": asking("2")}));
    let preempt =
        |objects: Vec<Value>, pod: &Value, budgets: &[Value]| Simulation::new(objects, 1).preempt(pod, budgets);
    assert_eq!(preempt(objects.clone(), &big, &[]), Ok(("a".to_owned(), vec!["low".to_owned()])));

    let budget = json!({"metadata": {"namespace": "ns"}, "status": {"disruptionsAllowed": 0},
        "spec": {"selector": {"matchLabels": {"app": "a"}}}});
    objects.push(labelled("free", json!({"app": "free"}), json!({"nodeName": "b", "priority": 0})));
    objects[3] =
        labelled("middle", json!({"app": "free"}), json!({"nodeName": "b", "priority": 5, "containers": asking("3")}));
    assert_eq!(
        preempt(objects.clone(), &big, &[budget]),
        Ok(("b".to_owned(), vec!["middle".to_owned()])),
        "the other is protected, and only who has to goes"
    );

    let humble = pod("humble", json!({"priority": 0, "containers": asking("2")}));
    assert_eq!(
        preempt(objects.clone(), &humble, &[]),
        Err("0/2 nodes are available: 2 No preemption victims found for incoming pod.".to_owned())
    );
    let polite = pod("polite", json!({"priority": 9, "preemptionPolicy": "Never", "containers": asking("2")}));
    assert_eq!(preempt(objects.clone(), &polite, &[]), Err("not eligible due to preemptionPolicy=Never.".to_owned()));
    let huge = pod("huge", json!({"priority": 9, "containers": asking("9")}));
    assert_eq!(
        preempt(objects, &huge, &[]),
        Err("0/2 nodes are available: 2 Preemption is not helpful for scheduling.".to_owned())
    );
}

#[test]
fn no_nodes_is_said_as_such() {
    let got = Simulation::new([], 1).place(pod("p", json!({})));
    assert_eq!(got, Err("no nodes available to schedule pods".to_owned()));
}

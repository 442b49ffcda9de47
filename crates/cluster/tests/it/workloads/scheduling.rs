//! Pods get nodes, wait for nodes, and make room for each other.

use super::stage::{PODS, Stage};
use object::{Value, json};

const NODES: &str = "/api/v1/nodes";

impl Stage {
    /// Makes a node that is ready to take pods.
    pub(super) async fn add_node(&self, name: &str, cpu: &str) -> Value {
        let labels = json!({"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "here"});
        self.create(NODES, json!({"kind": "Node", "metadata": {"name": name, "labels": labels}})).await;
        let amounts = json!({"cpu": cpu, "memory": "8Gi", "pods": "110"});
        let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": "2020-01-01T00:00:00Z", "lastTransitionTime": "2020-01-01T00:00:00Z"}]);
        let status = json!({"status": {"capacity": amounts, "allocatable": amounts, "conditions": ready}});
        self.patch(&format!("{NODES}/{name}/status"), status).await;
        self.until(&format!("{NODES}/{name}"), "its taints to go", |node| node["spec"]["taints"].is_null()).await
    }
}

fn pod(name: &str, spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": name, "labels": {"app": "a"}}, "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "i", "resources": {"requests": {"cpu": "1"}}}],
    }});
    for (key, value) in spec.as_object().unwrap() {
        pod["spec"][key] = value.clone();
    }
    pod
}

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}

fn message(pod: &Value) -> &str {
    let conditions = pod["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let unplaced = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False");
    unplaced.and_then(|condition| condition["message"].as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_pods_until_there_is_a_node() {
    let stage = Stage::set().await;
    stage.create(PODS, pod("early", json!({}))).await;
    // A second pod's way through the store and back is longer than a refusal of the first would take.
    stage.create(PODS, pod("later", json!({}))).await;
    let early = format!("{PODS}/early");
    stage.until(&format!("{PODS}/later"), "the second pod", |pod| pod["status"]["phase"] == "Pending").await;
    assert_eq!(message(&stage.get(&early).await.unwrap()), "");
    stage.add_node("passing", "2").await;
    stage.until(&early, "the pod to be placed", |pod| node_of(pod) == "passing").await;
    let events = stage.list("/api/v1/namespaces/default/events").await;
    assert!(!events.iter().any(|event| event["message"] == "no nodes available to schedule pods"), "{events:?}");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_wait_until_there_is_room() {
    let stage = Stage::set().await;
    stage.create(PODS, pod("first", json!({}))).await;
    let first = format!("{PODS}/first");
    stage.add_node("small", "1").await;
    stage.until(&first, "the first to be placed", |pod| node_of(pod) == "small").await;

    stage.create(PODS, pod("second", json!({}))).await;
    let second = format!("{PODS}/second");
    let none = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    stage.until(&second, "no room", |pod| message(pod) == none).await;
    let failed = stage
        .wait("an event", async || {
            let events = stage.list("/api/v1/namespaces/default/events").await;
            events.into_iter().find(|e| e["reason"] == "FailedScheduling" && e["involvedObject"]["name"] == "second")
        })
        .await;
    assert_eq!((&failed["message"], &failed["type"]), (&json!(none), &json!("Warning")));
    stage.delete(&first).await;
    stage.until(&second, "the second to take its place", |pod| node_of(pod) == "small").await;
    let placed = stage
        .wait("an event", async || {
            let events = stage.list("/api/v1/namespaces/default/events").await;
            events.into_iter().find(|e| e["reason"] == "Scheduled" && e["involvedObject"]["name"] == "second")
        })
        .await;
    assert_eq!(placed["message"], "Successfully assigned default/second to small");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_more_important_pod_takes_the_room() {
    let stage = Stage::set().await;
    let class = json!({"kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000});
    stage.create("/apis/scheduling.k8s.io/v1/priorityclasses", class).await;
    stage.add_node("small", "1").await;
    stage.create(PODS, pod("humble", json!({}))).await;
    stage.until(&format!("{PODS}/humble"), "the humble one to be placed", |pod| node_of(pod) == "small").await;
    stage.create(PODS, pod("proud", json!({"priorityClassName": "high"}))).await;
    stage.until(&format!("{PODS}/proud"), "the proud one to take its place", |pod| node_of(pod) == "small").await;
    assert_eq!(stage.get(&format!("{PODS}/humble")).await, None);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_hold_a_pod_back() {
    let stage = Stage::set().await;
    stage.add_node("small", "4").await;
    stage.create(PODS, pod("gated", json!({"schedulingGates": [{"name": "test/wait"}]}))).await;
    stage.create(PODS, pod("free", json!({}))).await;
    stage.until(&format!("{PODS}/free"), "the free one to be placed", |pod| node_of(pod) == "small").await;
    let gated = format!("{PODS}/gated");
    assert_eq!(node_of(&stage.get(&gated).await.unwrap()), "");
    stage.patch(&gated, json!({"spec": {"schedulingGates": []}})).await;
    stage.until(&gated, "the gated one to be placed", |pod| node_of(pod) == "small").await;
    stage.strike().await;
}

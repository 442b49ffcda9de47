//! DaemonSets bring a pod to every node.

use super::stage::{PODS, Stage, stays, template};
use object::{Value, json};

const SETS: &str = "/apis/apps/v1/namespaces/default/daemonsets";
const SET: &str = "/apis/apps/v1/namespaces/default/daemonsets/agent";

fn set(more: Value) -> Value {
    let mut set = json!({
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("agent", "one")},
    });
    for (key, value) in more.as_object().unwrap() {
        set["spec"][key] = value.clone();
    }
    set
}

async fn ready_until(stage: &Stage, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    stage
        .wait_at(SET, what, async || {
            for pod in stage.list(PODS).await {
                if pod["spec"]["nodeName"].is_string() && pod["status"]["phase"] == "Pending" && stays(&pod) {
                    stage.make_ready(&pod).await;
                }
            }
            stage.get(SET).await.filter(|set| fits(set))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_that_will_have_one_gets_a_pod() {
    let stage = Stage::set().await;
    stage.add_node("one", "4").await;
    stage.add_node("two", "4").await;
    stage.create(SETS, set(json!({}))).await;
    let placed = |pod: &Value| pod["spec"]["nodeName"].is_string();
    stage.until_count(PODS, "two pods on their nodes", 2, placed).await;
    ready_until(&stage, "both ready", |set| {
        set["status"]["numberReady"] == 2 && set["status"]["desiredNumberScheduled"] == 2
    })
    .await;

    stage.add_node("three", "4").await;
    stage.until_count(PODS, "a pod on the new node", 3, placed).await;
    let taints = json!([{"key": "gone", "effect": "NoExecute"}]);
    stage.patch("/api/v1/nodes/two", json!({"spec": {"taints": taints}})).await;
    let left = stage.until_count(PODS, "the pod on the tainted node to go", 2, stays).await;
    assert!(left.iter().all(|pod| pod["spec"]["nodeName"] != "two"));
    stage.patch("/api/v1/nodes/one", json!({"spec": {"unschedulable": true}})).await;
    ready_until(&stage, "the closed node to keep its pod", |set| set["status"]["desiredNumberScheduled"] == 2).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_template_reaches_every_node() {
    let stage = Stage::set().await;
    for node in ["one", "two", "three"] {
        stage.add_node(node, "4").await;
    }
    stage.create(SETS, set(json!({}))).await;
    ready_until(&stage, "all ready", |set| set["status"]["numberAvailable"] == 3).await;
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "two"}]}}}});
    stage.patch(SET, image).await;
    ready_until(&stage, "all new", |set| {
        let status = &set["status"];
        status["observedGeneration"] == 2 && status["updatedNumberScheduled"] == 3 && status["numberAvailable"] == 3
    })
    .await;
    let surge = json!({"spec": {
        "updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"spec": {"containers": [{"name": "main", "image": "three"}]}}}});
    stage.patch(SET, surge).await;
    ready_until(&stage, "all new again", |set| {
        let status = &set["status"];
        status["observedGeneration"] == 3 && status["updatedNumberScheduled"] == 3 && status["numberAvailable"] == 3
    })
    .await;
    let pods = stage.until_count(PODS, "the old to go", 3, |_| true).await;
    assert!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "three"));
    stage.strike().await;
}

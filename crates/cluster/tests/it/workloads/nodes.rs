//! Nodes that are not well lose pods; budgets hold evictions back.

use super::stage::{PODS, Stage, stays, template};
use object::{Value, json};

const BUDGET: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/web";

fn ready(status: &str) -> Value {
    json!({"status": {"conditions": [{"type": "Ready", "status": status, "reason": "Test",
        "lastHeartbeatTime": "2020-01-01T00:00:00Z", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}})
}

fn taints(node: &Value) -> Vec<String> {
    let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let text = |taint: &Value, name: &str| taint[name].as_str().unwrap_or_default().to_owned();
    taints.iter().map(|taint| format!("{}:{}", text(taint, "key"), text(taint, "effect"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_ready_is_tainted_and_loses_pods() {
    let stage = Stage::set().await;
    stage.add_node("here", "4").await;
    for (name, seconds) in [("patient", None), ("hasty", Some(0))] {
        let mut pod = template("a", "i");
        pod["metadata"]["name"] = name.into();
        let mut toleration =
            json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"});
        if let Some(seconds) = seconds {
            toleration["tolerationSeconds"] = json!(seconds);
        }
        pod["spec"]["tolerations"] = json!([toleration]);
        stage.create(PODS, pod).await;
        let placed = stage
            .until(&format!("{PODS}/{name}"), "the pod to be placed", |pod| pod["spec"]["nodeName"] == "here")
            .await;
        stage.make_ready(&placed).await;
    }
    let node = "/api/v1/nodes/here";
    stage.patch(&format!("{node}/status"), ready("False")).await;
    stage
        .until(node, "the taints", |node| {
            taints(node) == ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]
        })
        .await;
    stage.wait("the hasty pod to go", async || stage.get(&format!("{PODS}/hasty")).await.is_none().then_some(())).await;
    stage
        .until(&format!("{PODS}/patient"), "the other not to be ready", |pod| {
            let conditions = pod["status"]["conditions"].as_array().unwrap();
            conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "False")
        })
        .await;
    stage.patch(&format!("{node}/status"), ready("True")).await;
    stage.until(node, "the taints to go", |node| taints(node).is_empty()).await;
    assert!(stays(&stage.get(&format!("{PODS}/patient")).await.unwrap()));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_allows_so_many_evictions() {
    let stage = Stage::set().await;
    stage.add_node("here", "4").await;
    let deployment = json!({"metadata": {"name": "web"}, "spec": {
        "replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "i")}});
    stage.create(super::stage::DEPLOYMENTS, deployment).await;
    let budget = json!({"metadata": {"name": "web"}, "spec": {
        "maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
    stage.create("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget).await;
    let pods = stage.until_count(PODS, "three pods", 3, |pod| pod["spec"]["nodeName"] == "here").await;
    for pod in &pods {
        stage.make_ready(pod).await;
    }
    let budget = stage.until(BUDGET, "one disruption", |budget| budget["status"]["disruptionsAllowed"] == 1).await;
    assert_eq!((&budget["status"]["expectedPods"], &budget["status"]["desiredHealthy"]), (&json!(3), &json!(2)));
    assert_eq!(budget["status"]["conditions"][0]["reason"], "SufficientPods");
    let evict = async |pod: &Value| {
        let name = super::stage::name(pod);
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
        stage.send(http::Method::POST, &format!("{PODS}/{name}/eviction"), eviction).await
    };
    evict(&pods[0]).await.expect("the first may go");
    stage.until(BUDGET, "no more", |budget| budget["status"]["disruptionsAllowed"] == 0).await;
    let refused = evict(&pods[1]).await.expect_err("the second may not");
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 429), "{refused}");
    let new = stage.until_count(PODS, "another in its place", 1, |pod| pod["status"]["phase"] == "Pending").await;
    stage
        .until(&format!("{PODS}/{}", super::stage::name(&new[0])), "it to be placed", |p| {
            p["spec"]["nodeName"] == "here"
        })
        .await;
    stage.make_ready(&new[0]).await;
    stage.until(BUDGET, "one again", |budget| budget["status"]["disruptionsAllowed"] == 1).await;
    stage.strike().await;
}

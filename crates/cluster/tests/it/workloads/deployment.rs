//! Deployments make ReplicaSets, and those pods.

use super::stage::{DEPLOYMENTS, PODS, REPLICA_SETS, Stage, name, stays, template};
use object::{Value, json};

fn deployment(replicas: i64, more: Value) -> Value {
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "one"),
        },
    });
    for (key, value) in more.as_object().unwrap() {
        deployment["spec"][key] = value.clone();
    }
    deployment
}

/// Makes every pod ready that is there, and all that come, until the Deployment is as it shall be.
async fn ready_until(stage: &Stage, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    stage
        .wait_at(&format!("{DEPLOYMENTS}/web"), what, async || {
            for pod in stage.list(&format!("{PODS}?labelSelector=app=web")).await {
                if pod["status"]["phase"] == "Pending" && stays(&pod) {
                    stage.make_ready(&pod).await;
                }
            }
            stage.get(&format!("{DEPLOYMENTS}/web")).await.filter(|deployment| fits(deployment))
        })
        .await
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_rolls_out_and_back() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(3, json!({"revisionHistoryLimit": 1}))).await;
    let done = ready_until(&stage, "the first rollout", |d| {
        condition(d, "Progressing")["reason"] == "NewReplicaSetAvailable" && d["status"]["availableReplicas"] == 3
    })
    .await;
    assert_eq!(condition(&done, "Available")["status"], "True");
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(stage.list(PODS).await.len(), 3);

    for (image, revision) in [("two", "2"), ("three", "3"), ("one", "4")] {
        let path = format!("{DEPLOYMENTS}/web");
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}});
        let changed = stage.patch(&path, patch).await;
        ready_until(&stage, image, |d| {
            let status = &d["status"];
            status["observedGeneration"] == changed["metadata"]["generation"]
                && status["updatedReplicas"] == 3
                && status["replicas"] == 3
                && status["availableReplicas"] == 3
                && d["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == revision
        })
        .await;
        let pods = stage.until_count(PODS, "the old pods to go", 3, |_| true).await;
        assert!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == image), "{image}");
    }
    let sets = stage.until_count(REPLICA_SETS, "old ReplicaSets to go", 2, |_| true).await;
    let full = sets.iter().find(|set| set["spec"]["replicas"] == 3).unwrap();
    assert_eq!(full["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "4");
    stage.delete(&format!("{DEPLOYMENTS}/web")).await;
    stage.until_count(PODS, "everything to go", 0, |_| true).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_and_pausing_leave_the_rollout_alone() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(2, json!({}))).await;
    ready_until(&stage, "the first rollout", |d| d["status"]["availableReplicas"] == 2).await;
    let path = format!("{DEPLOYMENTS}/web");
    let patch = json!({"spec": {"paused": true, "replicas": 4, "template": {"metadata": {"labels": {"new": "yes"}}}}});
    stage.patch(&path, patch).await;
    let paused = ready_until(&stage, "the paused one to grow", |d| d["status"]["availableReplicas"] == 4).await;
    assert_eq!(condition(&paused, "Progressing")["reason"], "DeploymentPaused");
    assert_eq!(stage.list(REPLICA_SETS).await.len(), 1, "paused: nothing new");
    stage.patch(&path, json!({"spec": {"paused": false, "replicas": 1}})).await;
    ready_until(&stage, "the new template", |d| {
        d["status"]["updatedReplicas"] == 1 && d["status"]["replicas"] == 1 && d["status"]["availableReplicas"] == 1
    })
    .await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recreating_waits_for_the_old_pods() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(2, json!({"strategy": {"type": "Recreate"}}))).await;
    ready_until(&stage, "the first rollout", |d| d["status"]["availableReplicas"] == 2).await;
    let pods = stage.list(PODS).await;
    // A finalizer stands for a kubelet that takes its time.
    let kept = format!("{PODS}/{}", name(&pods[0]));
    stage.patch(&kept, json!({"metadata": {"finalizers": ["test/keep"]}})).await;
    let path = format!("{DEPLOYMENTS}/web");
    stage.patch(&path, json!({"spec": {"template": {"metadata": {"labels": {"new": "yes"}}}}})).await;
    stage.until(&kept, "the old pod to be deleted", |pod| !stays(pod)).await;
    stage.until(&path, "no pods", |d| d["status"]["replicas"].is_null()).await;
    assert_eq!(stage.list(&format!("{PODS}?labelSelector=new=yes")).await.len(), 0, "the old one is still there");
    stage.patch(&kept, json!({"metadata": {"finalizers": []}})).await;
    ready_until(&stage, "the new ones", |d| d["status"]["availableReplicas"] == 2).await;
    assert_eq!(stage.list(&format!("{PODS}?labelSelector=new=yes")).await.len(), 2);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_is_told() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(1, json!({"progressDeadlineSeconds": 1, "minReadySeconds": 0}))).await;
    let late = stage
        .until(&format!("{DEPLOYMENTS}/web"), "the deadline", |d| {
            condition(d, "Progressing")["reason"] == "ProgressDeadlineExceeded"
        })
        .await;
    let set = name(&stage.list(REPLICA_SETS).await[0]).to_owned();
    let message = format!("ReplicaSet {set:?} has timed out progressing.");
    assert_eq!(condition(&late, "Progressing")["message"], message);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_set_takes_in_and_lets_go() {
    let stage = Stage::set().await;
    let mut orphan = template("web", "one");
    orphan["metadata"]["name"] = "orphan".into();
    stage.create(PODS, orphan).await;
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "one")},
    });
    stage.create(REPLICA_SETS, set).await;
    stage.until(&format!("{REPLICA_SETS}/web"), "two pods", |set| set["status"]["replicas"] == 2).await;
    assert_eq!(stage.list(PODS).await.len(), 2, "one was there");
    let adopted = stage.get(&format!("{PODS}/orphan")).await.unwrap();
    assert_eq!(adopted["metadata"]["ownerReferences"][0]["name"], "web");

    stage.patch(&format!("{PODS}/orphan"), json!({"metadata": {"labels": {"app": "other"}}})).await;
    stage.until_count(PODS, "another in its place", 3, |_| true).await;
    let released = stage
        .until(&format!("{PODS}/orphan"), "it to be let go", |pod| pod["metadata"]["ownerReferences"].is_null())
        .await;
    assert!(stays(&released));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_say_what_was_done() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(1, json!({}))).await;
    let set = stage.until_count(REPLICA_SETS, "a ReplicaSet", 1, |_| true).await;
    let event = stage
        .wait("an event", async || {
            let events = stage.list("/api/v1/namespaces/default/events").await;
            events.into_iter().find(|event| event["reason"] == "ScalingReplicaSet")
        })
        .await;
    assert_eq!(event["message"], format!("Scaled up replica set {} from 0 to 1", name(&set[0])));
    assert_eq!(event["involvedObject"]["kind"], "Deployment");
    assert_eq!(event["source"]["component"], "deployment-controller");
    stage.strike().await;
}

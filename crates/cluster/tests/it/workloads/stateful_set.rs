//! StatefulSets make pods in order, with names and storage of their own.

use super::stage::{PODS, Stage, name, stays, template};
use object::{Value, json};

const SETS: &str = "/apis/apps/v1/namespaces/default/statefulsets";
const SET: &str = "/apis/apps/v1/namespaces/default/statefulsets/db";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";

fn set(replicas: i64, more: Value) -> Value {
    let mut set = json!({
        "metadata": {"name": "db"},
        "spec": {
            "replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": template("db", "one"),
        },
    });
    for (key, value) in more.as_object().unwrap() {
        set["spec"][key] = value.clone();
    }
    set
}

fn names(pods: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = pods.iter().map(name).collect();
    names.sort_unstable();
    names
}

async fn ready(stage: &Stage, pod: &str) {
    let pod = stage.until(&format!("{PODS}/{pod}"), pod, stays).await;
    stage.make_ready(&pod).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_come_and_go_in_order() {
    let stage = Stage::set().await;
    let claims = json!([{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]);
    let retention = json!({"whenDeleted": "Delete", "whenScaled": "Retain"});
    let more = json!({"volumeClaimTemplates": claims, "persistentVolumeClaimRetentionPolicy": retention,
        "ordinals": {"start": 3}});
    stage.create(SETS, set(2, more)).await;
    let first = stage.until(&format!("{PODS}/db-3"), "the first pod", stays).await;
    assert_eq!(first["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "3");
    assert_eq!(first["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-db-3");
    let claim = stage
        .until(&format!("{CLAIMS}/data-db-3"), "its claim to be kept by the set", |claim| {
            claim["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
        })
        .await;
    assert_eq!(claim["metadata"]["labels"]["app"], "db");
    assert_eq!(names(&stage.list(PODS).await), ["db-3"], "the second waits for the first");
    ready(&stage, "db-3").await;
    ready(&stage, "db-4").await;
    stage.until(SET, "both", |set| set["status"]["availableReplicas"] == 2).await;

    stage.patch(SET, json!({"spec": {"replicas": 1}})).await;
    let left = stage.until_count(PODS, "the last to go", 1, |_| true).await;
    assert_eq!(names(&left), ["db-3"]);
    assert_eq!(stage.list(CLAIMS).await.len(), 2, "claims outlive a smaller set");
    stage.delete(SET).await;
    stage.until_count(PODS, "all pods to go", 0, |_| true).await;
    stage
        .wait("claims to be deleted", async || stage.list(CLAIMS).await.iter().all(|claim| !stays(claim)).then_some(()))
        .await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_template_goes_from_the_last_to_the_partition() {
    let stage = Stage::set().await;
    let more = json!({"podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}});
    stage.create(SETS, set(3, more)).await;
    stage.until_count(PODS, "all at once", 3, |_| true).await;
    for pod in ["db-0", "db-1", "db-2"] {
        ready(&stage, pod).await;
    }
    let before = stage.until(SET, "all", |set| set["status"]["availableReplicas"] == 3).await;
    assert_eq!(before["status"]["currentRevision"], before["status"]["updateRevision"]);
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "two"}]}}}});
    stage.patch(SET, image).await;
    for pod in ["db-2", "db-1"] {
        let path = format!("{PODS}/{pod}");
        let new = stage.until(&path, pod, |pod| pod["spec"]["containers"][0]["image"] == "two" && stays(pod)).await;
        stage.make_ready(&new).await;
    }
    let after = stage
        .until(SET, "two of three", |set| {
            set["status"]["updatedReplicas"] == 2 && set["status"]["availableReplicas"] == 3
        })
        .await;
    assert_eq!(after["status"]["currentReplicas"], 1);
    let kept = stage.get(&format!("{PODS}/db-0")).await.unwrap();
    assert_eq!(kept["spec"]["containers"][0]["image"], "one", "below the partition nothing changes");

    stage.delete(&format!("{PODS}/db-0")).await;
    let back = stage.until(&format!("{PODS}/db-0"), "it to come back", stays).await;
    assert_eq!(back["spec"]["containers"][0]["image"], "one");
    stage.strike().await;
}

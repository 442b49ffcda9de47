//! Claims get volumes, and keep them while they are in use.

use super::stage::{PODS, Stage, stays, template};
use object::{Value, json};

const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES: &str = "/api/v1/persistentvolumes";
const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

fn claim(name: &str, class: Option<&str>, size: &str) -> Value {
    let mut claim = json!({"metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}});
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.into();
    }
    claim
}

fn volume(name: &str, size: &str, policy: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}, "hostPath": {"path": "/tmp/x"},
        "persistentVolumeReclaimPolicy": policy}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_gets_the_smallest_volume_and_keeps_it_while_in_use() {
    let stage = Stage::set().await;
    stage.create(CLAIMS, claim("data", Some(""), "2Gi")).await;
    let waiting = format!("{CLAIMS}/data");
    stage.until(&waiting, "the claim to wait", |claim| claim["status"]["phase"] == "Pending").await;
    stage.create(VOLUMES, volume("small", "1Gi", "Retain")).await;
    stage.create(VOLUMES, volume("right", "3Gi", "Retain")).await;
    let bound = stage.until(&waiting, "the claim to be bound", |claim| claim["status"]["phase"] == "Bound").await;
    assert_eq!(bound["spec"]["volumeName"], "right");
    assert_eq!(bound["status"]["capacity"]["storage"], "3Gi");
    assert_eq!(bound["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"], "yes");
    let right = stage.get(&format!("{VOLUMES}/right")).await.unwrap();
    assert_eq!((&right["status"]["phase"], &right["spec"]["claimRef"]["name"]), (&json!("Bound"), &json!("data")));
    stage.until(&format!("{VOLUMES}/small"), "the other to be free", |v| v["status"]["phase"] == "Available").await;

    stage.add_node("here", "4").await;
    let mut pod = template("user", "i");
    pod["metadata"]["name"] = "user".into();
    pod["spec"]["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    stage.create(PODS, pod).await;
    stage.until(&format!("{PODS}/user"), "the pod to be placed", |pod| pod["spec"]["nodeName"] == "here").await;
    stage.delete(&waiting).await;
    stage.until(&waiting, "the claim to be deleted", |claim| !stays(claim)).await;
    let held = stage.get(&waiting).await.unwrap();
    assert_eq!(held["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]), "the pod holds it");
    stage.delete(&format!("{PODS}/user")).await;
    stage.wait("the claim to go", async || stage.get(&waiting).await.is_none().then_some(())).await;
    stage.until(&format!("{VOLUMES}/right"), "the volume to be let go", |v| v["status"]["phase"] == "Released").await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_its_first_pod_and_then_for_its_provisioner() {
    let stage = Stage::set().await;
    stage.add_node("here", "4").await;
    let class = json!({
        "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "test/local", "volumeBindingMode": "WaitForFirstConsumer"});
    stage.create(CLASSES, class).await;
    stage.create(CLAIMS, claim("data", None, "1Gi")).await;
    let path = format!("{CLAIMS}/data");
    let waiting = stage.until(&path, "the claim to wait", |claim| claim["status"]["phase"] == "Pending").await;
    assert_eq!(waiting["spec"]["storageClassName"], "local");
    let mut pod = template("user", "i");
    pod["metadata"]["name"] = "user".into();
    pod["spec"]["volumes"] = json!([
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
    ]);
    stage.create(PODS, pod).await;
    for name in ["data", "user-own"] {
        let ordered = stage
            .until(&format!("{CLAIMS}/{name}"), "the claim to be ordered", |claim| {
                let notes = &claim["metadata"]["annotations"];
                notes["volume.kubernetes.io/selected-node"] == "here"
                    && notes["volume.kubernetes.io/storage-provisioner"] == "test/local"
            })
            .await;
        // What a provisioner does.
        let mut made = volume(&format!("made-{name}"), "1Gi", "Delete");
        made["metadata"]["annotations"] = json!({"pv.kubernetes.io/provisioned-by": "test/local"});
        made["spec"]["storageClassName"] = "local".into();
        made["spec"]["claimRef"] = json!({"namespace": "default", "name": name, "uid": ordered["metadata"]["uid"]});
        stage.create(VOLUMES, made).await;
    }
    stage.until(&format!("{PODS}/user"), "the pod to be placed", |pod| pod["spec"]["nodeName"] == "here").await;
    for name in ["data", "user-own"] {
        let bound = stage.get(&format!("{CLAIMS}/{name}")).await.unwrap();
        assert_eq!(bound["status"]["phase"], "Bound");
    }
    stage.delete(&format!("{PODS}/user")).await;
    stage
        .wait("the pod's own claim to go", async || {
            stage.get(&format!("{CLAIMS}/user-own")).await.is_none().then_some(())
        })
        .await;
    stage.strike().await;
}

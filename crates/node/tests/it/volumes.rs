//! Each kind of volume, seen from inside pods.

use crate::world::{FOREVER, World, cannot_run, merge, shell};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolume, PersistentVolumeClaim, Secret};
use kube::api::{Api, Patch, PatchParams, PostParams};
use value::{Value, json};

/// A pod's parts with one volume mounted at /v.
fn mounted(volume: Value, mount: Value) -> Value {
    let mut volume = volume;
    volume["name"] = json!("v");
    let mut at = json!({"name": "v", "mountPath": "/v"});
    merge(&mut at, mount);
    json!({"volumes": [volume], "containers": [{"volumeMounts": [at]}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn directories() {
    if cannot_run() {
        return;
    }
    let world = World::start("dirs").await;
    let host = world.folder.path().join("host");
    let path = host.to_str().unwrap().to_owned();
    let check = |name: &'static str, script: &'static str, extra: Value, want: &'static str| {
        let world = &world;
        async move { assert_eq!(world.script(name, script, extra).await, want, "{name}") }
    };
    tokio::join!(
        check("empty", "stat -c %a /v; touch /v/a && ls /v", mounted(json!({"emptyDir": {}}), json!({})), "777\na\n"),
        check(
            "memory",
            "df -m /v | tail -1 | awk '{print $1, $2}'; stat -f -c %T /v",
            mounted(json!({"emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}}), json!({})),
            "tmpfs 5\ntmpfs\n"
        ),
        check(
            "readonly",
            "touch /v/a 2>&1 || true",
            mounted(json!({"emptyDir": {}}), json!({"readOnly": true})),
            "touch: /v/a: Read-only file system\n"
        ),
        check(
            "hostpath",
            "echo x > /v/made; stat -c %a /v",
            mounted(json!({"hostPath": {"path": path, "type": "DirectoryOrCreate"}}), json!({})),
            "755\n"
        ),
        check(
            "grouped",
            "touch /v/a; stat -c '%g %a' /v; stat -c %g /v/a; id -G",
            {
                let mut spec = mounted(json!({"emptyDir": {}}), json!({}));
                merge(&mut spec, json!({"securityContext": {"fsGroup": 4321, "runAsUser": 99}}));
                spec
            },
            "4321 2777\n4321\n0 4321\n"
        ),
    );
    assert_eq!(std::fs::read_to_string(host.join("made")).unwrap(), "x\n");
    let mut spec = mounted(json!({"hostPath": {"path": "/no/such/file", "type": "File"}}), json!({}));
    merge(&mut spec, json!({"containers": [shell("main", "true")]}));
    world.pod("nofile", spec).await;
    let message = "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: /no/such/file is not a file";
    world.event("nofile", "FailedMount", message).await;
    world.finish().await;
    assert!(!host.exists(), "the folder of the test is gone with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn subpaths() {
    if cannot_run() {
        return;
    }
    let world = World::start("subs").await;
    let volume = || json!({"emptyDir": {}});
    let expression = json!({"subPathExpr": "$(NAME)/logs"});
    let mut spec = mounted(volume(), expression);
    merge(
        &mut spec,
        json!({"containers": [{"env": [{"name": "NAME", "value": "web"}],
        "volumeMounts": [{}, {"name": "v", "mountPath": "/whole"}]}]}),
    );
    let said = world.script("expr", "echo x > /v/a; cat /whole/web/logs/a", spec).await;
    assert_eq!(said, "x\n");
    // A link that leads out of the volume is not followed.
    let secret = world.folder.path().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::os::unix::fs::symlink("../secret", world.folder.path().join("link")).unwrap();
    let inner = world.folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink(&secret, inner.join("out")).unwrap();
    let host = json!({"hostPath": {"path": inner.to_str().unwrap()}});
    let mut spec = mounted(host, json!({"subPath": "out"}));
    merge(&mut spec, json!({"containers": [shell("main", "true")]}));
    world.pod("escape", spec).await;
    let waits = |pod: &Value| {
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
        waiting["reason"] == "CreateContainerConfigError"
    };
    let pod = world.until("escape", "a refusal", waits).await;
    let message = "failed to prepare subPath for volumeMount \"v\" of container \"main\"";
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"], message);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_files_and_follow_changes() {
    if cannot_run() {
        return;
    }
    let world = World::start("files").await;
    let config = json!({"metadata": {"name": "cfg"}, "data": {"a": "1", "b": "2"}, "binaryData": {"c": "AAE="}});
    world.make::<ConfigMap>(config).await;
    world.make::<Secret>(json!({"metadata": {"name": "sec"}, "stringData": {"key": "hidden"}})).await;
    let items = json!([{"key": "a", "path": "sub/one", "mode": 0o400}]);
    let downward = json!([{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "requests.cpu", "divisor": "1m"}}]);
    let token = json!({"path": "token", "audience": "me", "expirationSeconds": 600});
    let sources = json!([{"secret": {"name": "sec"}}, {"configMap": {"name": "cfg", "items": items}},
        {"downwardAPI": {"items": downward}}, {"serviceAccountToken": token}]);
    let volumes = json!([{"name": "cfg", "configMap": {"name": "cfg"}}, {"name": "sec", "secret": {"secretName": "sec"}},
        {"name": "all", "projected": {"sources": sources, "defaultMode": 0o640}},
        {"name": "none", "configMap": {"name": "none", "optional": true}}]);
    let mut main = shell("main", FOREVER);
    let names = ["cfg", "sec", "all", "none"];
    let mounts: Vec<Value> = names.iter().map(|name| json!({"name": name, "mountPath": format!("/{name}")})).collect();
    main["volumeMounts"] = json!(mounts);
    main["resources"] = json!({"requests": {"cpu": "250m"}});
    let meta = json!({"name": "files", "labels": {"app": "web"}});
    world.pod_with(meta, json!({"volumes": volumes, "containers": [main]})).await;
    let pod = world.ready("files").await;
    let check = async |script: &str, want: &str| assert_eq!(world.exec(&pod, "main", script).await, want, "{script}");
    check("cat /cfg/a /cfg/b; wc -c < /cfg/c; ls /cfg", "122\na\nb\nc\n").await;
    check("readlink /cfg/a; stat -L -c %a /cfg/a", "..data/a\n644\n").await;
    check("cat /sec/key; stat -f -c %T /sec", "hiddentmpfs\n").await;
    check("cat /all/sub/one /all/key /all/labels /all/cpu", "1hiddenapp=\"web\"250").await;
    check("stat -L -c %a /all/sub/one /all/key", "400\n640\n").await;
    check("ls /none; touch /cfg/x 2>&1", "touch: /cfg/x: Read-only file system\n").await;
    check("test -s /var/run/secrets/kubernetes.io/serviceaccount/token && echo yes", "yes\n").await;
    check("cut -d. -f2 /all/token | base64 -d 2>/dev/null | grep -c '\"aud\":\\[\"me\"\\]'", "1\n").await;
    let patch = Patch::Merge(json!({"data": {"a": "changed", "b": null}}));
    world.api::<ConfigMap>().patch("cfg", &PatchParams::default(), &patch).await.unwrap();
    world.says(&pod, "main", "cat /cfg/a; ls /cfg | tr '\\n' ' '", "changeda c").await;
    world.says(&pod, "main", "cat /all/sub/one", "changed").await;
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": "shop"}}}));
    world.pods().patch("files", &PatchParams::default(), &patch).await.unwrap();
    world.says(&pod, "main", "cat /all/labels", "app=\"shop\"").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_waits_for_its_objects() {
    if cannot_run() {
        return;
    }
    let world = World::start("wait").await;
    let mut spec = mounted(json!({"configMap": {"name": "late"}}), json!({}));
    merge(&mut spec, json!({"restartPolicy": "Never", "containers": [shell("main", "cat /v/a; echo $B")]}));
    spec["containers"][0]["env"] = json!([{"name": "B", "valueFrom": {"secretKeyRef": {"name": "later", "key": "b"}}}]);
    world.pod("waits", spec).await;
    let message = "MountVolume.SetUp failed for volume \"v\" : configmap \"late\" not found";
    world.event("waits", "FailedMount", message).await;
    world.make::<ConfigMap>(json!({"metadata": {"name": "late"}, "data": {"a": "x"}})).await;
    let waits = |pod: &Value| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    };
    let pod = world.until("waits", "the secret to be missed", waits).await;
    let message = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    assert_eq!(message, "secret \"later\" not found");
    world.make::<Secret>(json!({"metadata": {"name": "later"}, "stringData": {"b": "y"}})).await;
    let pod = world.phase("waits", "Succeeded").await;
    assert_eq!(world.log(&pod, "main", 0), "xy\n");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims() {
    if cannot_run() {
        return;
    }
    let world = World::start("claims").await;
    let disk = world.folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let class = "none";
    let volume = json!({"metadata": {"name": "disk"}, "spec": {"capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"], "storageClassName": class, "hostPath": {"path": disk.to_str().unwrap()},
        "claimRef": {"namespace": "default", "name": "data"}}});
    let volumes: Api<PersistentVolume> = Api::all(world.client.clone());
    volumes.create(&PostParams::default(), &value::from_value(volume).unwrap()).await.unwrap();
    let mut spec = mounted(json!({"persistentVolumeClaim": {"claimName": "data"}}), json!({}));
    merge(&mut spec, json!({"restartPolicy": "Never", "containers": [shell("main", "echo kept > /v/file")]}));
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
        "volumeName": "disk", "resources": {"requests": {"storage": "1Gi"}}}});
    world.make::<PersistentVolumeClaim>(claim).await;
    world.pod("claims", spec).await;
    // Who binds is another's work; here the test does.
    let bound = Patch::Merge(json!({"status": {"phase": "Bound"}}));
    world.api::<PersistentVolumeClaim>().patch_status("data", &PatchParams::default(), &bound).await.unwrap();
    world.phase("claims", "Succeeded").await;
    assert_eq!(std::fs::read_to_string(disk.join("file")).unwrap(), "kept\n");
    world.delete("claims").await;
    assert!(disk.join("file").exists(), "data outlives its pod");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_use_too_much_room_are_evicted() {
    if cannot_run() {
        return;
    }
    let world = World::start("evict").await;
    let mut spec = mounted(json!({"emptyDir": {"sizeLimit": "1Mi"}}), json!({}));
    let fill = format!("dd if=/dev/zero of=/v/a bs=1M count=3; {FOREVER}");
    merge(&mut spec, json!({"containers": [shell("main", &fill)]}));
    world.pod("large", spec).await;
    let pod = world.phase("large", "Failed").await;
    assert_eq!(pod["status"]["reason"], "Evicted");
    assert_eq!(pod["status"]["message"], "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ");
    world.event("large", "Evicted", "exceeds the limit").await;
    world.finish().await;
}

//! From a spec to a running container and to its end.

use crate::world::{FOREVER, World, cannot_run, condition, shell};
use value::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_runs_and_goes() {
    if cannot_run() {
        return;
    }
    let world = World::start("run").await;
    world.pod("web", json!({"containers": [shell("main", &format!("echo hello; {FOREVER}"))]})).await;
    let pod = world.ready("web").await;
    let status = &pod["status"];
    assert_eq!(status["phase"], "Running");
    for name in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"] {
        assert_eq!(condition(&pod, name), "True", "{name}");
    }
    let container = &status["containerStatuses"][0];
    assert_eq!(
        (&container["ready"], &container["started"], &container["restartCount"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert!(container["state"]["running"]["startedAt"].is_string());
    assert!(container["containerID"].as_str().unwrap().starts_with("hakata://"));
    assert_eq!(container["image"], "docker.io/library/busybox:1");
    assert_eq!(status["qosClass"], "BestEffort");
    assert!(status["podIP"].as_str().unwrap().starts_with("10.10"));
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(world.exec(&pod, "main", "hostname").await.trim(), "web");
    assert_eq!(world.said(&pod, "main").await, "hello\n");
    for (reason, message) in [
        ("Pulled", "Container image \"busybox:1\" already present on machine and can be accessed by the pod"),
        ("Created", "Container created"),
        ("Started", "Container started"),
    ] {
        world.event("web", reason, message).await;
    }
    world.delete("web").await;
    world.event("web", "Killing", "Stopping container main").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_end_as_their_containers_do() {
    if cannot_run() {
        return;
    }
    let world = World::start("end").await;
    let spec = |script: &str| json!({"restartPolicy": "Never", "containers": [shell("main", script)]});
    world.pod("good", spec("echo done > /dev/termination-log")).await;
    world.pod("bad", spec("exit 3")).await;
    let mut fallback = spec("echo why; exit 1");
    fallback["containers"][0]["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    world.pod("told", fallback).await;
    world
        .pod("missing", {
            let mut spec = spec("");
            spec["containers"][0]["command"] = json!(["/no/such"]);
            spec
        })
        .await;
    let ended = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    let good = world.phase("good", "Succeeded").await;
    assert_eq!((&ended(&good)["exitCode"], &ended(&good)["reason"]), (&json!(0), &json!("Completed")));
    assert_eq!(ended(&good)["message"], "done\n");
    let reason = |pod: &Value, name: &str| {
        let all = pod["status"]["conditions"].as_array().unwrap();
        all.iter().find(|condition| condition["type"] == name).unwrap()["reason"].clone()
    };
    assert_eq!((reason(&good, "Ready"), reason(&good, "Initialized")), (json!("PodCompleted"), json!("PodCompleted")));
    let bad = world.phase("bad", "Failed").await;
    assert_eq!((&ended(&bad)["exitCode"], &ended(&bad)["reason"]), (&json!(3), &json!("Error")));
    assert_eq!(reason(&bad, "Ready"), json!("PodFailed"));
    assert_eq!(ended(&world.phase("told", "Failed").await)["message"], "why\n");
    let missing = world.phase("missing", "Failed").await;
    assert_eq!((&ended(&missing)["exitCode"], &ended(&missing)["reason"]), (&json!(128), &json!("StartError")));
    assert_eq!(world.log(&bad, "main", 0), "", "logs of pods that are over are kept");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_fail_are_started_again_and_wait() {
    if cannot_run() {
        return;
    }
    let world = World::start("again").await;
    world.pod("crash", json!({"containers": [shell("main", "echo once; exit 7")]})).await;
    let waits = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff";
    let pod = world.until("crash", "CrashLoopBackOff", waits).await;
    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 7);
    assert!(container["restartCount"].as_i64().unwrap() >= 1);
    assert_eq!(pod["status"]["phase"], "Running");
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let message = format!("back-off 10s restarting failed container=main pod=crash_default({uid})");
    assert_eq!(container["state"]["waiting"]["message"], message);
    world.event("crash", "BackOff", "Back-off restarting failed container main in pod crash_default").await;
    assert_eq!(world.log(&pod, "main", 0), "once\n");
    assert_eq!(world.log(&pod, "main", 1), "once\n");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_node_changes_nothing() {
    if cannot_run() {
        return;
    }
    let mut world = World::start("adopt").await;
    let probe = json!({"exec": {"command": ["true"]}, "periodSeconds": 1});
    let mut main = shell("main", &format!("echo hello; {FOREVER}"));
    main["readinessProbe"] = probe;
    world.pod("web", json!({"containers": [main]})).await;
    world.pod("done", json!({"restartPolicy": "Never", "containers": [shell("main", "exit 4")]})).await;
    let before = world.ready("web").await;
    let done = world.phase("done", "Failed").await;
    world.restart_node().await;
    world.pod("late", json!({"restartPolicy": "Never", "containers": [shell("main", "true")]})).await;
    world.phase("late", "Succeeded").await;
    let after = world.ready("web").await;
    assert_eq!(before["status"], after["status"], "nothing is told anew");
    assert_eq!(world.exec(&after, "main", "echo here").await.trim(), "here");
    assert_eq!(world.phase("done", "Failed").await["status"], done["status"]);
    world.delete("web").await;
    world.finish().await;
}

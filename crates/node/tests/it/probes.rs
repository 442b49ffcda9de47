//! Probes, hooks, initialising containers and sidecars.

use crate::world::{FOREVER, World, cannot_run, condition, shell};
use kube::api::DeleteParams;
use value::{Value, json};

/// A little web server of busybox's that answers with what lies in /www.
const WEB: &str = "mkdir -p /tmp/www; echo ok > /tmp/www/ok; exec httpd -f -p 8080 -h /tmp/www";

fn probed(script: &str, probe: &str, action: Value) -> Value {
    let mut main = shell("main", script);
    let mut all = json!({"periodSeconds": 1, "failureThreshold": 1});
    crate::world::merge(&mut all, action);
    main[probe] = all;
    json!({"containers": [main]})
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_the_probe() {
    if cannot_run() {
        return;
    }
    let world = World::start("ready").await;
    let http = |path: &str| json!({"httpGet": {"path": path, "port": 8080}});
    world.pod("http", probed(WEB, "readinessProbe", http("/ok"))).await;
    world.pod("tcp", probed(WEB, "readinessProbe", json!({"tcpSocket": {"port": 8080}}))).await;
    let file = json!({"exec": {"command": ["cat", "/tmp/up"]}});
    world.pod("exec", probed(&format!("sleep 1; touch /tmp/up; {FOREVER}"), "readinessProbe", file)).await;
    world.pod("gone", probed(WEB, "readinessProbe", http("/none"))).await;
    world.pod("grpc", probed(FOREVER, "readinessProbe", json!({"grpc": {"port": 9000}}))).await;
    for name in ["http", "tcp", "exec"] {
        world.ready(name).await;
    }
    world.event("exec", "Unhealthy", "Readiness probe failed: cat: can't open '/tmp/up'").await;
    world.event("gone", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404").await;
    world.event("grpc", "Unhealthy", "Readiness probe failed: timeout: failed to connect service").await;
    let pod = world.phase("gone", "Running").await;
    assert_eq!(condition(&pod, "Ready"), "False");
    let pod = world.ready("exec").await;
    world.exec(&pod, "main", "rm /tmp/up").await;
    world.until("exec", "unreadiness", |pod| condition(pod, "Ready") == "False").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_live_is_started_again() {
    if cannot_run() {
        return;
    }
    let world = World::start("live").await;
    let dead = json!({"exec": {"command": ["false"]}});
    world.pod("dead", probed(FOREVER, "livenessProbe", dead.clone())).await;
    world.event("dead", "Killing", "Container main failed liveness probe, will be restarted").await;
    let again = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_i64() >= Some(1);
    let pod = world.until("dead", "a restart", again).await;
    assert_eq!(pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 0);
    world.event("dead", "Unhealthy", "Liveness probe failed: ").await;
    world.pod("slow", probed(FOREVER, "startupProbe", dead)).await;
    world.event("slow", "Killing", "Container main failed startup probe, will be restarted").await;
    let hangs = json!({"exec": {"command": ["sleep", "100"]}, "timeoutSeconds": 1});
    world.pod("hangs", probed(FOREVER, "livenessProbe", hangs)).await;
    let message = "Liveness probe failed: command timed out: \"sleep 100\" timed out after 1s";
    world.event("hangs", "Unhealthy", message).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_probes_wait_for_the_start() {
    if cannot_run() {
        return;
    }
    let world = World::start("start").await;
    let mut spec =
        probed(FOREVER, "startupProbe", json!({"exec": {"command": ["cat", "/tmp/up"]}, "failureThreshold": 60}));
    spec["containers"][0]["livenessProbe"] = json!({"exec": {"command": ["cat", "/tmp/up"]}, "failureThreshold": 1});
    world.pod("starts", spec).await;
    world.event("starts", "Unhealthy", "Startup probe failed").await;
    let pod = world.phase("starts", "Running").await;
    assert_eq!(pod["status"]["containerStatuses"][0]["started"], false);
    world.exec(&pod, "main", "touch /tmp/up").await;
    let pod = world.ready("starts").await;
    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!((&container["started"], &container["restartCount"]), (&json!(true), &json!(0)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks() {
    if cannot_run() {
        return;
    }
    let world = World::start("hooks").await;
    let mount = json!([{"name": "v", "mountPath": "/v"}]);
    let folder = world.folder.path().join("hooks");
    let volume = json!([{"name": "v", "hostPath": {"path": folder.to_str().unwrap(), "type": "DirectoryOrCreate"}}]);
    let say = |word: &str| json!({"exec": {"command": ["sh", "-c", format!("echo {word} >> /v/said")]}});
    let mut main = shell(
        "main",
        &format!("trap 'echo end >> /v/said; exit 0' TERM; {}", "while :; do sleep 1000 & wait $!; done"),
    );
    main["lifecycle"] = json!({"postStart": say("begin"), "preStop": say("stop")});
    main["volumeMounts"] = mount;
    world.pod("good", json!({"terminationGracePeriodSeconds": 10, "volumes": volume, "containers": [main]})).await;
    world.ready("good").await;
    world.delete("good").await;
    assert_eq!(std::fs::read_to_string(folder.join("said")).unwrap(), "begin\nstop\nend\n");
    let mut main = shell("main", FOREVER);
    main["lifecycle"] = json!({"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 3"]}}});
    world.pod("bad", json!({"containers": [main]})).await;
    world.event("bad", "FailedPostStartHook", "PostStartHook failed").await;
    world.event("bad", "Killing", "FailedPostStartHook").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn initialising_containers_and_sidecars() {
    if cannot_run() {
        return;
    }
    let world = World::start("init").await;
    let folder = world.folder.path().join("order");
    let volume = json!([{"name": "v", "hostPath": {"path": folder.to_str().unwrap(), "type": "DirectoryOrCreate"}}]);
    let noted = |name: &str, restart: Option<&str>, then: &str| {
        let end = format!("trap 'echo {name}-end >> /v/order; exit 0' TERM");
        let mut container = shell(name, &format!("{end}; echo {name} >> /v/order; {then}"));
        container["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
        if let Some(policy) = restart {
            container["restartPolicy"] = json!(policy);
        }
        container
    };
    let on = "while :; do sleep 1000 & wait $!; done";
    let inits = json!([
        noted("a", None, "true"),
        noted("s", Some("Always"), on),
        noted("t", Some("Always"), on),
        noted("b", None, "true")
    ]);
    let spec = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 20, "volumes": volume,
        "initContainers": inits, "containers": [noted("main", None, on)]});
    world.pod("order", spec).await;
    let pod = world.ready("order").await;
    let init = &pod["status"]["initContainerStatuses"];
    assert_eq!(init[0]["state"]["terminated"]["reason"], "Completed");
    assert_eq!((&init[1]["started"], &init[1]["ready"]), (&json!(true), &json!(true)));
    world.delete("order").await;
    let order = std::fs::read_to_string(folder.join("order")).unwrap();
    assert_eq!(
        order.split_whitespace().collect::<Vec<_>>(),
        ["a", "s", "t", "b", "main", "main-end", "t-end", "s-end"]
    );
    let bad = json!({"restartPolicy": "Never", "initContainers": [shell("i", "exit 9")], "containers": [shell("main", "true")]});
    world.pod("bad", bad).await;
    let pod = world.phase("bad", "Failed").await;
    assert_eq!(pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"], 9);
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "PodInitializing");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_grace_counts_at_once() {
    if cannot_run() {
        return;
    }
    let world = World::start("grace").await;
    let stubborn = shell("main", "trap '' TERM; while :; do sleep 1; done");
    world.pod("deaf", json!({"terminationGracePeriodSeconds": 1000, "containers": [stubborn]})).await;
    world.ready("deaf").await;
    world.pods().delete("deaf", &DeleteParams::default()).await.unwrap();
    world.event("deaf", "Killing", "Stopping container main").await;
    world.pods().delete("deaf", &DeleteParams::default().grace_period(1)).await.unwrap();
    world.gone("deaf").await;
    world.finish().await;
}

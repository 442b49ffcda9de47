//! What guards the API server, end to end: Pod Security, the audit log, Secrets on disk.

use crate::hooks::Hooks;
use crate::webhooks::send;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use kube::Client;
use object::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const PODS: &str = "/api/v1/namespaces/default/pods";
pub(crate) const SECRETS: &str = "/api/v1/namespaces/default/secrets";

/// Waits for something that comes, however busy the machine is.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends an object; the code and the warnings of the answer.
async fn warned(client: &Client, method: Method, path: &str, body: &Value) -> (u16, Vec<String>) {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let answer =
        client.send(request.body(kube::client::Body::from(body.to_string().into_bytes())).unwrap()).await.unwrap();
    let warnings = answer.headers().get_all("warning").iter().map(|text| text.to_str().unwrap().to_owned());
    (answer.status().as_u16(), warnings.collect())
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
           "spec": {"hostNetwork": true, "containers": [{"name": "c", "image": "registry.example/app:1"}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_as_strict_as_the_file_and_their_namespace_ask() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("admission.yaml");
    std::fs::write(
        &file,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  configuration:\n    \
         apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    \
         defaults: {enforce: baseline, warn: baseline}\n    exemptions: {namespaces: [kube-system]}\n",
    )
    .unwrap();
    let world = World::start_with(|config| config.guard.admission = Some(file)).await;
    let client = world.client().await;
    let (code, refusal) = send(&client, Method::POST, PODS, &pod("p")).await;
    let want = "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)";
    assert_eq!((code, refusal["message"].as_str()), (403, Some(want)));
    let exempt = "/api/v1/namespaces/kube-system/pods";
    assert_eq!(send(&client, Method::POST, exempt, &pod("p")).await.0, 201);

    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod("p")["spec"]});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}});
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let (code, warnings) = warned(&client, Method::POST, path, &deployment).await;
    assert_eq!(code, 201);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("would violate PodSecurity"), "{warnings:?}");

    let labels = |level: &str| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
    let namespace = "/api/v1/namespaces/default";
    assert_eq!(send(&client, Method::PATCH, namespace, &labels("privileged")).await.0, 200);
    assert_eq!(send(&client, Method::POST, PODS, &pod("p")).await.0, 201);
    let (code, warnings) = warned(&client, Method::PATCH, namespace, &labels("baseline")).await;
    assert_eq!(code, 200);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[1].contains("p: host namespaces"), "{warnings:?}");
    world.stop().await;
}

pub(crate) fn secret(name: &str, text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"password": text}})
}

fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_tells_who_did_what_and_keeps_secrets() {
    let world = World::start().await;
    let client = world.client().await;
    assert_eq!(send(&client, Method::POST, SECRETS, &secret("s", "swordfish")).await.0, 201);
    assert_eq!(send(&client, Method::GET, &format!("{SECRETS}/s"), &Value::Null).await.0, 200);
    assert_eq!(send(&client, Method::POST, PODS, &json!({"kind": "Pod"})).await.0, 422);
    assert_eq!(send(&client, Method::GET, "/readyz", &Value::Null).await.0, 200);
    let log = world.folder().join("data/audit/audit.log");
    let of = |events: &[Value], verb: &str, resource: &str| {
        let found = events.iter().find(|event| {
            event["verb"] == verb
                && event["objectRef"]["resource"] == resource
                && event["user"]["username"] != "system:apiserver"
        });
        found.cloned()
    };
    until("the refused pod in the audit log", || of(&events(&log), "create", "pods").is_some()).await;
    let events = events(&log);
    let created = of(&events, "create", "secrets").expect("the secret in the log");
    assert_eq!((&created["level"], &created["stage"]), (&json!("Metadata"), &json!("ResponseComplete")));
    assert_eq!(
        created["objectRef"],
        json!({"resource": "secrets", "namespace": "default", "name": "s", "apiVersion": "v1"})
    );
    assert_eq!(created["annotations"]["authorization.k8s.io/decision"], "allow");
    assert_eq!(created["responseStatus"]["code"], 201);
    assert!(of(&events, "get", "secrets").is_some());
    let refused = of(&events, "create", "pods").unwrap();
    assert_eq!((&refused["level"], &refused["responseStatus"]["reason"]), (&json!("Request"), &json!("Invalid")));
    // What was sent is told as it was understood.
    let sent = &refused["requestObject"];
    assert_eq!((&sent["apiVersion"], &sent["spec"]["restartPolicy"]), (&json!("v1"), &json!("Always")));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("swordfish") && !text.contains(&STANDARD.encode("swordfish")));
    assert!(!text.contains("/readyz"));
    let (_, page) = send(&client, Method::GET, "/metrics", &Value::Null).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("\napiserver_audit_error_total{plugin=\"log\"} 0\n"), "{page}");
    assert!(page.contains("\napiserver_audit_level_total{level=\"Metadata\"} "));
    world.stop().await;
}

/// A kubeconfig that leads to a path of a server of the test's own.
pub(crate) fn kubeconfig(folder: &Path, hooks: &Hooks, path: &str) -> std::path::PathBuf {
    let file = folder.join(format!("{}.kubeconfig", path.trim_start_matches('/')));
    let config = json!({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {
            "server": format!("https://127.0.0.1:{}{path}", hooks.port()), "certificate-authority-data": hooks.ca_bundle(),
        }}],
        "users": [{"name": "u", "user": {}}],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_events_go_to_a_webhook_as_the_policy_says() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = Hooks::start(|_, _| json!({})).await;
    let webhook = kubeconfig(folder.path(), &hooks, "/audit");
    let policy = folder.path().join("policy.yaml");
    std::fs::write(
        &policy,
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: RequestResponse\n  verbs: [create]\n  \
         resources: [{resources: [configmaps]}]\n  namespaces: [default]\n  users: [kubernetes-admin]\n- level: None\n",
    )
    .unwrap();
    let world = World::start_with(|config| {
        config.guard.audit.policy = Some(policy);
        config.guard.audit.webhook = Some(webhook);
        config.guard.audit.webhook_max_wait = Duration::from_millis(50);
    })
    .await;
    let client = world.client().await;
    let (_, review) = send(
        &client,
        Method::POST,
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}),
    )
    .await;
    assert_eq!(review["status"]["userInfo"]["username"], "kubernetes-admin", "whom the policy is about");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "v"}});
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/default/configmaps", &map).await.0, 201);
    let items =
        || hooks.heard("/audit").iter().flat_map(|list| list["items"].as_array().unwrap().clone()).collect::<Vec<_>>();
    until("the last event at the webhook", || items().iter().any(|event| event["stage"] == "ResponseComplete")).await;
    let items = items();
    let stages: Vec<&str> = items.iter().map(|event| event["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["RequestReceived", "ResponseComplete"]);
    assert_eq!(items[1]["requestObject"]["data"], json!({"k": "v"}));
    assert_eq!(items[1]["responseObject"]["data"], json!({"k": "v"}));
    assert!(items[1]["responseObject"]["metadata"]["uid"].is_string());
    world.stop().await;
}

/// True if some file of the store has the text in it.
pub(crate) fn lies_open(data: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(data.join("store")).unwrap().flatten();
    let encoded = STANDARD.encode(text);
    let has = |bytes: &[u8], part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    files.filter_map(|file| std::fs::read(file.path()).ok()).any(|bytes| has(&bytes, text) || has(&bytes, &encoded))
}

pub(crate) async fn password(client: &Client, name: &str) -> String {
    let (code, secret) = send(client, Method::GET, &format!("{SECRETS}/{name}"), &Value::Null).await;
    assert_eq!(code, 200, "{secret}");
    String::from_utf8(STANDARD.decode(secret["data"]["password"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_lie_encrypted_on_disk_and_their_key_is_turned_over() {
    let world = World::start().await;
    let data = world.folder().join("data");
    let client = world.client().await;
    assert_eq!(send(&client, Method::POST, SECRETS, &secret("s", "a long enough password")).await.0, 201);
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "visible to all"}});
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/default/configmaps", &map).await.0, 201);
    assert!(!lies_open(&data, "a long enough password"));
    assert!(lies_open(&data, "visible to all"));

    // While the server runs.
    let rotating = data.clone();
    let rotated = tokio::task::spawn_blocking(move || cluster::atrest::rotate(&rotating, true)).await.unwrap().unwrap();
    assert!(rotated.by_server);
    assert_eq!(password(&client, "s").await, "a long enough password");
    let keys = std::fs::read_to_string(data.join("pki/encryption.yaml")).unwrap();
    assert_eq!((keys.matches("- name:").count(), keys.contains(&rotated.key)), (1, true), "old keys are forgotten");

    let snapshot = world.folder().join("snapshot.db");
    cluster::snapshot::save(&data, &snapshot).unwrap();
    let world = world.restart().await;
    let client = world.client().await;
    assert_eq!(password(&client, "s").await, "a long enough password");
    let _folder = world.stop_and_keep().await;

    // A snapshot holds the Secret, for who has the key.
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = elsewhere.path().join("data");
    cluster::snapshot::restore(&snapshot, &restored).unwrap();
    std::fs::create_dir_all(restored.join("pki")).unwrap();
    std::fs::write(restored.join("pki/encryption.yaml"), keys).unwrap();
    // While no server runs.
    let rotated = cluster::atrest::rotate(&restored, false).unwrap();
    assert!(!rotated.by_server);
    let running = crate::world::Running::start(elsewhere.path()).await;
    assert_eq!(password(&running.client().await, "s").await, "a long enough password");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lay_open_is_encrypted_and_a_missing_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.yaml");
    std::fs::write(
        &plain,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - identity: {}\n",
    )
    .unwrap();
    let world = World::start_with(|config| config.guard.encryption = Some(plain)).await;
    let data = world.folder().join("data");
    let client = world.client().await;
    assert_eq!(send(&client, Method::POST, SECRETS, &secret("s", "a long enough password")).await.0, 201);
    assert!(lies_open(&data, "a long enough password"));
    let world = world.restart().await;
    assert_eq!(password(&world.client().await, "s").await, "a long enough password");
    assert!(!lies_open(&data, "a long enough password"));
    let folder = world.stop_and_keep().await;

    std::fs::remove_file(data.join("pki/encryption.yaml")).unwrap();
    let config =
        cluster::config::Config { listen: "127.0.0.1:0".parse().unwrap(), ..cluster::config::Config::new(data) };
    let error = cluster::server::Server::build(config).await.err().expect("the key is missing");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("none of the configured keys") && cause.contains("pki/encryption.yaml"), "{cause}");
    drop(folder);
}

//! Admission webhooks against a real HTTPS server of the test's own.

use crate::hooks::{Hooks, patch, reviewed};
use crate::world::World;
use http::{Method, Request};
use kube::Client;
use object::{Value, json};

/// Sends a request; the answer's code and body.
pub(crate) async fn send(client: &Client, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let content = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).header("content-type", content);
    let answer = client.send(request.body(kube::client::Body::from(bytes)).unwrap()).await.unwrap();
    let code = answer.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()))
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

/// A webhook about creations and updates of config maps in the namespace `default`.
fn hook(name: &str, config: Value) -> Value {
    json!({
        "name": format!("{name}.example.com"), "clientConfig": config, "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"],
                   "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
    })
}

/// Until the namespace has the config map that every namespace gets: hooks shall hear of the test's own alone.
async fn settled(client: &Client) {
    let path = format!("{MAPS}/kube-root-ca.crt");
    while send(client, Method::GET, &path, &Value::Null).await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn configure(client: &Client, kind: &str, name: &str, hooks: Vec<Value>) {
    settled(client).await;
    let plural = format!("{}s", kind.to_lowercase());
    let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}");
    send(client, Method::DELETE, &format!("{path}/{name}"), &Value::Null).await;
    let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name},
                        "webhooks": hooks});
    let (code, answer) = send(client, Method::POST, &path, &object).await;
    assert_eq!(code, 201, "{answer}");
}

const VALIDATING: &str = "ValidatingWebhookConfiguration";
const MUTATING: &str = "MutatingWebhookConfiguration";

#[tokio::test(flavor = "multi_thread")]
async fn a_validating_webhook_is_asked_and_obeyed() {
    let world = World::start().await;
    let client = world.client().await;
    let hooks = Hooks::start(|path, review| {
        let refused = review["request"]["object"]["metadata"]["name"] == "bad";
        let response = match (path, refused) {
            ("/check", true) => {
                json!({"allowed": false, "status": {"message": "not so", "code": 422, "reason": "Mine"}})
            }
            ("/mute", true) => json!({"allowed": false}),
            _ => json!({"allowed": true, "warnings": ["mind the gap"], "auditAnnotations": {"k": "v"}}),
        };
        reviewed(review, response)
    })
    .await;
    configure(&client, VALIDATING, "a", vec![hook("check", hooks.config("/check"))]).await;
    assert_eq!(send(&client, Method::POST, MAPS, &map("good")).await.0, 201);
    let review = &hooks.heard("/check")[0]["request"];
    assert_eq!(review["operation"], "CREATE");
    assert_eq!(review["kind"], json!({"group": "", "version": "v1", "kind": "ConfigMap"}));
    assert_eq!(review["resource"], json!({"group": "", "version": "v1", "resource": "configmaps"}));
    assert_eq!((&review["name"], &review["namespace"]), (&json!("good"), &json!("default")));
    assert_eq!(review["object"]["kind"], "ConfigMap");
    assert_eq!((&review["oldObject"], &review["dryRun"]), (&Value::Null, &json!(false)));
    assert_eq!(review["options"]["kind"], "CreateOptions");
    assert!(review["userInfo"]["groups"].as_array().unwrap().contains(&json!("system:masters")));

    let (code, refusal) = send(&client, Method::POST, MAPS, &map("bad")).await;
    assert_eq!((code, &refusal["reason"]), (422, &json!("Mine")));
    assert_eq!(refusal["message"], "admission webhook \"check.example.com\" denied the request: not so");
    configure(&client, VALIDATING, "a", vec![hook("mute", hooks.config("/mute"))]).await;
    let (code, refusal) = send(&client, Method::POST, MAPS, &map("bad")).await;
    assert_eq!(code, 400);
    assert_eq!(refusal["message"], "admission webhook \"mute.example.com\" denied the request without explanation");

    // Deletes bring the old object alone; other namespaces and kinds are nobody's business.
    hooks.forget();
    let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
    assert_eq!(send(&client, Method::DELETE, &format!("{MAPS}/good"), &options).await.0, 200);
    let review = &hooks.heard("/mute")[0]["request"];
    assert_eq!(
        (&review["options"]["kind"], &review["options"]["propagationPolicy"]),
        (&json!("DeleteOptions"), &json!("Background"))
    );
    assert_eq!((&review["operation"], &review["object"]), (&json!("DELETE"), &Value::Null));
    assert_eq!(review["oldObject"]["metadata"]["name"], "good");
    hooks.forget();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/default/secrets", &secret).await.0, 201);
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/kube-public/configmaps", &map("bad")).await.0, 201);
    assert_eq!(hooks.paths(), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutating_webhook_changes_the_object() {
    let world = World::start().await;
    let client = world.client().await;
    let hooks = Hooks::start(|path, review| {
        let has = |key: &str| review["request"]["object"]["data"].get(key).is_some();
        let add = |key: &str| json!([{"op": "add", "path": format!("/data/{key}"), "value": "yes"}]);
        let response = match path {
            "/first" if !has("first") => patch(json!([
                {"op": "add", "path": "/data", "value": {"first": if has("second") { "again" } else { "once" }}}])),
            "/second" if !has("second") => patch(add("second")),
            "/bad" => patch(json!([{"op": "remove", "path": "/nothing"}])),
            _ => json!({"allowed": true}),
        };
        reviewed(review, response)
    })
    .await;
    let again = |mut hook: Value| {
        hook["reinvocationPolicy"] = "IfNeeded".into();
        hook
    };
    // By the names of the configurations, not by the order in which they were made.
    configure(&client, MUTATING, "b", vec![hook("second", hooks.config("/second"))]).await;
    configure(&client, MUTATING, "a", vec![again(hook("first", hooks.config("/first")))]).await;
    let (code, made) = send(&client, Method::POST, MAPS, &map("m")).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["data"], json!({"first": "once", "second": "yes"}));
    // The first is asked again, since the second changed what it had seen.
    assert_eq!(hooks.paths(), ["/first", "/second", "/first"]);

    configure(&client, MUTATING, "c", vec![hook("bad", hooks.config("/bad"))]).await;
    let (code, failure) = send(&client, Method::POST, MAPS, &map("n")).await;
    assert_eq!((code, &failure["reason"]), (500, &json!("InternalError")));
    // A webhook hears of a dry run.
    hooks.forget();
    assert_eq!(send(&client, Method::POST, &format!("{MAPS}?dryRun=All"), &map("n")).await.0, 500);
    assert_eq!(hooks.heard("/bad")[0]["request"]["dryRun"], true);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_fail_are_told_apart_and_forgiven_where_that_is_wished() {
    let world = World::start().await;
    let client = world.client().await;
    let hooks = Hooks::start(|path, review| match path {
        "/liar" => reviewed(review, json!({"uid": "another", "allowed": true})),
        "/other" => json!({"kind": "Pod", "apiVersion": "v1", "response": {"uid": review["request"]["uid"]}}),
        "/absent" => json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}),
        "/patches" => reviewed(review, patch(json!([]))),
        _ => reviewed(review, json!({"allowed": true})),
    })
    .await;
    let stranger = Hooks::start(|_, review| reviewed(review, json!({"allowed": true}))).await;
    let mut distrusted = hooks.config("/x");
    distrusted["caBundle"] = stranger.ca_bundle().into();
    let nobody = json!({"url": "https://127.0.0.1:1/x"});
    let no_service = json!({"service": {"namespace": "default", "name": "nosvc", "path": "/x"}});
    let port = hooks.port();
    let at = |path: &str| format!("failed to call webhook: Post \"https://127.0.0.1:{port}{path}?timeout=1s\": ");
    let cases = [
        (hooks.config("/slow"), format!("{}context deadline exceeded", at("/slow"))),
        (hooks.config("/garbage"), "failed to call webhook: couldn't get version/kind; json parse error".to_owned()),
        (hooks.config("/empty"), "failed to call webhook: 0-length response with status code: 200".to_owned()),
        (
            hooks.config("/broken"),
            "failed to call webhook: an error on the server (\"boom\") has prevented the request from succeeding"
                .to_owned(),
        ),
        (hooks.config("/huge"), at("/huge")),
        (hooks.config("/liar"), "received invalid webhook response: expected response.uid=".to_owned()),
        (
            hooks.config("/other"),
            "received invalid webhook response: expected webhook response of admission.k8s.io/v1, \
             Kind=AdmissionReview, got v1, Kind=Pod"
                .to_owned(),
        ),
        (hooks.config("/absent"), "received invalid webhook response: webhook response was absent".to_owned()),
        (
            hooks.config("/patches"),
            "received invalid webhook response: validating webhook may not return response.patch".to_owned(),
        ),
        (
            distrusted,
            format!("{}tls: failed to verify certificate: x509: certificate signed by unknown authority", at("/x")),
        ),
        (
            nobody,
            "failed to call webhook: Post \"https://127.0.0.1:1/x?timeout=1s\": dial tcp 127.0.0.1:1: connect: \
             connection refused"
                .to_owned(),
        ),
        (
            no_service,
            "failed to call webhook: Post \"https://nosvc.default.svc:443/x?timeout=1s\": service \"nosvc\" not found"
                .to_owned(),
        ),
    ];
    for (number, (config, why)) in cases.into_iter().enumerate() {
        configure(&client, VALIDATING, "v", vec![hook("h", config.clone())]).await;
        let (code, failure) = send(&client, Method::POST, MAPS, &map(&format!("m{number}"))).await;
        let message = failure["message"].as_str().unwrap_or_default();
        let want = format!("Internal error occurred: failed calling webhook \"h.example.com\": {why}");
        assert!(code == 500 && message.starts_with(&want), "{code} {message}\nwanted {want}");
        let mut forgiven = hook("h", config);
        forgiven["failurePolicy"] = "Ignore".into();
        configure(&client, VALIDATING, "v", vec![forgiven]).await;
        let (code, made) = send(&client, Method::POST, MAPS, &map(&format!("m{number}"))).await;
        assert_eq!(code, 201, "{made}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_about_one_version_sees_all_and_a_service_leads_to_its_endpoints() {
    let world = World::start().await;
    let client = world.client().await;
    let Some(address) = own_address() else {
        println!("SKIPPED: this machine has no address but loopback, which endpoints may not have");
        return world.stop().await;
    };
    let hooks =
        Hooks::start_at(address, &["hooks.default.svc"], |_, review| reviewed(review, json!({"allowed": true}))).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hooks"},
                         "spec": {"ports": [{"name": "https", "port": 443}]}});
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/default/services", &service).await.0, 201);
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "hooks-1", "labels": {"kubernetes.io/service-name": "hooks"}},
        "endpoints": [{"addresses": [address.to_string()]}], "ports": [{"name": "https", "port": hooks.port()}],
    });
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let (code, made) = send(&client, Method::POST, slices, &slice).await;
    assert_eq!(code, 201, "{made}");
    let config =
        json!({"service": {"namespace": "default", "name": "hooks", "path": "/v2"}, "caBundle": hooks.ca_bundle()});
    let mut hook = hook("scalers", config);
    hook["rules"] = json!([{"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "operations": ["*"],
                            "resources": ["horizontalpodautoscalers"]}]);
    configure(&client, VALIDATING, "v", vec![hook.clone()]).await;
    let scaler = json!({
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50,
                 "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}},
    });
    let path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
    let (code, made) = send(&client, Method::POST, path, &scaler).await;
    assert_eq!(code, 201, "{made}");
    let review = &hooks.heard("/v2")[0]["request"];
    assert_eq!((&review["kind"]["version"], &review["requestKind"]["version"]), (&json!("v2"), &json!("v1")));
    assert_eq!(review["object"]["apiVersion"], "autoscaling/v2");
    assert_eq!(review["object"]["spec"]["metrics"][0]["resource"]["name"], "cpu");
    hook["matchPolicy"] = "Exact".into();
    configure(&client, VALIDATING, "v", vec![hook]).await;
    hooks.forget();
    assert_eq!(send(&client, Method::DELETE, &format!("{path}/h"), &Value::Null).await.0, 200);
    assert_eq!(hooks.paths(), Vec::<String>::new());
    world.stop().await;
}

/// An address of this machine that is not loopback.
pub(crate) fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent; the kernel only says from where it would.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

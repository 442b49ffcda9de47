//! Subresources and connections under admission: what webhooks and policies are told of them, and what they may say.

use crate::hooks::{Hooks, patch, reviewed};
use crate::webhooks::send;
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};

const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";
const PODS: &str = "/api/v1/namespaces/subs/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/subs/deployments";

async fn make(client: &Client, path: &str, object: Value) {
    let (code, answer) = send(client, Method::POST, path, &object).await;
    assert_eq!(code, 201, "{answer}");
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

fn deployment() -> Value {
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": pod("p")["spec"]});
    json!({"metadata": {"name": "d", "labels": {"app": "x"}},
           "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": template}})
}

async fn prepared(world: &World) -> Client {
    let client = world.client().await;
    make(&client, "/api/v1/namespaces", json!({"metadata": {"name": "subs"}})).await;
    make(&client, "/api/v1/namespaces/subs/serviceaccounts", json!({"metadata": {"name": "default"}})).await;
    for name in ["p", "q"] {
        make(&client, PODS, pod(name)).await;
    }
    make(&client, DEPLOYMENTS, deployment()).await;
    let ports = json!({"ports": [{"port": 80}], "selector": {"app": "x"}});
    make(&client, "/api/v1/namespaces/subs/services", json!({"metadata": {"name": "s"}, "spec": ports})).await;
    client
}

/// A webhook about all there is in the namespace of these tests.
fn hook(name: &str, config: Value, resources: &[&str]) -> Value {
    json!({
        "name": format!("{name}.example.com"), "clientConfig": config, "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "subs"}},
    })
}

async fn configure(client: &Client, plural: &str, name: &str, hooks: Vec<Value>) {
    make(client, &format!("{ADMISSION}/{plural}"), json!({"metadata": {"name": name}, "webhooks": hooks})).await;
}

/// What was told of a request about a subresource: operation, kind, and kind of the object.
fn told(hooks: &Hooks, path: &str, resource: &str, subresource: &str) -> String {
    let heard = hooks.heard(path);
    let request = heard.iter().map(|review| &review["request"]).find(|request| {
        request["resource"]["resource"] == resource && request["subResource"].as_str().unwrap_or("") == subresource
    });
    let Some(request) = request else { return "nothing".to_owned() };
    assert_eq!((&request["kind"], &request["subResource"]), (&request["requestKind"], &request["requestSubResource"]));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (operation, kind, object) = (&request["operation"], &request["kind"], &request["object"]);
    let options = request["options"]["kind"].as_str().unwrap_or("-");
    let parts = [operation, &kind["group"], &kind["version"], &kind["kind"], &object["apiVersion"], &object["kind"]];
    format!("{} {options} {}", parts.map(text).join(" "), text(&request["name"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_hear_of_connections_and_subresources_as_what_they_are() {
    let world = World::start().await;
    let client = prepared(&world).await;
    let hooks = Hooks::start(|_, review| reviewed(review, json!({"allowed": true}))).await;
    let all = vec![hook("all", hooks.config("/all"), &["*/*"]), hook("bare", hooks.config("/bare"), &["*"])];
    configure(&client, "validatingwebhookconfigurations", "a", all).await;

    let node = json!({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "nobody"}});
    make(&client, &format!("{PODS}/p/binding"), node).await;
    for connection in ["exec?command=ls&stdout=true", "attach?stdout=true", "portforward?ports=80", "proxy/x"] {
        // There is no node that could answer, but who is asked is asked first.
        let (code, answer) = send(&client, Method::POST, &format!("{PODS}/p/{connection}"), &Value::Null).await;
        assert!(code >= 400, "{connection}: {answer}");
    }
    send(&client, Method::GET, "/api/v1/namespaces/subs/services/s/proxy/", &Value::Null).await;
    let ephemeral = json!({"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}});
    assert_eq!(send(&client, Method::PATCH, &format!("{PODS}/p/ephemeralcontainers"), &ephemeral).await.0, 200);
    let status = json!({"status": {"message": "m"}});
    assert_eq!(send(&client, Method::PATCH, &format!("{PODS}/p/status"), &status).await.0, 200);
    let replicas = json!({"spec": {"replicas": 1}});
    assert_eq!(send(&client, Method::PATCH, &format!("{DEPLOYMENTS}/d/scale"), &replicas).await.0, 200);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "q"}});
    make(&client, &format!("{PODS}/q/eviction"), eviction).await;

    for (resource, subresource, want) in [
        ("pods", "binding", "CREATE - v1 Binding v1 Binding CreateOptions p"),
        ("pods", "exec", "CONNECT - v1 PodExecOptions v1 PodExecOptions - p"),
        ("pods", "attach", "CONNECT - v1 PodAttachOptions v1 PodAttachOptions - p"),
        ("pods", "portforward", "CONNECT - v1 PodPortForwardOptions v1 PodPortForwardOptions - p"),
        ("pods", "proxy", "CONNECT - v1 PodProxyOptions v1 PodProxyOptions - p"),
        ("services", "proxy", "CONNECT - v1 ServiceProxyOptions v1 ServiceProxyOptions - s"),
        ("pods", "ephemeralcontainers", "UPDATE - v1 Pod v1 Pod UpdateOptions p"),
        ("pods", "status", "UPDATE - v1 Pod v1 Pod UpdateOptions p"),
        ("deployments", "scale", "UPDATE autoscaling v1 Scale autoscaling/v1 Scale UpdateOptions d"),
        ("pods", "eviction", "CREATE policy v1 Eviction policy/v1 Eviction CreateOptions q"),
    ] {
        let got = told(&hooks, "/all", resource, subresource);
        assert_eq!(got.replace("  ", " - "), want, "{resource}/{subresource}");
        // Rules about resources say nothing about their subresources.
        assert_eq!(told(&hooks, "/bare", resource, subresource), "nothing", "{resource}/{subresource}");
    }
    let exec = hooks.heard("/all").into_iter().find(|review| review["request"]["subResource"] == "exec").unwrap();
    assert_eq!((&exec["request"]["object"]["command"], &exec["request"]["oldObject"]), (&json!(["ls"]), &Value::Null));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_change_subresources() {
    let world = World::start().await;
    let client = prepared(&world).await;
    let hooks = Hooks::start(|path, review| {
        let response = match path {
            "/scale" => patch(json!([{"op": "replace", "path": "/spec/replicas", "value": 3}])),
            "/eviction" => patch(json!([{"op": "add", "path": "/deleteOptions", "value": {"dryRun": ["All"]}}])),
            _ => json!({"allowed": true}),
        };
        reviewed(review, response)
    })
    .await;
    let mut selecting = hook("selecting", hooks.config("/selecting"), &["*/scale"]);
    selecting["objectSelector"] = json!({"matchLabels": {"app": "x"}});
    let changing = vec![
        hook("scale", hooks.config("/scale"), &["*/scale"]),
        hook("eviction", hooks.config("/eviction"), &["pods/eviction"]),
        selecting,
    ];
    configure(&client, "mutatingwebhookconfigurations", "a", changing).await;
    let replicas = json!({"spec": {"replicas": 1}});
    let (code, scale) = send(&client, Method::PATCH, &format!("{DEPLOYMENTS}/d/scale"), &replicas).await;
    assert_eq!((code, &scale["spec"]["replicas"]), (200, &json!(3)), "{scale}");
    let (_, deployment) = send(&client, Method::GET, &format!("{DEPLOYMENTS}/d"), &Value::Null).await;
    assert_eq!(deployment["spec"]["replicas"], 3);
    // A scale has no labels.
    assert_eq!(hooks.heard("/selecting").len(), 0);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "q"}});
    make(&client, &format!("{PODS}/q/eviction"), eviction).await;
    let (code, pod) = send(&client, Method::GET, &format!("{PODS}/q"), &Value::Null).await;
    assert!(code == 200 && pod["metadata"].get("deletionTimestamp").is_none(), "{pod}");
    world.stop().await;
}

/// A policy about these resources that refuses what does not hold.
async fn policy(client: &Client, name: &str, resources: &[&str], operations: &[&str], expression: &str) {
    let rules = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": operations, "resources": resources}]);
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": "subs"}});
    let spec = json!({"matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
                      "validations": [{"expression": expression, "reason": "Forbidden"}]});
    make(
        client,
        &format!("{ADMISSION}/validatingadmissionpolicies"),
        json!({"metadata": {"name": name}, "spec": spec}),
    )
    .await;
    let spec = json!({"policyName": name, "validationActions": ["Deny"]});
    make(
        client,
        &format!("{ADMISSION}/validatingadmissionpolicybindings"),
        json!({"metadata": {"name": name}, "spec": spec}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_judge_connections_and_subresources() {
    let world = World::start().await;
    let client = prepared(&world).await;
    policy(&client, "exec", &["pods/exec"], &["CONNECT"], "object.command != ['sh'] && request.subResource == 'exec'")
        .await;
    policy(&client, "scale", &["*/scale"], &["*"], "object.spec.replicas <= 3 && oldObject.kind == 'Scale'").await;
    policy(&client, "pods", &["pods/*"], &["UPDATE"], "!has(object.spec.ephemeralContainers)").await;
    policy(&client, "evict", &["pods/eviction"], &["CREATE"], "object.metadata.name != 'q'").await;
    let denied = |(code, answer): (u16, Value)| {
        let message = answer["message"].as_str().unwrap_or_default().to_owned();
        (code == 403 && message.contains("ValidatingAdmissionPolicy")).then_some(message)
    };
    let exec = async |command: &str| {
        let path = format!("{PODS}/p/exec?command={command}&stdout=true");
        denied(send(&client, Method::POST, &path, &Value::Null).await)
    };
    let refusal = "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'exec' with binding 'exec' denied request: failed \
                   expression: object.command != ['sh'] && request.subResource == 'exec'";
    assert_eq!(exec("sh").await.as_deref(), Some(refusal));
    assert_eq!(exec("ls").await, None);
    let attach = send(&client, Method::POST, &format!("{PODS}/p/attach?stdout=true"), &Value::Null).await;
    assert_eq!(denied(attach), None);
    let scale = async |replicas: i64| {
        let scaled = json!({"spec": {"replicas": replicas}});
        denied(send(&client, Method::PATCH, &format!("{DEPLOYMENTS}/d/scale"), &scaled).await)
    };
    assert_eq!(scale(3).await, None);
    assert!(scale(4).await.is_some_and(|message| message.starts_with("deployments.apps \"d\" is forbidden")));
    // The workload itself is another matter.
    let scaled = json!({"spec": {"replicas": 5}});
    assert_eq!(send(&client, Method::PATCH, &format!("{DEPLOYMENTS}/d"), &scaled).await.0, 200);
    let ephemeral = json!({"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}});
    let added = send(&client, Method::PATCH, &format!("{PODS}/p/ephemeralcontainers"), &ephemeral).await;
    assert!(denied(added).is_some());
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(send(&client, Method::PATCH, &format!("{PODS}/p"), &labelled).await.0, 200);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "q"}});
    assert!(denied(send(&client, Method::POST, &format!("{PODS}/q/eviction"), &eviction).await).is_some());
    world.stop().await;
}

//! Admission policies in CEL, seen by clients: what refuses, what warns, what changes, with which parameters.

use crate::webhooks::send;
use crate::world::World;
use http::{Method, Request};
use kube::Client;
use object::{Value, json};
use std::time::{Duration, Instant};

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn rules(resource: &str) -> Value {
    json!({"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"],
                              "resources": [resource]}]})
}

async fn make(client: &Client, resource: &str, object: &Value) {
    let (code, answer) = send(client, Method::POST, &format!("{GROUP}/{resource}"), object).await;
    assert_eq!(code, 201, "{answer}");
}

/// A policy of a kind, and a binding of the same name.
async fn bind(client: &Client, kind: &str, name: &str, spec: Value, binding: Value) {
    make(client, &format!("{kind}admissionpolicies"), &json!({"metadata": {"name": name}, "spec": spec})).await;
    let mut spec = binding;
    spec["policyName"] = name.into();
    make(client, &format!("{kind}admissionpolicybindings"), &json!({"metadata": {"name": name}, "spec": spec})).await;
}

fn map(name: &str, data: &Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

/// The code, the message and the warnings of a creation.
async fn create(client: &Client, path: &str, object: &Value) -> (u16, String, Vec<String>) {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    let body = kube::client::Body::from(object.to_string().into_bytes());
    let answer = client.send(request.body(body).unwrap()).await.unwrap();
    let (code, warnings) = (answer.status().as_u16(), answer.headers().get_all("warning").iter());
    let warnings = warnings.map(|value| value.to_str().unwrap().to_owned()).collect();
    let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    (code, answer["message"].as_str().unwrap_or_default().to_owned(), warnings)
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_policies_refuse_and_warn() {
    let world = World::start().await;
    let client = world.client().await;
    let spec = json!({
        "matchConstraints": rules("configmaps"),
        "variables": [{"name": "size", "expression": "has(object.data) ? object.data.size() : 0"}],
        "matchConditions": [{"name": "mine", "expression": "request.operation != 'DELETE' && object.metadata.name != 'spared'"}],
        "validations": [
            {"expression": "variables.size < 2", "messageExpression": "'%d are too many'.format([variables.size])", "reason": "Forbidden"},
            {"expression": "authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"},
        ],
    });
    bind(&client, "validating", "small", spec, json!({"validationActions": ["Deny"]})).await;
    let spec = json!({"matchConstraints": rules("configmaps"),
                      "validations": [{"expression": "oldObject != null || !has(object.metadata.labels)", "message": "labelled"}]});
    bind(&client, "validating", "told", spec, json!({"validationActions": ["Warn", "Audit"]})).await;

    let two = json!({"a": "1", "b": "2"});
    let (code, message, _) = create(&client, MAPS, &map("big", &two)).await;
    let refusal = "configmaps \"big\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'small' denied request: 2 \
                   are too many";
    assert_eq!((code, message.as_str()), (403, refusal));
    assert_eq!(create(&client, MAPS, &map("spared", &two)).await.0, 201);
    let mut labelled = map("fine", &json!({}));
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let (code, _, warnings) = create(&client, MAPS, &labelled).await;
    let warning = "299 - \"Validation failed for ValidatingAdmissionPolicy 'told' with binding 'told': labelled\"";
    assert_eq!((code, warnings), (201, vec![warning.to_owned()]));
    let (code, answer) = send(&client, Method::PATCH, &format!("{MAPS}/fine"), &json!({"data": two})).await;
    assert_eq!(code, 403, "{answer}");
    assert_eq!(send(&client, Method::DELETE, &format!("{MAPS}/fine"), &Value::Null).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_selected_and_missed() {
    let world = World::start().await;
    let client = world.client().await;
    for (name, most) in [("one", "1"), ("three", "3")] {
        let mut params = map(name, &json!({"most": most}));
        params["metadata"]["labels"] = json!({"limits": name});
        assert_eq!(create(&client, "/api/v1/namespaces/kube-system/configmaps", &params).await.0, 201);
    }
    let spec = json!({"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "matchConstraints": rules("secrets"),
                      "validations": [{"expression": "object.metadata.name.size() <= int(params.data.most)",
                                       "messageExpression": "'longer than ' + params.data.most"}]});
    let binding = |selector: Value| {
        json!({"validationActions": ["Deny"], "paramRef": {"namespace": "kube-system",
        "selector": selector, "parameterNotFoundAction": "Deny"}})
    };
    let all = json!({"matchExpressions": [{"key": "limits", "operator": "Exists"}]});
    bind(&client, "validating", "limits", spec, binding(all)).await;
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret = |name: &str| json!({"metadata": {"name": name}});
    assert_eq!(create(&client, secrets, &secret("a")).await.0, 201);
    let (code, message, _) = create(&client, secrets, &secret("ab")).await;
    assert!(code == 422 && message.ends_with("denied request: longer than 1"), "{code} {message}");
    let path = format!("{GROUP}/validatingadmissionpolicybindings/limits");
    let none =
        json!({"spec": {"paramRef": {"selector": {"matchExpressions": null, "matchLabels": {"limits": "none"}}}}});
    assert_eq!(send(&client, Method::PATCH, &path, &none).await.0, 200);
    let (code, message, _) = create(&client, secrets, &secret("b")).await;
    assert!(code == 422 && message.contains("no params found for policy binding"), "{code} {message}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mutating_policies_change_what_is_asked() {
    let world = World::start().await;
    let client = world.client().await;
    let apply =
        |expression: &str| json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}});
    let patch = |expression: &str| json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}});
    let spec = |mutations: Value| {
        let mut matched = rules("configmaps");
        matched["resourceRules"][0]["operations"] = json!(["CREATE"]);
        json!({"matchConstraints": matched, "mutations": mutations, "reinvocationPolicy": "IfNeeded"})
    };
    let first = json!([apply(
        "Object{metadata: Object.metadata{labels: {'first': 'yes'}}, data: {'seen': has(object.data) && 'b' in object.data ? 'b' : 'nothing'}}"
    )]);
    bind(&client, "mutating", "a-first", spec(first), json!({})).await;
    let second = json!([
        patch("[JSONPatch{op: 'add', path: '/data/b', value: object.metadata.labels['first']}]"),
        patch("[JSONPatch{op: 'test', path: '/data/b', value: 'no'}, JSONPatch{op: 'remove', path: '/data'}]")
    ]);
    bind(&client, "mutating", "b-second", spec(second), json!({})).await;
    let (code, answer) = send(&client, Method::POST, MAPS, &map("m", &json!({"own": "x"}))).await;
    assert_eq!(code, 201, "{answer}");
    // The first is asked again after what the second did.
    assert_eq!(answer["data"], json!({"own": "x", "seen": "b", "b": "yes"}));
    assert_eq!(answer["metadata"]["labels"], json!({"first": "yes"}));
    let wrong = json!([apply("Object{metadata: Object.spec{labels: {}}}")]);
    bind(&client, "mutating", "c-wrong", spec(wrong), json!({})).await;
    let (code, message, _) = create(&client, MAPS, &map("n", &json!({}))).await;
    let refusal = "policy 'c-wrong' with binding 'c-wrong' denied request: type mismatch: unexpected type name";
    assert!(code == 403 && message.starts_with(refusal), "{code} {message}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_checked_into_the_status() {
    let world = World::start().await;
    let client = world.client().await;
    let validations = json!([{"expression": "object.data.all(k, k.size() < 9)"}, {"expression": "object.spec.x == 1"}]);
    let policy = json!({"metadata": {"name": "typed"}, "spec": {"matchConstraints": rules("configmaps"), "validations": validations}});
    make(&client, "validatingadmissionpolicies", &policy).await;
    let path = format!("{GROUP}/validatingadmissionpolicies/typed");
    let begun = Instant::now();
    let status = loop {
        let (_, policy) = send(&client, Method::GET, &path, &Value::Null).await;
        if policy["status"]["observedGeneration"] == 1 {
            break policy["status"].clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is told: {policy}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let warnings = &status["typeChecking"]["expressionWarnings"];
    assert_eq!(warnings.as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(warnings[0]["fieldRef"], "spec.validations[1].expression");
    let text = warnings[0]["warning"].as_str().unwrap();
    assert!(text.starts_with("/v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'spec'"), "{text}");
    world.stop().await;
}

//! Numbers, times and names in the form in which they are sent, which decides what becomes of them.

use crate::answers::{Answer, send, send_text};
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};

const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

async fn patch(client: &Client, kind: &str, path: &str, text: &str) -> Answer {
    let media = match kind {
        "apply" => "application/apply-patch+yaml".to_owned(),
        kind => format!("application/{kind}-patch+json"),
    };
    send_text(client, Method::PATCH, path, &media, text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_what_they_are_written_as() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let port = json!({"defaultBackend": {"service": {"name": "s", "port": {"number": 1}}}});
    let made = json!({"metadata": {"name": "i", "annotations": {"x": "a<b"}}, "spec": port});
    assert_eq!(send(&client, Method::POST, INGRESSES, Some(&made)).await.code, 201);
    let path = format!("{INGRESSES}/i");

    let merge =
        |number: &str| format!(r#"{{"spec":{{"defaultBackend":{{"service":{{"port":{{"number":{number}}}}}}}}}}}"#);
    for (kind, text, code, message) in [
        ("merge", merge("1.0"), 422, "cannot unmarshal number 1.0 into Go struct field ServiceBackendPort.spec"),
        ("merge", merge("1e2"), 422, "cannot unmarshal number 1e2 into Go struct field ServiceBackendPort.spec"),
        (
            "json",
            r#"[{"op":"add","path":"/spec/defaultBackend/service/port/number","value":1E2}]"#.to_owned(),
            422,
            "cannot unmarshal number 1E2 into Go struct field ServiceBackendPort.spec",
        ),
        ("strategic-merge", merge("2.0"), 200, ""),
        ("strategic-merge", merge("1.5"), 422, "cannot convert float64 to int32"),
        (
            "strategic-merge",
            r#"{"metadata":{"annotations":{"x":1e6}}}"#.to_owned(),
            422,
            r#"map[metadata:map[annotations:map[x:1e+06]]]": unrecognized type: string"#,
        ),
        (
            "merge",
            r#"{"metadata":{"resourceVersion":""},"apiVersion":"networking.k8s.io/"}"#.to_owned(),
            400,
            "undeterminable",
        ),
    ] {
        let answer = patch(&client, kind, &path, &text).await;
        assert_eq!(answer.code, code, "{text}: {}", answer.text);
        assert!(answer.message().contains(message), "{text}: {}", answer.text);
    }
    let tested = r#"[{"op":"add","path":"/metadata/annotations/y","value":"<"},{"op":"test","path":"/metadata/annotations/y","value":"<"}]"#;
    assert_eq!(patch(&client, "json", &path, tested).await.code, 200, "what a patch brought stays as it was written");
    let tested = r#"[{"op":"test","path":"/metadata/annotations/y","value":"<"}]"#;
    assert_eq!(patch(&client, "json", &path, tested).await.code, 422, "and is stored as Go writes it");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zero_time_is_there_and_yet_null() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let lease = json!({"metadata": {"name": "l"}, "spec": {"renewTime": "0001-01-01T00:00:00.000000Z"}});
    let made = send(&client, Method::POST, LEASES, Some(&lease)).await;
    assert_eq!((made.code, &made.body["spec"]), (201, &json!({"renewTime": null})), "{}", made.text);
    assert_eq!(made.body["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:spec": {"f:renewTime": {}}}));
    let got = send(&client, Method::GET, &format!("{LEASES}/l"), None).await;
    assert_eq!(got.body["spec"], json!({"renewTime": null}));
    let merged = patch(&client, "merge", &format!("{LEASES}/l"), r#"{"metadata":{"labels":{"a":"b"}}}"#).await;
    assert_eq!(merged.body["spec"], json!({}), "a patch reads it as nothing");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_generated_as_the_kind_has_it() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let address = json!({"metadata": {"generateName": "fd00::5"},
        "spec": {"parentRef": {"resource": "services", "name": "x", "namespace": "y"}}});
    let path = "/apis/networking.k8s.io/v1/ipaddresses";
    let made = send(&client, Method::POST, path, Some(&address)).await;
    assert_eq!((made.code, &made.body["metadata"]["name"]), (201, &json!("fd00::5")), "{}", made.text);

    let names = json!({"plural": "xs", "singular": "x", "kind": "X", "listKind": "XList"});
    let definition = json!({"metadata": {"generateName": "xs."},
        "spec": {"group": "a.example", "scope": "Cluster", "names": names, "versions": []}});
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let refused = send(&client, Method::POST, path, Some(&definition)).await;
    let fields: Vec<&Value> =
        refused.body["details"]["causes"].as_array().unwrap().iter().map(|cause| &cause["field"]).collect();
    assert_eq!(fields[..3], ["metadata.generateName", "metadata.generateName", "metadata.name"], "{}", refused.text);
    world.stop().await;
}

//! Values that are kept as they were sent: in the store, over a restart, and for everybody who is shown them.
//!
//! What the reference server does with them in every verb, a comparison of three hundred little cases showed; here
//! stands one of each sort.

use crate::hooks::{Hooks, patch, reviewed};
use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::Client;
use object::{Value, json};

const REVISIONS: &str = "/apis/apps/v1/namespaces/default/controllerrevisions";
const CLASSES: &str = "/apis/resource.k8s.io/v1/deviceclasses";
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

fn revision(data: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{{"name":"a"}},"revision":1,"data":{data}}}"#
    )
}

fn class(parameters: &str) -> String {
    format!(
        r#"{{"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{{"name":"a"}},"spec":{{"config":[
            {{"opaque":{{"driver":"d.example.com","parameters":{parameters}}}}}]}}}}"#
    )
}

/// Sends a text; the answer's code and text.
async fn call(client: &Client, method: Method, path: &str, media: &str, body: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, media);
    let body = kube::client::Body::from(body.as_bytes().to_vec());
    let answer = client.send(request.body(body).unwrap()).await.unwrap();
    let code = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8(bytes.to_vec()).unwrap())
}

/// The resource version and generation in an answer.
fn versions(text: &str) -> (String, i64) {
    let object: Value = serde_json::from_str(text).unwrap();
    let metadata = &object["metadata"];
    (metadata["resourceVersion"].as_str().unwrap().to_owned(), metadata["generation"].as_i64().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_outlives_the_server_and_is_shown_compact() {
    let world = World::start().await;
    let client = world.client().await;
    let (sent, shown) = (r#"{"b": {"y": 1.0}, "a": "<"}"#, r#"{"b":{"y":1.0},"a":"\u003c"}"#);
    let made = call(&client, Method::POST, REVISIONS, JSON, &revision(sent)).await;
    assert!(made.0 == 201 && made.1.contains(shown), "{made:?}");

    let world = world.restart().await;
    let client = world.client().await;
    let own = format!("{REVISIONS}/a");
    let paths = ["", "?dryRun=All"].map(|query| format!("{own}{query}"));
    for path in &paths {
        let same = call(&client, Method::PUT, path, JSON, &revision(sent)).await;
        assert!(same.0 == 200 && versions(&same.1) == versions(&made.1) && same.1.contains(shown), "{same:?}");
        for (method, media, body) in [
            (Method::PUT, JSON, revision(shown)),
            (Method::PATCH, MERGE, r#"{"revision":2}"#.to_owned()),
            (Method::PATCH, "application/json-patch+json", "[]".to_owned()),
        ] {
            let refused = call(&client, method, path, media, &body).await;
            let status: Value = serde_json::from_str(&refused.1).unwrap();
            let want =
                format!("ControllerRevision.apps \"a\" is invalid: data: Invalid value: {shown}: field is immutable");
            assert_eq!((refused.0, status["message"].as_str()), (422, Some(want.as_str())), "{media}");
        }
    }
    let table = format!("{own}?includeObject=Object");
    for path in [&own, REVISIONS, &table, &format!("{REVISIONS}?watch=1&resourceVersion=0&timeoutSeconds=1")] {
        let read = call(&client, Method::GET, path, JSON, "").await;
        assert!(read.0 == 200 && read.1.contains(shown) && !read.1.contains("\\u0000"), "{path}: {read:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_is_another_spec() {
    let world = World::start().await;
    let client = world.client().await;
    let own = format!("{CLASSES}/a");
    let made = call(&client, Method::POST, CLASSES, JSON, &class(r#"{"a": 1}"#)).await;
    assert_eq!(versions(&made.1).1, 1, "{made:?}");
    let label = |value: &str| format!(r#"{{"metadata":{{"labels":{{"x":"{value}"}}}}}}"#);
    for (method, media, body, generation) in [
        (Method::PUT, JSON, class(r#"{"a": 1}"#), 1),
        (Method::PATCH, MERGE, label("1"), 2),
        (Method::PATCH, MERGE, label("2"), 2),
        (Method::PUT, JSON, class(r#"{"b":1.0,"a":2}"#), 3),
        (Method::PATCH, MERGE, label("3"), 3),
        (Method::PATCH, "application/strategic-merge-patch+json", label("4"), 4),
        (Method::PUT, JSON, class(r#"{"a":2,"b":1}"#), 4),
        (Method::PUT, "application/yaml", class(r#"{"b": 1, "a": 2.0}"#), 4),
    ] {
        let written = call(&client, method, &own, media, &body).await;
        assert_eq!((written.0, versions(&written.1).1), (200, generation), "{media} {body}: {}", written.1);
    }
    let long = |spaces: usize| class(&format!("{{{}}}", " ".repeat(spaces)));
    assert_eq!(call(&client, Method::PUT, &own, JSON, &long(10 * 1024 - 2)).await.0, 200);
    assert_eq!(call(&client, Method::PUT, &own, JSON, &long(10 * 1024 - 1)).await.0, 422);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_that_controllers_make_can_be_patched() {
    let world = World::start().await;
    let client = world.client().await;
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"},
        "spec": {
            "serviceName": "s", "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i", "command": ["sh", "-c", "a && b > c < d"]}]},
            },
        },
    });
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    assert_eq!(call(&client, Method::POST, sets, JSON, &set.to_string()).await.0, 201);
    let name = loop {
        let list: Value = serde_json::from_str(&call(&client, Method::GET, REVISIONS, JSON, "").await.1).unwrap();
        match list["items"][0]["metadata"]["name"].as_str() {
            Some(name) => break name.to_owned(),
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    let label = r#"{"metadata":{"labels":{"x":"y"}}}"#;
    let patched = call(&client, Method::PATCH, &format!("{REVISIONS}/{name}"), MERGE, label).await;
    assert_eq!(patched.0, 200, "{patched:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_shown_values_and_may_change_them() {
    let world = World::start().await;
    let client = world.client().await;
    let hooks = Hooks::start(|_, review| {
        let operations = match review["request"]["object"]["metadata"]["labels"].get("x") {
            Some(_) => json!([{"op": "add", "path": "/spec/config/0/opaque/parameters/c", "value": 3}]),
            None => json!([{"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]),
        };
        reviewed(review, patch(operations))
    })
    .await;
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "m"},
        "webhooks": [{
            "name": "m.example.com", "clientConfig": hooks.config("/m"), "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "rules": [{"apiGroups": ["resource.k8s.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                       "resources": ["deviceclasses"]}],
        }],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    let made = call(&client, Method::POST, path, JSON, &configuration.to_string()).await;
    assert_eq!(made.0, 201, "{made:?}");

    let made = call(&client, Method::POST, CLASSES, JSON, &class(r#"{"b": 1, "a": 2}"#)).await;
    assert!(made.0 == 201 && made.1.contains(r#"{"b":1,"a":2}"#) && made.1.contains("seen"), "{made:?}");
    let seen = &hooks.heard("/m")[0]["request"]["object"]["spec"]["config"][0]["opaque"];
    assert_eq!(*seen, json!({"driver": "d.example.com", "parameters": {"a": 2, "b": 1}}));
    let label = r#"{"metadata":{"labels":{"x":"y"}}}"#;
    let changed = call(&client, Method::PATCH, &format!("{CLASSES}/a"), MERGE, label).await;
    assert!(changed.0 == 200 && changed.1.contains(r#"{"a":2,"b":1,"c":3}"#), "{changed:?}");
    world.stop().await;
}

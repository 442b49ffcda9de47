//! Requests that hardly anybody sends, answered as the reference server answers them.
//!
//! Deliberately absent: what everybody sends; see `answers`.

use crate::answers::{map, send, send_as};
use crate::world::World;
use http::Method;
use object::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_are_answered_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    send(&client, Method::POST, MAPS, Some(&map(json!({"name": "odd"})))).await;
    let many = json!({"target": {"kind": "Pod"}});
    let cases: [(Method, String, Option<&Value>, u16, &str); 11] = [
        (Method::GET, format!("{MAPS}?timeout=x"), None, 400, "URL - time: invalid duration \"x\""),
        (Method::GET, format!("{MAPS}/odd?timeout=100"), None, 400, "URL - time: missing unit in duration \"100\""),
        (Method::GET, format!("{MAPS}/odd?timeout=1h"), None, 200, ""),
        (
            Method::DELETE,
            format!("{MAPS}/odd?resourceVersion=5"),
            None,
            409,
            "the ResourceVersion in the precondition (5)",
        ),
        (Method::DELETE, format!("{MAPS}/odd?uid=x"), None, 409, "the UID in the precondition (x)"),
        (Method::GET, "/api/v1/namespaces/default/namespaces".to_owned(), None, 404, "could not find the requested"),
        (
            Method::PUT,
            "/api/v1/namespaces/default/pods/x/status/y".to_owned(),
            None,
            404,
            "could not find the requested",
        ),
        (
            Method::POST,
            "/api/v1/namespaces/default/bindings".to_owned(),
            Some(&Value::Null),
            500,
            "target.name: Required",
        ),
        (
            Method::POST,
            "/api/v1/namespaces/default/bindings".to_owned(),
            Some(&many),
            500,
            "[target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\", target.name: Required value]",
        ),
        (
            Method::DELETE,
            "/api/v1/namespaces/default?resourceVersion=1".to_owned(),
            None,
            409,
            "Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object meta:",
        ),
        (Method::GET, format!("{MAPS}/odd"), None, 200, ""),
    ];
    for (method, path, body, code, message) in cases {
        let answer = send(&client, method, &path, body).await;
        assert_eq!(answer.code, code, "{path}: {}", answer.text);
        assert!(answer.message().contains(message), "{path}: {}", answer.text);
    }

    let endpoints = "/api/v1/namespaces/default/endpoints";
    let refused = send(&client, Method::PUT, endpoints, Some(&json!({}))).await;
    assert_eq!((refused.code, refused.warnings.len()), (405, 0));
    assert_eq!(send(&client, Method::GET, endpoints, None).await.warnings.len(), 1);
    let media = send_as(&client, Method::POST, MAPS, "application/json;;", Some(&map(json!({"name": "m"})))).await;
    assert_eq!(media.code, 415);

    let at_the_end = map(json!({"name": "late", "creationTimestamp": "9999-12-31T23:59:59Z"}));
    assert_eq!(send(&client, Method::POST, MAPS, Some(&at_the_end)).await.code, 201);
    let pod = json!({"metadata": {"name": "p"}, "spec": {"runtimeClassName": "a/b", "containers": [{"name": "c", "image": "i"}]}});
    let classless = send(&client, Method::POST, "/api/v1/namespaces/default/pods", Some(&pod)).await;
    assert_eq!((classless.code, classless.message()), (500, "invalid resource name \"a/b\": [may not contain '/']"));
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_end_like_the_reference_ends_them() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let object = json!({"metadata": {"name": "ending", "finalizers": ["example.com/keep"]}});
    send(&client, Method::POST, "/api/v1/namespaces", Some(&object)).await;
    let path = "/api/v1/namespaces/ending";
    let first = send(&client, Method::DELETE, path, Some(&json!({"propagationPolicy": "Orphan"}))).await;
    assert_eq!(first.code, 200);
    let metadata = &first.body["metadata"];
    assert_eq!(metadata["finalizers"], json!(["example.com/keep", "orphan"]));
    assert_eq!((metadata.get("deletionGracePeriodSeconds"), metadata["deletionTimestamp"].is_string()), (None, true));
    assert_eq!(first.body["status"]["phase"], "Terminating");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_without_a_cache_between() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let why = "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax";
    for (path, code, start) in [("events/none", 400, "invalid resource version: "), ("configmaps/none", 500, "")] {
        let path = format!("/api/v1/namespaces/default/{path}?resourceVersion=x");
        let answer = send(&client, Method::GET, &path, None).await;
        assert_eq!((answer.code, answer.message()), (code, &*format!("{start}{why}")));
    }
    let path = "/api/v1/namespaces/default/events/none?resourceVersion=999999999";
    let answer = send(&client, Method::GET, path, None).await;
    assert_eq!((answer.code, &answer.body["details"]["retryAfterSeconds"]), (504, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_tells_when_it_went() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let quotas = "/api/v1/namespaces/default/podtemplates";
    let made = send(
        &client,
        Method::POST,
        quotas,
        Some(&json!({"metadata": {"name": "t"}, "template": {"spec":
        {"containers": [{"name": "c", "image": "i"}]}}})),
    )
    .await;
    let gone = send(&client, Method::DELETE, &format!("{quotas}/t"), None).await;
    let version = |answer: &Value| answer["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(version(&gone.body) > version(&made.body), "{}", gone.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_preparing_a_pod_has_changed_is_told_even_if_it_is_refused() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let account = json!({"metadata": {"name": "default"}});
    send(&client, Method::POST, "/api/v1/namespaces/default/serviceaccounts", Some(&account)).await;
    let key = "container.apparmor.security.beta.kubernetes.io/c";
    let pod = json!({"metadata": {"name": "a.b", "annotations": {(key): "runtime/default"}},
        "spec": {"restartPolicy": "x", "containers": [{"name": "c", "image": "i"}]}});
    let refused = send(&client, Method::POST, "/api/v1/namespaces/default/pods", Some(&pod)).await;
    assert_eq!(refused.code, 422);
    let warning = format!(
        r#"299 - "metadata.annotations[{key}]: deprecated since v1.30; use the \"appArmorProfile\" field instead""#
    );
    assert_eq!(refused.warnings, [warning], "and not that its name is used as a host name");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_there_and_empty_are_asked_for() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let cases: [(Method, &str, u16, &str); 9] = [
        (Method::GET, "/api/v1/namespaces//configmaps/x", 400, "Namespace parameter required."),
        (Method::DELETE, "/api/v1/namespaces//pods/x/status", 405, "does not allow this method"),
        (Method::GET, "/api/v1/namespaces//pods/x/nothing", 404, "could not find the requested resource"),
        (Method::GET, "/api/v1/namespaces//status", 400, "name must be provided"),
        (Method::GET, "/api/v1/namespaces/default/configmaps/..%2fx", 404, "could not find the requested resource"),
        (Method::PATCH, "/api/v1/namespaces/default/configmaps/..", 415, "415: Unsupported Media Type"),
        (Method::GET, "/api/v1/namespaces/default/configmaps?fieldSelector=%3D,%3D%3D,!%3D", 200, ""),
        (Method::GET, "/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3D%C3%28", 200, ""),
        (Method::GET, "/index.html", 200, ""),
    ];
    for (method, path, code, message) in cases {
        let answer = send(&client, method, path, None).await;
        assert_eq!(answer.code, code, "{path}: {}", answer.text);
        assert!(answer.message().contains(message), "{path}: {}", answer.text);
    }
    let key = "Key: /registry/apiregistration.k8s.io/apiservices/v1.apps, ";
    let services = "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps";
    let mut service = send(&client, Method::GET, services, None).await.body;
    service["metadata"]["uid"] = json!("other");
    let refused = send(&client, Method::PUT, services, Some(&service)).await;
    assert!(refused.code == 409 && refused.message().contains(key), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_selected_alike_in_both_their_forms() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"namespace": "default", "kind": "Pod"},
        "reason": "r", "source": {"component": "c"}, "type": "Normal"});
    let (core, new) = ("/api/v1/namespaces/default/events", "/apis/events.k8s.io/v1/namespaces/default/events");
    assert_eq!(send(&client, Method::POST, core, Some(&event)).await.code, 201);
    for (path, selector, found) in [
        (core, "type%3DNormal,source%3Dc", 1),
        (new, "type%3DNormal,reason%3Dr", 1),
        (new, "type!%3DNormal", 0),
        (core, "source%3DNormal", 0),
    ] {
        let selector = format!("{selector},metadata.name%3De");
        let list = send(&client, Method::GET, &format!("{path}?fieldSelector={selector}"), None).await;
        assert_eq!(list.body["items"].as_array().map(Vec::len), Some(found), "{path} {selector}: {}", list.text);
    }
}

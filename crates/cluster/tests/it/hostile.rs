//! What no well-meaning client sends: it gets a 4xx `Status` or plain text, and the server goes on.

use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use object::Value;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn send(client: &kube::Client, method: &Method, path: &str, media: &str, body: &[u8]) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, media);
    let answer = client.send(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap();
    let code = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (code, String::from_utf8_lossy(&bytes).into_owned())
}

/// So many times `open`, then as many times `close`.
fn nested(open: &str, close: &str) -> Vec<u8> {
    [open.repeat(50_000), close.repeat(50_000)].concat().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_harms() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let made = send(&client, &Method::POST, MAPS, "application/json", br#"{"metadata":{"name":"a"}}"#).await;
    assert_eq!(made.0, 201);

    for (path, want) in [
        ("/api/v1//pods", 404),
        ("/api//v1/pods", 404),
        ("/api/v1/namespaces//configmaps", 200),
        ("/api/v1/namespaces/default/configmaps//", 200),
        ("/api/v1/namespaces/default/configmaps/%zz", 400),
        ("/api/v1/namespaces/default/configmaps/%ff", 400),
        ("/api/v1/namespaces/default/configmaps/a%2Fb", 404),
        ("/api/v1/namespaces/default/configmaps/..", 400),
        ("/api/v1/namespaces/default/configmaps/%00", 404),
        ("/api/v1/namespaces/%2e%2e/configmaps", 200),
        ("/api/v1/configmaps?labelSelector=a%3D%3D%3Db%2C", 400),
        ("/api/v1/configmaps?fieldSelector=%28%29", 400),
        ("/api/v1/configmaps?limit=99999999999999999999", 400),
        ("/api/v1/configmaps?continue=AAAA", 400),
        ("/api/v1/configmaps?resourceVersion=abc", 400),
        ("/api/v1/configmaps?watch=1&resourceVersion=abc", 500),
        ("/api/v1/configmaps?watch=1&timeoutSeconds=x", 400),
    ] {
        let (code, body) = send(&client, &Method::GET, path, "application/json", b"").await;
        assert_eq!(code, want, "{path}: {body}");
    }

    let deep = nested("[", "]");
    let deep_maps = nested("{\"a\":", "}");
    let patches = format!("{MAPS}/a");
    for (method, path, media, body) in [
        (Method::POST, MAPS, "application/json", &deep[..]),
        (Method::POST, MAPS, "application/json", &deep_maps),
        (Method::POST, MAPS, "application/json", b"{\"metadata\":{\"name\":\"\xff\"}}"),
        (Method::POST, MAPS, "application/json", b"{"),
        (Method::POST, MAPS, "application/json", b""),
        (Method::POST, MAPS, "application/yaml", &deep),
        (Method::POST, MAPS, "application/yaml", b"a: &a [*a,*a]"),
        (Method::POST, MAPS, "application/yaml", b"\t- x: ["),
        (Method::POST, MAPS, "application/vnd.kubernetes.protobuf", b"k8s\0\x12\xff\xff\xff\xff\x0f"),
        (Method::POST, MAPS, "application/vnd.kubernetes.protobuf", b"k8s\0"),
        (Method::PATCH, &patches, "application/json-patch+json", &deep),
        (Method::PATCH, &patches, "application/json-patch+json", br#"[{"op":"test","path":"/x/y/z","value":1}]"#),
        (Method::PATCH, &patches, "application/merge-patch+json", &deep_maps),
        (Method::PATCH, &patches, "application/strategic-merge-patch+json", &deep_maps),
        (Method::PATCH, &format!("{patches}?fieldManager=m"), "application/apply-patch+yaml", &deep),
        (Method::DELETE, &patches, "application/json", &deep),
        (Method::PUT, &patches, "text/plain", b"x"),
    ] {
        let (code, answer) = send(&client, &method, path, media, body).await;
        assert!((400..500).contains(&code), "{method} {media} {:?}: {code} {answer}", &body[..body.len().min(40)]);
        let status: Value = serde_json::from_str(&answer).expect("an error is a Status");
        assert_eq!(status["kind"], "Status");
    }
    let large = vec![b' '; 4 * 1024 * 1024];
    assert_eq!(send(&client, &Method::POST, MAPS, "application/json", &large).await.0, 413);

    // Nothing of all that left a trace.
    let list: Value = client.request(Request::get(MAPS).body(Vec::new()).unwrap()).await.unwrap();
    let names = list["items"].as_array().unwrap().iter().map(|map| &map["metadata"]["name"]);
    // A controller makes another one, early or late.
    let names: Vec<&Value> = names.filter(|name| *name != "kube-root-ca.crt").collect();
    assert_eq!(names, ["a"]);
    world.stop().await;
}

//! What a comparison with the reference server showed of the verbs, and no recorded conversation does.
//!
//! Deliberately absent: the rules of kinds, which `kinds` tests by themselves.

use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use object::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

struct Answer {
    code: u16,
    warnings: Vec<String>,
    body: Value,
}

impl Answer {
    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

async fn send(client: &kube::Client, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    let answer = client.send(request.body(Body::from(body.into_bytes())).unwrap()).await.unwrap();
    let code = answer.status().as_u16();
    let warnings = answer.headers().get_all(header::WARNING).iter();
    let warnings = warnings.map(|text| text.to_str().unwrap().to_owned()).collect();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

fn map(metadata: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_answer_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    let versioned = map(json!({"name": "v", "resourceVersion": "5"}));
    let dry = send(&client, Method::POST, &format!("{MAPS}?dryRun=All"), Some(&versioned)).await;
    assert_eq!((dry.code, &dry.body["metadata"]["resourceVersion"]), (201, &json!("5")));
    let refused = send(&client, Method::POST, MAPS, Some(&versioned)).await;
    assert_eq!((refused.code, refused.message()), (500, "resourceVersion should not be set on objects to be created"));

    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
    let twice = map(json!({"name": "o", "ownerReferences": [owner, owner]}));
    let made = send(&client, Method::POST, MAPS, Some(&twice)).await;
    assert_eq!(made.code, 201);
    assert!(
        made.warnings[0].ends_with("please fix your requests; duplicate UID(s) observed: u\""),
        "{:?}",
        made.warnings
    );

    let other = json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": []});
    let list = send(&client, Method::POST, MAPS, Some(&other)).await;
    let why = "ConfigMapList in version \"v1\" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to \
               (core.ConfigMap): unknown conversion";
    assert_eq!((list.code, list.message()), (400, why));

    let foreign = map(json!({"name": "o", "uid": "x"}));
    for (query, root) in [("", "/registry"), ("?dryRun=All", "")] {
        let put = send(&client, Method::PUT, &format!("{MAPS}/o{query}"), Some(&foreign)).await;
        assert!(put.message().contains(&format!("Key: {root}/configmaps/default/o,")), "{}", put.message());
    }

    let deleted = send(&client, Method::DELETE, &format!("{MAPS}?dryRun=All&labelSelector=a"), None).await;
    assert!(deleted.body["metadata"]["resourceVersion"].is_string(), "{}", deleted.body);

    for (path, code, want) in [
        (format!("{MAPS}?limit="), 400, "strconv.ParseInt: parsing \"\": invalid syntax"),
        (
            format!("{MAPS}?resourceVersion=abc"),
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": \
             invalid syntax",
        ),
        (
            "/api/v1/nodes?fieldSelector=metadata.namespace=x".to_owned(),
            400,
            "field label not supported: metadata.namespace",
        ),
    ] {
        let answer = send(&client, Method::GET, &path, None).await;
        assert_eq!((answer.code, answer.message()), (code, want), "{path}");
    }
    let future = send(&client, Method::GET, &format!("{MAPS}/o?resourceVersion=99999999"), None).await;
    assert_eq!(future.code, 504);
    assert!(future.message().starts_with("Timeout: Too large resource version: 99999999, current: "));
    world.stop().await;
}

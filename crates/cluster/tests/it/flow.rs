//! A client that floods the server with lists has only the seats of its own priority level: it is told to come back,
//! while nodes and people are served.

use crate::world::World;
use http::{HeaderMap, Method, Request, Response, header};
use kube::client::Body;
use object::{Value, json};
use std::time::Duration;

const LEVELS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
const SCHEMAS: &str = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Objects that together are more than the buffers between server and client hold.
const LARGE: usize = 900_000;
const MANY: usize = 24;

async fn send(client: &kube::Client, who: &[&str], method: Method, path: &str, object: &Value) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let [user, groups @ ..] = who {
        request = request.header("Impersonate-User", *user);
        for group in groups {
            request = request.header("Impersonate-Group", *group);
        }
    }
    let body = if object.is_null() { Vec::new() } else { object.to_string().into_bytes() };
    client.send(request.body(Body::from(body)).unwrap()).await.unwrap()
}

/// As the administrator.
async fn create(client: &kube::Client, collection: &str, object: &Value) -> String {
    let answer = send(client, &[], Method::POST, collection, object).await;
    assert_eq!(answer.status(), 201, "{collection}");
    let path = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
    let made: Value = client.request(Request::get(path).body(Vec::new()).unwrap()).await.unwrap();
    made["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn class(headers: &HeaderMap) -> [&str; 2] {
    ["x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"]
        .map(|name| headers.get(name).map_or("", |value| value.to_str().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_stays_in_its_own_seats() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let level = create(
        &client,
        LEVELS,
        &json!({"metadata": {"name": "few"}, "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": {"type": "Reject"}}}}),
    )
    .await;
    let schema = create(
        &client,
        SCHEMAS,
        &json!({"metadata": {"name": "flood"}, "spec": {"matchingPrecedence": 50,
            "priorityLevelConfiguration": {"name": "few"}, "rules": [{
                "subjects": [{"kind": "User", "user": {"name": "flood"}}],
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true}]}]}}),
    )
    .await;
    let all = json!({"metadata": {"name": "all"}, "subjects": [
        {"kind": "User", "name": "flood", "apiGroup": "rbac.authorization.k8s.io"},
        {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}});
    create(&client, BINDINGS, &all).await;
    for number in 0..MANY {
        create(&client, MAPS, &json!({"metadata": {"name": format!("m{number}")}, "data": {"k": "x".repeat(LARGE)}}))
            .await;
    }

    // The server follows the objects; from some request on, the flood is in the new level.
    let list = || send(&client, &["flood"], Method::GET, MAPS, &Value::Null);
    let mut held = Vec::new();
    let refused = loop {
        let answer = list().await;
        if answer.status() != 200 {
            break answer;
        }
        let is_there = class(answer.headers()) == [schema.as_str(), level.as_str()];
        if is_there {
            held.push(answer)
        } else {
            tokio::time::sleep(Duration::from_millis(20)).await
        }
        assert!(held.len() < 100, "nobody is refused");
    };
    assert!(!held.is_empty());
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(class(refused.headers()), [schema.as_str(), level.as_str()]);

    // Everybody else goes on.
    let node = ["system:node:n1", "system:nodes", "system:authenticated"];
    for (who, path) in [
        (&[][..], "/api/v1/namespaces/default"),
        (&["ann"], "/api/v1/namespaces/default"),
        (&node, "/api/v1/services"),
        (&["ann"], MAPS),
    ] {
        let answer = send(&client, who, Method::GET, path, &Value::Null).await;
        assert_eq!(answer.status(), 200, "{who:?} {path}");
        let [schema_of, level_of] = class(answer.headers());
        assert!(!schema_of.is_empty() && schema_of != schema && level_of != level, "{who:?}");
    }

    // Whoever has taken a list, or turned away from it, gives its seat back.
    drop(held);
    while list().await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.stop().await;
}

/// Whose conditions, and whether the schema dangles.
fn dangling(schema: &Value) -> Option<(String, bool)> {
    let owners = schema["metadata"]["managedFields"].as_array()?;
    let owner = owners.iter().find(|owner| owner["subresource"] == "status")?;
    let condition = &schema["status"]["conditions"][0];
    let who = format!("{} {}", owner["operation"].as_str()?, owner["manager"].as_str()?);
    Some((who, condition["type"] == "Dangling" && condition["status"] == "True"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_tells_whether_its_level_is_there() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let schema = json!({"metadata": {"name": "lost"}, "spec": {"priorityLevelConfiguration": {"name": "later"}}});
    create(&client, SCHEMAS, &schema).await;
    let level = json!({"metadata": {"name": "later"}, "spec": {"type": "Limited", "limited": {
        "nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}});
    for is_lost in [true, false] {
        let wanted = ("Apply api-priority-and-fairness-config-consumer-v1".to_owned(), is_lost);
        let mut seen = None;
        for _ in 0..1000 {
            let get = Request::get(format!("{SCHEMAS}/lost")).body(Vec::new()).unwrap();
            seen = dangling(&client.request(get).await.unwrap());
            if seen.as_ref() == Some(&wanted) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(seen, Some(wanted));
        if is_lost {
            create(&client, LEVELS, &level).await;
        }
    }
    world.stop().await;
}

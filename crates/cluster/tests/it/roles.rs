//! Roles that a server grants by itself when there is something to see.

use crate::answers::send;
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};
use std::time::Duration;

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const READER: &str = "system:aggregated-metrics-reader";
const GROUP: &str = "metrics.k8s.io";

/// Whether a role lets its holders see what is measured; `None` if there is no such role.
async fn shows_usage(client: &Client, role: &str) -> Option<bool> {
    let found = send(client, Method::GET, &format!("{ROLES}/{role}"), None).await;
    let rules: Vec<Value> = found.body["rules"].as_array().cloned().unwrap_or_default();
    let names_group = |rule: &Value| rule["apiGroups"].as_array().is_some_and(|groups| groups.contains(&json!(GROUP)));
    (found.code == 200).then(|| rules.iter().any(names_group))
}

/// Waits for a role to show it.
async fn until_it_shows(client: &Client, role: &str) {
    let begun = tokio::time::Instant::now();
    while shows_usage(client, role).await != Some(true) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{role} shows nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_may_be_seen_from_the_first_node_on() {
    let world = World::start().await;
    let client = world.client().await;
    // The aggregated roles have been reckoned once they have rules.
    while send(&client, Method::GET, &format!("{ROLES}/view"), None).await.body["rules"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shows_usage(&client, READER).await, None);
    for role in ["view", "edit", "admin"] {
        assert_eq!(shows_usage(&client, role).await, Some(false), "{role}");
    }
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}});
    assert_eq!(send(&client, Method::POST, "/api/v1/nodes", Some(&node)).await.code, 201);
    for role in [READER, "view", "edit", "admin"] {
        until_it_shows(&client, role).await;
    }
    // Where it is there already, a server finds it so.
    let world = world.restart().await;
    until_it_shows(&world.client().await, READER).await;
    world.stop().await;
}

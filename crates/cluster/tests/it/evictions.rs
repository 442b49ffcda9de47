//! Evictions, and what they leave behind, as a comparison with the reference server showed them.

use crate::answers::{Answer, send, send_as};
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

async fn merge(client: &Client, path: &str, patch: Value) -> Value {
    let answer = send_as(client, Method::PATCH, path, "application/merge-patch+json", Some(&patch)).await;
    assert_eq!(answer.code, 200, "{}", answer.body);
    answer.body
}

async fn evict(client: &Client, query: &str, options: Value) -> Answer {
    let eviction = json!({"metadata": {"name": "p"}, "deleteOptions": options});
    send(client, Method::POST, &format!("{PODS}/p/eviction{query}"), Some(&eviction)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn evictions_ask_budgets_and_say_why_pods_go() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let account = json!({"metadata": {"name": "default"}});
    send(&client, Method::POST, "/api/v1/namespaces/default/serviceaccounts", Some(&account)).await;
    let pod = json!({"metadata": {"name": "p", "labels": {"a": "b"}, "finalizers": ["example.com/keep"]},
                     "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(send(&client, Method::POST, PODS, Some(&pod)).await.code, 201);
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    merge(&client, &format!("{PODS}/p/status"), ready).await;

    let careless = evict(&client, "", json!({"ignoreStoreReadErrorWithClusterBreakingPotential": true})).await;
    assert!(
        careless.code == 422 && careless.message().contains("can not be set for pod eviction"),
        "{}",
        careless.body
    );
    let torn = evict(&client, "?dryRun=All", json!({"dryRun": ["All", "All"]})).await;
    let why = "Non-matching dry-run options in request and content: [All] and [All All]";
    assert_eq!((torn.code, torn.message()), (500, why));

    let budget =
        json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}});
    assert_eq!(send(&client, Method::POST, BUDGETS, Some(&budget)).await.code, 201);
    for _ in 0..100 {
        let refused = evict(&client, "", Value::Null).await;
        let cause = refused.body["details"]["causes"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(refused.code, 429, "{}", refused.body);
        if cause == "The disruption budget b needs 1 healthy pods and has 1 currently" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    merge(&client, &format!("{BUDGETS}/b"), json!({"spec": {"selector": {"matchLabels": {"a": "c"}}}})).await;
    assert_eq!(evict(&client, "", Value::Null).await.code, 201);
    let kept = send(&client, Method::GET, &format!("{PODS}/p"), None).await.body;
    assert!(kept["metadata"]["deletionTimestamp"].is_string(), "{kept}");
    let conditions = kept["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let target = conditions.iter().find(|condition| condition["type"] == "DisruptionTarget").unwrap();
    assert_eq!((&target["status"], &target["reason"]), (&json!("True"), &json!("EvictionByEvictionAPI")), "{kept}");
    world.stop().await;
}

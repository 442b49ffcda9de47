//! A namespace of a server, and short ways to put things there and to wait for what becomes of them.

use crate::world::World;
use http::{Method, Request};
use object::{Value, json};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with one namespace to play in.
pub(super) struct Stage {
    world: World,
    client: kube::Client,
}

/// Paths of collections in the namespace `default`.
pub(super) const PODS: &str = "/api/v1/namespaces/default/pods";
pub(super) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
pub(super) const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";

impl Stage {
    pub(super) async fn set() -> Stage {
        let world = World::start().await;
        let client = world.client().await;
        let stage = Stage { world, client };
        stage
            .wait("the default service account", async || {
                stage
                    .get("/api/v1/namespaces/default/serviceaccounts/default")
                    .await
                    .filter(|account| account.is_object())
            })
            .await;
        stage
    }

    pub(super) async fn strike(self) {
        self.world.stop().await;
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Value) -> Result<Value, kube::Error> {
        let content = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).header("Content-Type", content).body(body).unwrap();
        self.client.request(request).await
    }

    pub(super) async fn create(&self, collection: &str, object: Value) -> Value {
        self.send(Method::POST, collection, object).await.expect("it can be made")
    }

    pub(super) async fn patch(&self, path: &str, patch: Value) -> Value {
        self.send(Method::PATCH, path, patch).await.expect("it can be changed")
    }

    pub(super) async fn delete(&self, path: &str) {
        self.send(Method::DELETE, path, Value::Null).await.expect("it can be deleted");
    }

    pub(super) async fn get(&self, path: &str) -> Option<Value> {
        self.send(Method::GET, path, Value::Null).await.ok()
    }

    /// The objects of a collection; a query may follow the path.
    pub(super) async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.send(Method::GET, path, Value::Null).await.expect("it can be listed");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until `look` finds something.
    pub(super) async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "still waiting for {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `look` finds something; if it does not, shows what is at a path.
    pub(super) async fn wait_at<T>(&self, path: &str, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            let is_late = start.elapsed() > PATIENCE;
            assert!(!is_late, "still waiting for {what}: {:#}", self.get(path).await.unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until an object fits.
    pub(super) async fn until(&self, path: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_at(path, what, async || self.get(path).await.filter(|object| fits(object))).await
    }

    /// Waits until a collection has as many objects that fit.
    pub(super) async fn until_count(
        &self,
        path: &str,
        what: &str,
        count: usize,
        fits: impl Fn(&Value) -> bool,
    ) -> Vec<Value> {
        self.wait(what, async || {
            let found: Vec<Value> = self.list(path).await.into_iter().filter(|object| fits(object)).collect();
            (found.len() == count).then_some(found)
        })
        .await
    }

    /// Does what a kubelet does when a pod's containers run and are ready.
    pub(super) async fn make_ready(&self, pod: &Value) {
        let now = "2020-01-01T00:00:00Z";
        let conditions: Vec<Value> = ["Initialized", "ContainersReady", "Ready"]
            .iter()
            .map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": now}))
            .collect();
        let status = json!({"status": {
            "phase": "Running", "conditions": conditions, "podIP": "10.42.0.2", "podIPs": [{"ip": "10.42.0.2"}],
            "startTime": now,
        }});
        self.patch_status(pod, status).await;
    }

    /// Lets a pod end as `Succeeded` or `Failed`, its container with an exit code.
    pub(super) async fn end(&self, pod: &Value, phase: &str, code: i64) {
        let terminated = json!({"exitCode": code, "finishedAt": "2020-01-01T00:00:00Z"});
        let containers = json!([{
            "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": terminated},
        }]);
        self.patch_status(pod, json!({"status": {"phase": phase, "containerStatuses": containers}})).await;
    }

    async fn patch_status(&self, pod: &Value, status: Value) {
        let path = format!("{PODS}/{}/status", name(pod));
        // The pod may have gone meanwhile.
        let _ = self.send(Method::PATCH, &path, status).await;
    }
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Whether an object is not being deleted.
pub(super) fn stays(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_none()
}

/// A template of pods with a label `app` and an image.
pub(super) fn template(app: &str, image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": "main", "image": image}], "terminationGracePeriodSeconds": 0},
    })
}

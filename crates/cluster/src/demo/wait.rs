//! Waits until the examples are what they should be.

use super::{DemoError, app};
use crate::up;
use http::Request;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The longest wait for one thing.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Until the node takes pods.
pub(super) async fn node_ready(client: &kube::Client, name: &str) -> Result<(), DemoError> {
    until(client, &format!("/api/v1/nodes/{name}"), up::is_ready, "the node is not ready").await.map(drop)
}

/// Until all replicas of a Deployment are available.
pub(super) async fn available(client: &kube::Client, namespace: &str, name: &str) -> Result<(), DemoError> {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    let ready = |deployment: &Value| {
        let available = deployment["status"]["availableReplicas"].as_u64().unwrap_or_default();
        Some(available) == deployment["spec"]["replicas"].as_u64()
    };
    until(client, &path, ready, &format!("the deployment {name} is not available")).await.map(drop)
}

/// Until a Job has done its work.
pub(super) async fn complete(client: &kube::Client, namespace: &str, name: &str) -> Result<(), DemoError> {
    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{name}");
    let done = |job: &Value| {
        let mut conditions = job["status"]["conditions"].as_array().into_iter().flatten();
        conditions.any(|condition| condition["type"] == "Complete" && condition["status"] == "True")
    };
    until(client, &path, done, &format!("the job {name} is not complete")).await.map(drop)
}

/// What a Service answers at its node port, and where that is.
pub(super) async fn answer(client: &kube::Client, namespace: &str, name: &str) -> Result<(String, String), DemoError> {
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let service = until(client, &path, |_| true, "the Service is not there").await?;
    let port =
        service["spec"]["ports"][0]["nodePort"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    let nodes = until(client, "/api/v1/nodes", |_| true, "there is no node").await?;
    let host = nodes["items"][0]["status"]["addresses"][0]["address"].as_str().unwrap_or("127.0.0.1").to_owned();
    let began = Instant::now();
    loop {
        let server = host.clone();
        let asked = tokio::task::spawn_blocking(move || app::get((&server, port), "/")).await;
        match asked.expect("asking does not panic") {
            Ok(answer) => return Ok((format!("{host}:{port}"), answer)),
            Err(error) if began.elapsed() > PATIENCE => {
                let what = format!("the Service {name} does not answer at {host}:{port} ({error})");
                return Err(DemoError::Late { what, seconds: PATIENCE.as_secs() });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Looks at an object until it is as wanted.
async fn until(
    client: &kube::Client,
    path: &str,
    wanted: impl Fn(&Value) -> bool,
    what: &str,
) -> Result<Value, DemoError> {
    let began = Instant::now();
    loop {
        let request = Request::get(path).body(Vec::new()).expect("paths of the examples are valid");
        if let Ok(object) = client.request::<Value>(request).await
            && wanted(&object)
        {
            return Ok(object);
        }
        if began.elapsed() > PATIENCE {
            return Err(DemoError::Late { what: what.to_owned(), seconds: PATIENCE.as_secs() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

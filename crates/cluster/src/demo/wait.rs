//! Waits until the examples are what they should be.

use super::{DemoError, app};
use crate::up;
use http::Request;
use object::Value;
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
                return Err(late(client, what).await);
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
            return Err(late(client, what.to_owned()).await);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What has not happened, and what nodes and pods say about it.
async fn late(client: &kube::Client, what: String) -> DemoError {
    let mut why = Vec::new();
    for path in ["/api/v1/nodes", "/api/v1/pods"] {
        let request = Request::get(path).body(Vec::new()).expect("paths of the examples are valid");
        if let Ok(list) = client.request::<Value>(request).await {
            why.extend(list["items"].as_array().into_iter().flatten().filter_map(complaint));
        }
    }
    why.dedup();
    DemoError::Late { what, seconds: PATIENCE.as_secs(), why }
}

/// What a node or a pod has to complain of.
fn complaint(object: &Value) -> Option<String> {
    let name = object["metadata"]["name"].as_str()?;
    let of_conditions = object["status"]["conditions"].as_array().into_iter().flatten().find_map(|condition| {
        let (kind, status) = (condition["type"].as_str()?, condition["status"].as_str()?);
        let is_bad = match kind {
            "Ready" if object["spec"]["containers"].is_null() => status != "True",
            "PodScheduled" => status != "True",
            _ => kind.ends_with("Pressure") && status == "True",
        };
        is_bad.then(|| format!("{name}: {kind} is {status}: {}", condition["message"].as_str().unwrap_or_default()))
    });
    let of_containers = || {
        let mut containers = object["status"]["containerStatuses"].as_array().into_iter().flatten();
        containers.find_map(|container| {
            let waiting = &container["state"]["waiting"];
            let message = waiting["message"].as_str().unwrap_or_default();
            Some(format!("{name}: {} {message}", waiting["reason"].as_str()?).trim_end().to_owned())
        })
    };
    of_conditions.or_else(of_containers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn who_keeps_the_demo_waiting_is_told() {
        let conditions = |kind: &str, status: &str| json!([{"type": kind, "status": status, "message": "m"}]);
        let node =
            |kind, status| json!({"metadata": {"name": "n"}, "status": {"conditions": conditions(kind, status)}});
        assert_eq!(complaint(&node("DiskPressure", "True")).unwrap(), "n: DiskPressure is True: m");
        assert_eq!(complaint(&node("Ready", "Unknown")).unwrap(), "n: Ready is Unknown: m");
        assert_eq!(complaint(&node("Ready", "True")), None);
        let pod = |status: Value| json!({"metadata": {"name": "p"}, "spec": {"containers": []}, "status": status});
        let unplaced = pod(json!({"conditions": conditions("PodScheduled", "False")}));
        assert_eq!(complaint(&unplaced).unwrap(), "p: PodScheduled is False: m");
        assert_eq!(complaint(&pod(json!({"conditions": conditions("Ready", "False")}))), None);
        let waiting = pod(json!({"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}));
        assert_eq!(complaint(&waiting).unwrap(), "p: ErrImagePull");
    }
}

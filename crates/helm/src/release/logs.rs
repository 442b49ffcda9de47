//! The logs of hooks' pods.

use value::Value;

use super::Release;
use crate::Error;
use crate::cluster::Cluster;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The logs of the containers of a Job's or Pod's pods.
pub(super) async fn of_hook(cluster: &Cluster, object: &Value, namespace: &str) -> Result<Vec<String>, Error> {
    let name = text(&object["metadata"]["name"]);
    let namespace = match text(&object["metadata"]["namespace"]) {
        own if own.is_empty() => namespace.to_owned(),
        own => own,
    };
    let selector = match object["kind"].as_str() {
        Some("Job") => format!("labelSelector=job-name%3D{name}"),
        Some("Pod") => format!("fieldSelector=metadata.name%3D{name}"),
        _ => return Ok(Vec::new()),
    };
    let pods = cluster.get(&format!("/api/v1/namespaces/{namespace}/pods?{selector}")).await?.unwrap_or_default();
    let mut found = Vec::new();
    for pod in pods["items"].as_array().into_iter().flatten() {
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            let pod = text(&pod["metadata"]["name"]);
            found.push(log(cluster, &namespace, &pod, &text(&container["name"])).await?);
        }
    }
    Ok(found)
}

async fn log(cluster: &Cluster, namespace: &str, pod: &str, container: &str) -> Result<String, Error> {
    cluster.text(&format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}")).await
}

/// The logs of the pods that are tests of a release, the lightest first, under the pods' names.
///
/// # Errors
/// Where a pod or its log is not to be had.
pub(super) async fn of_tests(cluster: &Cluster, release: &Release, filter: &super::Filter) -> Result<String, Error> {
    let mut hooks: Vec<_> =
        release.hooks.iter().filter(|hook| hook.events.iter().any(|event| event == "test")).collect();
    hooks.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
    let mut out = String::new();
    for hook in hooks.into_iter().filter(|hook| hook.kind == "Pod" && filter.takes(&hook.name)) {
        let (namespace, name) = (&release.namespace, &hook.name);
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        let pod = cluster.get(&path).await?;
        let missing = || Error::Release(format!("unable to get pod logs for {name}: pods {name:?} not found"));
        let pod = pod.ok_or_else(missing)?;
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            let log = log(cluster, namespace, name, &text(&container["name"])).await;
            let log = log.map_err(|error| Error::Release(format!("unable to get pod logs for {name}: {error}")))?;
            out.push_str(&format!("POD LOGS: {name}\n{log}\n"));
        }
    }
    Ok(out)
}

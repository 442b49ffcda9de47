//! Pressure of the nodes of a cluster, through its API server: what a node of hakata tells at `/pressure`, and for any
//! other kubelet its summary. Also what only the API knows: which pods a selector means, and which workload a pod
//! belongs to.

use crate::monitor::Wanted;
use crate::owner::Workload;
use crate::report::{Report, Source};
use crate::summary::of_summary;
use futures_util::future::join_all;
use http::Request;
use kube::Client;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};
use value::Value;

/// Why a cluster does not tell.
#[derive(Debug, thiserror::Error)]
pub enum AfarError {
    /// The API server does not answer as it should.
    #[error("cannot get {path}")]
    Get {
        /// What.
        path: String,
        /// Why not.
        #[source]
        source: Box<kube::Error>,
    },
    /// The kubelet is too old, or its kernel has no pressure information.
    #[error(
        "node {node} tells nothing of pressure in its summary; it takes Kubernetes 1.34, cgroup2 and a kernel with psi=1"
    )]
    Nothing {
        /// Which node.
        node: String,
    },
}

/// The names of all nodes.
pub async fn nodes(client: &Client) -> Result<Vec<String>, AfarError> {
    let list: Value = get(client, "/api/v1/nodes".to_owned()).await?;
    let names = list["items"].as_array().into_iter().flatten();
    Ok(names.filter_map(|node| Some(node["metadata"]["name"].as_str()?.to_owned())).collect())
}

/// The summaries of all nodes that answer.
pub async fn summaries(client: &Client) -> Result<Vec<Value>, AfarError> {
    let names = nodes(client).await?;
    let asked = names.iter().map(|name| get::<Value>(client, format!("/api/v1/nodes/{name}/proxy/stats/summary")));
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

/// What a node tells.
pub async fn fetch(client: &Client, node: &str, wanted: &Wanted) -> Result<Report, AfarError> {
    let proxy = format!("/api/v1/nodes/{node}/proxy");
    match get::<Report>(client, format!("{proxy}/pressure?{}", query(wanted))).await {
        Ok(report) => return Ok(Report { source: Source::Node, ..report }),
        Err(AfarError::Get { source, .. }) if !is_without_pressure(&source) => {
            return Err(AfarError::Get { path: format!("{proxy}/pressure"), source });
        }
        Err(_) => {}
    }
    let summary: Value = get(client, format!("{proxy}/stats/summary")).await?;
    of_summary(&summary, wanted.over).ok_or_else(|| AfarError::Nothing { node: node.to_owned() })
}

/// Whether an error says that the node is reached and knows no such path: kubelets say so in plain text.
fn is_without_pressure(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 404,
        kube::Error::SerdeError(_) => true,
        _ => false,
    }
}

/// What a node is asked.
fn query(wanted: &Wanted) -> String {
    let mut parts = Vec::new();
    parts.extend(wanted.over.map(|over| format!("seconds={}", over.as_secs_f64())));
    parts.extend(wanted.all_groups.then(|| "all=true".to_owned()));
    parts.extend(wanted.series.map(|steps| format!("series={steps}")));
    parts.join("&")
}

/// The other side of [`fetch`]: what somebody asks a node.
pub fn parse_query(query: &str) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
        let wrong = || format!("{name}={value}: not a number");
        match name {
            "seconds" => {
                let seconds: f64 = value.parse().map_err(|_| wrong())?;
                wanted.over = Some(std::time::Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?);
            }
            "series" => wanted.series = Some(value.parse().map_err(|_| wrong())?),
            "all" => wanted.all_groups = value == "true",
            _ => {}
        }
    }
    Ok(wanted)
}

/// The pods that a selector means, by namespace and name.
pub async fn pods(
    client: &Client,
    namespace: Option<&str>,
    selector: &str,
) -> Result<BTreeSet<(String, String)>, AfarError> {
    let encoded: String = selector.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let scope = namespace.map(|namespace| format!("namespaces/{namespace}/")).unwrap_or_default();
    let list: Value = get(client, format!("/api/v1/{scope}pods?labelSelector={encoded}")).await?;
    let items = list["items"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(items.map(|pod| (text(&pod["metadata"]["namespace"]), text(&pod["metadata"]["name"]))).collect())
}

/// What stands above what manages pods: the Deployment of a ReplicaSet, the CronJob of a Job. What cannot be asked for
/// stays as it is.
pub async fn resolve_workloads(client: &Client, reports: &mut [Report]) {
    let mut asked: HashMap<(String, Workload), Option<Workload>> = HashMap::new();
    for entry in reports.iter().flat_map(|report| &report.entries) {
        if let Some(workload) = entry.owner.workload.as_ref().filter(|workload| path_of(workload).is_some()) {
            asked.insert((entry.owner.namespace.clone(), workload.clone()), None);
        }
    }
    let answers = asked.into_keys().map(|(namespace, workload)| async move {
        let above = above(client, &namespace, &workload).await;
        ((namespace, workload), above)
    });
    let known: HashMap<_, _> = join_all(answers).await.into_iter().collect();
    for entry in reports.iter_mut().flat_map(|report| &mut report.entries) {
        let Some(workload) = entry.owner.workload.take() else { continue };
        let key = (entry.owner.namespace.clone(), workload);
        let above = known.get(&key).cloned().flatten();
        entry.owner.workload = Some(above.unwrap_or(key.1));
    }
}

fn path_of(workload: &Workload) -> Option<&'static str> {
    match workload.kind.as_str() {
        "ReplicaSet" => Some("apps/v1"),
        "Job" => Some("batch/v1"),
        _ => None,
    }
}

async fn above(client: &Client, namespace: &str, workload: &Workload) -> Option<Workload> {
    let group = path_of(workload)?;
    let path = format!("/apis/{group}/namespaces/{namespace}/{}s/{}", workload.kind.to_lowercase(), workload.name);
    let object: Value = get(client, path).await.ok()?;
    controller(&object)
}

/// Who controls an object.
pub fn controller(object: &Value) -> Option<Workload> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some(Workload { kind: owner["kind"].as_str()?.to_owned(), name: owner["name"].as_str()?.to_owned() })
}

async fn get<T: DeserializeOwned>(client: &Client, path: String) -> Result<T, AfarError> {
    let failed = |source| AfarError::Get { path: path.clone(), source: Box::new(source) };
    let request = Request::get(&path).body(Vec::new()).map_err(|error| failed(kube::Error::HttpError(error)))?;
    client.request(request).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_node_understands_what_it_is_asked() {
        let wanted = Wanted { over: Some(Duration::from_millis(90_500)), all_groups: true, series: Some(60) };
        let understood = parse_query(&query(&wanted)).unwrap();
        assert_eq!(format!("{understood:?}"), format!("{wanted:?}"));
        assert!(parse_query("").unwrap().over.is_none());
        assert_eq!(parse_query("seconds=-5").unwrap_err(), "seconds=-5: not a number");
        assert_eq!(parse_query("series=x").unwrap_err(), "series=x: not a number");
    }
}

//! A release's objects as the cluster has them now.

use value::Value;

use super::{Release, apply};
use crate::Error;
use crate::cluster::Cluster;

/// The objects of one kind.
#[derive(Clone, Debug)]
pub struct Resources {
    /// `VERSION/Kind`, or `v1/Pod(related)` for the pods of the others.
    pub kind: String,
    /// The objects, or a table for each of them.
    pub objects: Vec<Value>,
}

/// The objects of a release, and the pods that belong to them, as tables or as they are. Objects that are not there are
/// left out.
///
/// # Errors
/// Where the manifest cannot be read.
pub async fn resources(cluster: &Cluster, release: &Release, as_tables: bool) -> Result<Vec<Resources>, Error> {
    let get = async |path: &str| match as_tables {
        true => cluster.table(path).await.ok(),
        false => cluster.get(path).await.ok().flatten(),
    };
    let mut found: Vec<Resources> = Vec::new();
    let mut selectors = Vec::new();
    for object in apply::objects(&release.manifest)? {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let version = text("apiVersion").rsplit('/').next().unwrap_or_default();
        let Ok(path) = cluster.path_of(&object, &release.namespace).await else { continue };
        let Some(one) = get(&path).await else { continue };
        add(&mut found, format!("{version}/{}", text("kind")), one);
        let Some(selector) = selector(&object) else { continue };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&release.namespace);
        let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
        if selectors.contains(&path) {
            continue;
        }
        let pods = get(&path).await.unwrap_or_default();
        let is_some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
        if is_some(&pods["rows"]) {
            add(&mut found, "v1/Pod(related)".to_owned(), pods);
        } else if is_some(&pods["items"]) {
            let items = pods["items"].as_array().into_iter().flatten();
            items.for_each(|pod| add(&mut found, "v1/Pod(related)".to_owned(), pod.clone()));
        }
        selectors.push(path);
    }
    found.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(found)
}

fn add(found: &mut Vec<Resources>, kind: String, one: Value) {
    match found.iter_mut().find(|known| known.kind == kind) {
        Some(known) => known.objects.push(one),
        None => found.push(Resources { kind, objects: vec![one] }),
    }
}

/// The labels of an object's pods, as a query.
fn selector(object: &Value) -> Option<String> {
    let labels = match object["kind"].as_str()? {
        "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => &object["spec"]["selector"]["matchLabels"],
        "ReplicationController" => &object["spec"]["selector"],
        _ => return None,
    };
    let pairs = labels.as_object()?.iter().map(|(name, value)| Some(format!("{name}={}", value.as_str()?)));
    let selector = pairs.collect::<Option<Vec<_>>>()?.join(",");
    Some(selector.replace('=', "%3D").replace(',', "%2C").replace('/', "%2F"))
}

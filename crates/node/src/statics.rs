//! Static pods: manifests in a folder, which run whatever the API says, and their mirrors in the API.

use crate::context::Context;
use crate::core::model::is_mirror;
use crate::events::Severity;
use crate::pods::{News, Pods};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, PostParams};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tracing::warn;
use value::Value;

/// How often the folder and the mirrors are looked at.
const PERIOD: Duration = Duration::from_secs(5);
/// Says where a pod comes from.
const SOURCE: &str = "kubernetes.io/config.source";
/// The hash of a static pod.
const HASH: &str = "kubernetes.io/config.hash";
/// Marks a mirror; its value is the hash of the static pod.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Reads all manifests of a folder. What cannot be read is told and left out.
pub(crate) fn read(folder: &Path, node: &str) -> Vec<Pod> {
    let mut names: Vec<_> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            warn!(%error, folder = %folder.display(), "cannot read the folder of static pods");
            return Vec::new();
        }
    };
    names.sort();
    let visible = |path: &Path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let files = names.iter().filter(|path| path.is_file() && visible(path));
    let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
    for path in files {
        match fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|text| parse(&text, path, node)) {
            Ok(pod) => drop(pods.insert(pod.metadata.uid.clone().unwrap_or_default(), pod)),
            Err(why) => warn!(path = %path.display(), why, "cannot use a manifest of a static pod"),
        }
    }
    pods.into_values().collect()
}

/// A manifest as a pod of this node.
fn parse(text: &str, path: &Path, node: &str) -> Result<Pod, String> {
    let value: Value = yaml::to_json(text).map_err(|error| error.to_string())?;
    if value["kind"] != "Pod" {
        return Err("it is no Pod".to_owned());
    }
    let mut pod: Pod = value::from_value(value).map_err(|error| error.to_string())?;
    let mut digest = Sha256::new();
    digest.update(node.as_bytes());
    digest.update(path.to_string_lossy().as_bytes());
    digest.update(text.as_bytes());
    let hash: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let meta = &mut pod.metadata;
    let name = meta.name.clone().filter(|name| !name.is_empty()).ok_or("it has no name")?;
    meta.name = Some(format!("{name}-{}", node.to_lowercase()));
    meta.namespace.get_or_insert_with(|| "default".to_owned());
    meta.uid.get_or_insert_with(|| hash.clone());
    let annotations = meta.annotations.get_or_insert_with(BTreeMap::new);
    annotations.insert(SOURCE.to_owned(), "file".to_owned());
    annotations.insert(HASH.to_owned(), hash);
    let spec = pod.spec.get_or_insert_default();
    if spec.containers.is_empty() {
        return Err("it has no containers".to_owned());
    }
    spec.node_name = Some(node.to_owned());
    defaults(&mut pod);
    Ok(pod)
}

/// The defaults that the API would have set.
fn defaults(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    spec.restart_policy.get_or_insert_with(|| "Always".to_owned());
    spec.dns_policy.get_or_insert_with(|| "ClusterFirst".to_owned());
    spec.termination_grace_period_seconds.get_or_insert(30);
    spec.enable_service_links.get_or_insert(true);
    let all = spec.tolerations.get_or_insert_with(Vec::new);
    if all.is_empty() {
        all.push(k8s_openapi::api::core::v1::Toleration {
            operator: Some("Exists".to_owned()),
            effect: Some("NoExecute".to_owned()),
            ..Default::default()
        });
    }
}

/// Follows the folder, and keeps the mirrors.
pub(crate) async fn run(context: Arc<Context>, folder: &Path, pods: Pods, news_tx: mpsc::UnboundedSender<News>) {
    // A mirror belongs to the node, so the node has to be there first. The pods themselves run already.
    let mut node_rx = context.node_rx.clone();
    let registered = node_rx.wait_for(|node| node.metadata.uid.is_some());
    if context.stop.run_until_cancelled(registered).await.is_none() {
        return;
    }
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: Vec<Pod> = Vec::new();
    let mut stamp: Option<Vec<(String, SystemTime)>> = None;
    while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let (path, name) = (folder.to_owned(), context.config.name.clone());
        let now = stamps(&path);
        if stamp.as_ref() != Some(&now) {
            let read = tokio::task::spawn_blocking(move || read(&path, &name)).await;
            known = read.unwrap_or_default();
            stamp = Some(now);
            if news_tx.send(News::Static(known.clone())).is_err() {
                return;
            }
        }
        for pod in &known {
            mirror(&context, pod, &pods).await;
        }
        remove_strays(&context, &known, &pods).await;
    }
}

/// What tells whether the folder changed.
fn stamps(folder: &Path) -> Vec<(String, SystemTime)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<(String, SystemTime)> = entries
        .filter_map(|entry| {
            let modified = entry.metadata().and_then(|meta| meta.modified()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), modified))
        })
        .collect();
    all.sort();
    all
}

/// Makes the mirror of a static pod, and makes it anew if it is another's.
async fn mirror(context: &Context, pod: &Pod, pods: &Pods) {
    let (namespace, name) = names(pod);
    let hash = annotation(pod, HASH).unwrap_or_default();
    let api: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
    if let Some(known) = pods.mirror(namespace, name) {
        if annotation(&known, MIRROR) == Some(hash) && known.metadata.deletion_timestamp.is_none() {
            return;
        }
        let _gone = api.delete(name, &DeleteParams::default().grace_period(0)).await;
    }
    let mut mirror = pod.clone();
    mirror.metadata.uid = None;
    mirror.metadata.annotations.get_or_insert_default().insert(MIRROR.to_owned(), hash.to_owned());
    let node = context.node_rx.borrow().clone();
    mirror.metadata.owner_references = node.metadata.uid.clone().map(|uid| {
        vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: context.config.name.clone(),
            uid,
            controller: Some(true),
            ..OwnerReference::default()
        }]
    });
    match api.create(&PostParams::default(), &mirror).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => {
            warn!(error = &error as &dyn std::error::Error, pod = name, "cannot make the mirror of a static pod");
            let message = format!("error making mirror pod: {error}");
            context.events.pod(pod, Severity::Warning, "FailedCreateMirrorPod", message);
        }
    }
}

/// Mirrors whose files are gone go too.
async fn remove_strays(context: &Context, known: &[Pod], pods: &Pods) {
    let strays = pods
        .mirrors()
        .into_iter()
        .filter(|mirror| is_mirror(mirror) && !known.iter().any(|pod| names(pod) == names(mirror)));
    for stray in strays {
        let (namespace, name) = names(&stray);
        let api: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
        let _gone = api.delete(name, &DeleteParams::default().grace_period(0)).await;
    }
}

fn names(pod: &Pod) -> (&str, &str) {
    (pod.metadata.namespace.as_deref().unwrap_or_default(), pod.metadata.name.as_deref().unwrap_or_default())
}

fn annotation<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::is_static;

    #[test]
    fn manifests_become_pods_of_the_node() {
        let world = tempfile::tempdir().unwrap();
        let good =
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: c\n    image: x:1\n";
        fs::write(world.path().join("a.yaml"), good).unwrap();
        fs::write(world.path().join(".hidden.yaml"), good).unwrap();
        fs::write(world.path().join("b.yaml"), "kind: Service").unwrap();
        fs::write(world.path().join("c.yaml"), "{").unwrap();
        let pods = read(world.path(), "n1");
        assert_eq!(pods.len(), 1);
        assert_eq!(names(&pods[0]), ("default", "web-n1"));
        assert!(is_static(&pods[0]));
        assert_eq!(pods[0].spec.as_ref().unwrap().node_name.as_deref(), Some("n1"));
        let before = pods[0].metadata.uid.clone();
        fs::write(world.path().join("a.yaml"), good.replace("x:1", "x:2")).unwrap();
        assert_ne!(read(world.path(), "n1")[0].metadata.uid, before, "another manifest is another pod");
    }
}

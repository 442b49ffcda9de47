//! Brings a manifest to a cluster, and takes it away again.

use serde_json::Value;

use super::ownership::{conflict, mark, shown};
use crate::Error;
use crate::cluster::Cluster;
use crate::manifest::{UNINSTALL_ORDER, by_kind, split};

/// How objects are applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applying {
    /// Merged by the server.
    pub server_side: bool,
    /// Takes fields from other managers.
    pub force_conflicts: bool,
    /// Takes over objects that belong to no release or another one.
    pub take_ownership: bool,
}

/// The objects of a manifest.
pub(super) fn objects(manifest: &str) -> Result<Vec<Value>, Error> {
    let mut objects = Vec::new();
    for document in split(manifest) {
        let object = yaml::to_json(document).map_err(|error| {
            Error::Release(format!("unable to build kubernetes objects from release manifest: error parsing : error converting YAML to JSON: {error}"))
        })?;
        match object {
            Value::Null => {}
            list if list["kind"] == "List" => objects.extend(list["items"].as_array().cloned().unwrap_or_default()),
            object => objects.push(object),
        }
    }
    Ok(objects)
}

/// Refuses where an object is there and not this release's.
pub(super) async fn check_ownership(
    cluster: &Cluster,
    objects: &[Value],
    name: &str,
    namespace: &str,
    what: &str,
) -> Result<(), Error> {
    for object in objects {
        let path = cluster.path_of(object, namespace).await.map_err(|error| {
            Error::Release(format!("unable to build kubernetes objects from release manifest: {error}"))
        })?;
        let Some(found) = cluster.get(&path).await? else { continue };
        if let Some(problem) = conflict(&found, name, namespace) {
            let shown = shown(object, namespace);
            return Err(Error::Release(format!(
                "unable to continue with {what}: {shown} exists and cannot be imported into the current release: {problem}"
            )));
        }
    }
    Ok(())
}

/// Applies objects in their order; gives the paths of those that were not there before.
pub(super) async fn apply(
    cluster: &Cluster,
    objects: &[Value],
    name: &str,
    namespace: &str,
    how: Applying,
    created: &mut Vec<String>,
) -> Result<(), Error> {
    for object in objects {
        let mut object = object.clone();
        mark(&mut object, name, namespace);
        let path = cluster.path_of(&object, namespace).await?;
        let found = cluster.get(&path).await?;
        if found.is_none() {
            created.push(path.clone());
        }
        match found {
            _ if how.server_side => cluster.apply(&object, namespace, how.force_conflicts, false).await?,
            None => cluster.post(&cluster.collection_of(&object, namespace).await?, &object).await?,
            Some(_) => cluster.merge_patch(&path, &object).await?,
        };
    }
    Ok(())
}

/// Whether a document asks to be left alone.
pub(super) fn is_kept(object: &Value) -> bool {
    object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
}

/// Deletes what the old manifest has and the new one has not.
pub(super) async fn prune(cluster: &Cluster, old: &[Value], new: &[Value], namespace: &str) -> Result<(), Error> {
    let mut kept = std::collections::HashSet::new();
    for object in new {
        kept.insert(cluster.path_of(object, namespace).await?);
    }
    for object in old.iter().filter(|object| !is_kept(object)) {
        // A kind that is gone took its objects along.
        let Ok(path) = cluster.path_of(object, namespace).await else { continue };
        if !kept.contains(&path) {
            cluster.delete(&path).await?;
        }
    }
    Ok(())
}

/// Deletes a manifest's objects; gives those that ask to be left alone.
pub(super) async fn delete(cluster: &Cluster, manifest: &str, namespace: &str) -> Result<Vec<String>, Error> {
    let mut objects = objects(manifest)?;
    by_kind(&mut objects, UNINSTALL_ORDER, |object: &Value| object["kind"].as_str().unwrap_or_default());
    let mut kept = Vec::new();
    for object in &objects {
        if is_kept(object) {
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            kept.push(format!("[{}] {}", kind.as_str().unwrap_or_default(), name.as_str().unwrap_or_default()));
            continue;
        }
        if let Ok(path) = cluster.path_of(object, namespace).await {
            cluster.delete(&path).await?;
        }
    }
    Ok(kept)
}

//! Brings a manifest to a cluster, and takes it away again.

use std::collections::HashMap;

use object::patch::{merge, strategic};
use object::schema::{builtin, builtin_type};
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
    /// Merged as the revision before was, whatever the field above says.
    pub as_before: bool,
    /// Takes fields from other managers.
    pub force_conflicts: bool,
    /// Takes over objects that belong to no release or another one.
    pub take_ownership: bool,
}

impl Applying {
    /// With the way of merging settled by how a revision was applied; Helm 3 does not say, and merged itself.
    pub(super) fn after(self, method: &str) -> Self {
        let server_side = if self.as_before { method == "ssa" } else { self.server_side };
        Self { server_side, as_before: false, ..self }
    }
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

/// Applies objects in their order; gives the paths of those that were not there before. What the old manifest said of an
/// object and the new one does not is taken out of it.
pub(super) async fn apply(
    cluster: &Cluster,
    (old, new): (&[Value], &[Value]),
    (name, namespace): (&str, &str),
    how: Applying,
    created: &mut Vec<String>,
) -> Result<(), Error> {
    let mut before = HashMap::new();
    if !how.server_side {
        for object in old {
            // A kind that is gone has nothing to compare with.
            if let Ok(path) = cluster.path_of(object, namespace).await {
                before.insert(path, object);
            }
        }
    }
    for object in new {
        let mut object = object.clone();
        mark(&mut object, name, namespace);
        let path = cluster.path_of(&object, namespace).await?;
        let found = cluster.get(&path).await?;
        if found.is_none() {
            created.push(path.clone());
        }
        match found {
            _ if how.server_side => drop(cluster.apply(&object, namespace, how.force_conflicts, false).await?),
            None => drop(cluster.post(&cluster.collection_of(&object, namespace).await?, &object).await?),
            Some(current) => merge(cluster, &path, before.get(&path).copied(), &object, &current).await?,
        }
    }
    Ok(())
}

/// Merges three ways: what was, what shall be, and what is. Kinds that are not built in merge by what was and shall be
/// alone, as Helm does it.
async fn merge(cluster: &Cluster, path: &str, old: Option<&Value>, new: &Value, current: &Value) -> Result<(), Error> {
    let text = |name: &str| new[name].as_str().unwrap_or_default();
    let old = old.unwrap_or(current);
    let custom = text("apiVersion").starts_with("apiextensions.k8s.io/");
    let ty = builtin_type(text("apiVersion"), text("kind")).filter(|_| !custom);
    let (ty, patch) = match (ty, old.as_object(), new.as_object(), current.as_object()) {
        (Some(ty), Some(old), Some(new), Some(current)) => {
            let patch = strategic::diff::three_way(old, new, current, builtin(), ty);
            ("application/strategic-merge-patch+json", Value::Object(patch))
        }
        _ => ("application/merge-patch+json", merge::three_way(old, new, old)),
    };
    if patch.as_object().is_some_and(|patch| !patch.is_empty()) {
        cluster.patch(path, ty, &patch).await?;
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

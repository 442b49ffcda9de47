//! Brings a manifest to a cluster, and takes it away again.

use std::collections::{HashMap, HashSet};

use object::patch::{merge, strategic};
use object::schema::{builtin, builtin_type};
use value::Value;

use super::managers;
use super::ownership::{conflict, mark, shown};
use crate::Error;
use crate::cluster::{Cascade, Cluster};
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
    /// Objects are replaced, not merged.
    pub force_replace: bool,
    /// What was merged by the client goes over to the server; operations settle that.
    pub hand_over: bool,
}

impl Applying {
    /// With the way of merging settled by how a revision was applied; Helm 3 does not say, and merged itself.
    pub(super) fn after(self, method: &str) -> Self {
        let server_side = if self.as_before { method == "ssa" } else { self.server_side };
        Self { server_side, as_before: false, ..self }
    }

    /// As it is, and what was merged by the client goes over to the server.
    pub(super) fn handing_over(self, hand_over: bool) -> Self {
        Self { hand_over, ..self }
    }

    fn check(self) -> Result<(), Error> {
        let refused = |words: &str| Err(Error::Release(words.to_owned()));
        match self {
            Self { server_side: false, force_conflicts: true, .. } => {
                refused("invalid client update option(s): forceConflicts enabled when serverSideApply disabled")
            }
            Self { force_conflicts: true, force_replace: true, .. } => {
                refused("invalid operation: cannot use force conflicts and force replace together")
            }
            Self { server_side: true, force_replace: true, .. } => {
                refused("invalid operation: cannot use server-side apply and force replace together")
            }
            _ => Ok(()),
        }
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
/// object and the new one does not is taken out of it. An object that cannot be made ends it, unless all of them are
/// new; one that cannot be changed does not keep the others from being tried.
pub(super) async fn apply(
    cluster: &Cluster,
    (old, new): (&[Value], &[Value]),
    (name, namespace): (&str, &str),
    how: Applying,
    created: &mut Vec<String>,
) -> Result<(), Error> {
    how.check()?;
    let mut before = HashMap::new();
    for object in old {
        // A kind that is gone has nothing to compare with.
        if let Ok(path) = cluster.path_of(object, namespace).await {
            before.insert(path, object);
        }
    }
    let (mut failures, mut unmade) = (Vec::new(), Vec::new());
    for object in new {
        let mut object = object.clone();
        mark(&mut object, name, namespace);
        let path = cluster.path_of(&object, namespace).await?;
        match cluster.get(&path).await? {
            None => {
                created.push(path);
                match create(cluster, &object, namespace, how.server_side).await {
                    Ok(()) => {}
                    Err(error) if old.is_empty() => unmade.push(error.to_string()),
                    Err(error) => return Err(Error::Release(format!("failed to create resource: {error}"))),
                }
            }
            Some(current) => {
                let known = before.get(&path).copied();
                if let Err(error) = change(cluster, (&path, namespace), known, &object, &current, how).await {
                    failures.push(error.to_string());
                }
            }
        }
    }
    if !unmade.is_empty() {
        return Err(Error::Release(unmade.join("\n")));
    }
    if failures.is_empty() { Ok(()) } else { Err(Error::Release(failures.join(" && "))) }
}

/// Makes an object that is not there.
pub(super) async fn create(cluster: &Cluster, object: &Value, namespace: &str, server_side: bool) -> Result<(), Error> {
    if server_side {
        return applied(cluster, object, namespace, false).await;
    }
    cluster.post(&cluster.collection_of(object, namespace).await?, object).await.map(|_| ())
}

async fn change(
    cluster: &Cluster,
    (path, namespace): (&str, &str),
    old: Option<&Value>,
    new: &Value,
    current: &Value,
    how: Applying,
) -> Result<(), Error> {
    if how.force_replace {
        let mut new = new.clone();
        new["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        let done = cluster.put(path, &new).await;
        return done.map(|_| ()).map_err(|error| Error::Release(format!("failed to replace object: {error}")));
    }
    if !how.server_side {
        return merge(cluster, path, old, new, current).await;
    }
    if how.hand_over {
        managers::hand_over(cluster, path).await?;
    }
    applied(cluster, new, namespace, how.force_conflicts).await
}

/// Server-side apply, with Helm's words for what can go wrong.
async fn applied(cluster: &Cluster, object: &Value, namespace: &str, force: bool) -> Result<(), Error> {
    let done = cluster.apply(object, namespace, force, false).await;
    done.map(|_| ()).map_err(|error| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let version = if version.contains('/') { version } else { format!("/{version}") };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(namespace);
        let shown = format!("{namespace}/{} {version}, Kind={kind}", text(&object["metadata"]["name"]));
        let error = error.to_string();
        Error::Release(match error.starts_with("Apply failed with ") {
            true => format!("conflict occurred while applying object {shown}: {error}"),
            false => format!("server-side apply failed for object {shown}: {error}"),
        })
    })
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
    let mut kept = HashSet::new();
    for object in new {
        kept.insert(cluster.path_of(object, namespace).await?);
    }
    let mut failures = Vec::new();
    for object in old {
        // A kind that is gone took its objects along.
        let Ok(path) = cluster.path_of(object, namespace).await else { continue };
        if kept.contains(&path) {
            continue;
        }
        // What the object says now counts, and not what it once said.
        let Ok(Some(live)) = cluster.get(&path).await else { continue };
        if is_kept(&live) {
            continue;
        }
        if let Err(error) = cluster.delete(&path).await {
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            failures.push(format!(
                "failed to delete resource namespace={namespace}, name={}, kind={}: {error}",
                name.as_str().unwrap_or_default(),
                kind.as_str().unwrap_or_default()
            ));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Error::Release(failures.join(" && "))) }
}

/// Deletes a manifest's objects; gives those that ask to be left alone.
pub(super) async fn delete(
    cluster: &Cluster,
    manifest: &str,
    namespace: &str,
    cascade: Cascade,
) -> Result<Vec<String>, Error> {
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
            cluster.delete_with(&path, cascade).await?;
        }
    }
    Ok(kept)
}

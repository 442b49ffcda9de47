//! Discovery with what extension servers serve.

use super::{Remote, remotes};
use crate::discovery;
use crate::openapi::Part;
use crate::server::Core;
use kinds::custom::compare_versions;
use object::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// A group that other servers answer for, in part or whole.
struct Group {
    name: String,
    priority: i64,
    /// The preferred version first.
    versions: Vec<Remote>,
}

/// The groups of other servers.
fn of_others(core: &Core) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for remote in remotes(core) {
        match groups.iter_mut().find(|group| group.name == remote.group) {
            Some(group) => {
                group.priority = group.priority.max(remote.priorities.0);
                group.versions.push(remote);
            }
            None => {
                groups.push(Group { name: remote.group.clone(), priority: remote.priorities.0, versions: vec![remote] })
            }
        }
    }
    for group in &mut groups {
        group.versions.sort_by(|a, b| {
            let by_priority = b.priorities.1.cmp(&a.priorities.1);
            by_priority.then_with(|| compare_versions(&a.version, &b.version))
        });
    }
    groups
}

/// `/apis` with the groups of other servers.
pub(crate) fn groups(core: &Core, mut document: Value) -> Value {
    merge(
        core,
        &mut document["groups"],
        |entry| entry["name"].as_str().unwrap_or_default().to_owned(),
        classic,
        |of| json!({"name": of.name, "versions": []}),
    );
    document
}

/// `/apis/GROUP`; `None` if nobody serves it.
pub(crate) fn group(core: &Core, name: &str, document: Option<Value>) -> Option<Value> {
    let Some(of) = of_others(core).into_iter().find(|group| group.name == name) else { return document };
    let mut document =
        document.unwrap_or_else(|| json!({"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": []}));
    classic(core, &mut document, &of);
    Some(document)
}

/// `/apis` in the aggregated form.
pub(crate) fn aggregated(core: &Core, mut document: Value) -> Value {
    let name = |entry: &Value| entry["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    merge(core, &mut document["items"], name, whole, |of| json!({"metadata": {"name": of.name}, "versions": []}));
    document
}

/// Adds other servers' documents to the index of OpenAPI version 3.
pub(crate) fn add_openapi(core: &Core, paths: &mut Value) {
    for remote in remotes(core) {
        if let Some(known) = core.aggregation.known(&remote.name).filter(|known| known.openapi.is_object()) {
            paths[format!("apis/{}/{}", remote.group, remote.version)] = known.openapi.clone();
        }
    }
}

/// Other servers' parts of OpenAPI version 2, in the order in which groups come.
pub(crate) fn openapi_v2(core: &Core) -> Vec<Arc<Part>> {
    let mut groups = of_others(core);
    groups.sort_by_key(|group| (Reverse(group.priority), group.name.clone()));
    let remotes = groups.iter().flat_map(|group| &group.versions);
    remotes.filter_map(|remote| core.aggregation.known(&remote.name)?.openapi_v2.clone()).collect()
}

fn merge(
    core: &Core,
    entries: &mut Value,
    name: impl Fn(&Value) -> String,
    add: impl Fn(&Core, &mut Value, &Group),
    new: impl Fn(&Group) -> Value,
) {
    let others = of_others(core);
    let Some(entries) = entries.as_array_mut().filter(|_| !others.is_empty()) else { return };
    for of in &others {
        match entries.iter_mut().find(|entry| name(entry) == of.name) {
            Some(entry) => add(core, entry, of),
            None => {
                let mut entry = new(of);
                add(core, &mut entry, of);
                entries.push(entry);
            }
        }
    }
    let priority = |entry: &Value| {
        let name = name(entry);
        let of_other = others.iter().find(|of| of.name == name).map_or(0, |of| of.priority);
        let own = i64::from(discovery::group_priority(&name));
        let is_ours = others.iter().all(|of| of.name != name);
        (Reverse(if is_ours { own } else { of_other }), name)
    };
    entries.sort_by_cached_key(priority);
}

/// Adds versions in the old form.
fn classic(_core: &Core, entry: &mut Value, of: &Group) {
    let Some(versions) = entry["versions"].as_array_mut() else { return };
    for remote in &of.versions {
        let told = json!({"groupVersion": format!("{}/{}", remote.group, remote.version), "version": remote.version});
        put(versions, "version", &remote.version, told);
    }
    let preferred = versions.first().cloned().unwrap_or_default();
    entry["preferredVersion"] = preferred;
}

/// Adds versions with their resources.
fn whole(core: &Core, entry: &mut Value, of: &Group) {
    let Some(versions) = entry["versions"].as_array_mut() else { return };
    for remote in &of.versions {
        let known = core.aggregation.known(&remote.name);
        let freshness = if remote.available && known.is_some() { "Current" } else { "Stale" };
        let mut told = json!({"version": remote.version, "freshness": freshness});
        if let Some(known) = known {
            told["resources"] = known.resources.clone();
        }
        put(versions, "version", &remote.version, told);
    }
}

/// Puts an entry in the place of one of the same name, or behind all.
fn put(entries: &mut Vec<Value>, key: &str, name: &str, entry: Value) {
    match entries.iter_mut().find(|known| known[key] == name) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}

/// The resources of an `APIResourceList` in the aggregated form.
pub(super) fn resources(remote: &Remote, list: &Value) -> Value {
    let Some(entries) = list["resources"].as_array() else { return json!([]) };
    let mut resources: Vec<Value> = Vec::new();
    for entry in entries {
        let name = entry["name"].as_str().unwrap_or_default();
        let kind = response_kind(remote, entry);
        let verbs = if entry["verbs"].is_array() { entry["verbs"].clone() } else { json!([]) };
        match name.split_once('/') {
            None => resources.push(resource(name, entry, kind, verbs)),
            Some((of, subresource)) => {
                let told = json!({"subresource": subresource, "responseKind": kind, "verbs": verbs});
                let at = resources.iter().position(|known| known["resource"] == of).unwrap_or_else(|| {
                    resources.push(json!({"resource": of, "scope": scope(entry), "verbs": []}));
                    resources.len() - 1
                });
                match resources[at]["subresources"].as_array_mut() {
                    Some(subresources) => subresources.push(told),
                    None => resources[at]["subresources"] = json!([told]),
                }
            }
        }
    }
    resources.into()
}

fn resource(name: &str, entry: &Value, kind: Value, verbs: Value) -> Value {
    let mut told = json!({
        "resource": name,
        "responseKind": kind,
        "scope": scope(entry),
        "singularResource": entry["singularName"].as_str().unwrap_or_default(),
        "verbs": verbs,
    });
    for key in ["shortNames", "categories"] {
        if entry[key].as_array().is_some_and(|names| !names.is_empty()) {
            told[key] = entry[key].clone();
        }
    }
    told
}

fn scope(entry: &Value) -> &'static str {
    if entry["namespaced"] == true { "Namespaced" } else { "Cluster" }
}

fn response_kind(remote: &Remote, entry: &Value) -> Value {
    let told = |key: &str, instead: &str| match entry[key].as_str() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => instead.to_owned(),
    };
    json!({
        "group": told("group", &remote.group),
        "version": told("version", &remote.version),
        "kind": entry["kind"].as_str().unwrap_or_default(),
    })
}

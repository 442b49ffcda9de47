//! The old form: one document for each group and each version.

use super::order::{self, Group};
use super::{texts, verbs};
use base64::Engine;
use kinds::{Resource, Subresource};
use object::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// `/api`. `address` is where clients reach the server, `HOST:PORT`.
pub fn api_versions(resources: &[Arc<Resource>], address: &str) -> Value {
    let core = order::groups(resources).into_iter().find(|group| group.name.is_empty());
    let versions: Vec<&str> = core.iter().flat_map(|group| &group.versions).map(|(version, _)| *version).collect();
    json!({
        "kind": "APIVersions",
        "versions": versions,
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

/// `/apis`.
pub fn groups(resources: &[Arc<Resource>]) -> Value {
    let groups: Vec<Value> =
        order::groups(resources).iter().filter(|group| !group.name.is_empty()).map(describe_group).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`; `None` if there is no such group.
pub fn group(resources: &[Arc<Resource>], name: &str) -> Option<Value> {
    let groups = order::groups(resources);
    let mut group = groups.iter().find(|group| group.name == name && !name.is_empty()).map(describe_group)?;
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    Some(group)
}

/// `/api/VERSION` (with an empty group) and `/apis/GROUP/VERSION`; `None` if there is no such version.
pub fn resources(resources: &[Arc<Resource>], group: &str, version: &str) -> Option<Value> {
    let groups = order::groups(resources);
    let group = groups.iter().find(|other| other.name == group)?;
    let (_, list) = group.versions.iter().find(|(other, _)| *other == version)?;
    let entries: Vec<Value> = list.iter().flat_map(|resource| describe_resource(resource)).collect();
    let mut document = json!({
        "kind": "APIResourceList",
        "groupVersion": group_version(group.name, version),
        "resources": entries,
    });
    if !group.name.is_empty() {
        document["apiVersion"] = "v1".into();
    }
    Some(document)
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn describe_group(group: &Group<'_>) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|(version, _)| json!({"groupVersion": group_version(group.name, version), "version": version}))
        .collect();
    json!({"name": group.name, "preferredVersion": versions.first(), "versions": versions})
}

/// The resource, then its subresources.
fn describe_resource(resource: &Resource) -> Vec<Value> {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.is_namespaced(),
        "kind": resource.kind,
        "verbs": verbs(resource),
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = texts(&resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = texts(&resource.categories);
    }
    if resource.verb_names().contains(&"watch") {
        entry["storageVersionHash"] = storage_version_hash(resource).into();
    }
    let subresources = resource.subresources.iter().map(|subresource| describe_subresource(resource, subresource));
    std::iter::once(entry).chain(subresources).collect()
}

fn describe_subresource(resource: &Resource, subresource: &Subresource) -> Value {
    let mut entry = json!({
        "name": format!("{}/{}", resource.plural, subresource.name),
        "singularName": "",
        "namespaced": resource.is_namespaced(),
        "kind": subresource.kind,
        "verbs": subresource.verbs,
    });
    if !subresource.version.is_empty() {
        entry["group"] = subresource.group.as_ref().into();
        entry["version"] = subresource.version.as_ref().into();
    }
    entry
}

/// Upstream stores some kinds as an older version than it serves.
fn version_in_storage(resource: &Resource) -> &str {
    match &*resource.plural {
        "mutatingadmissionpolicies" | "mutatingadmissionpolicybindings" | "customresourcedefinitions" => "v1beta1",
        _ => &resource.version,
    }
}

/// Tells clients that migrate stored objects whether the stored form has changed.
fn storage_version_hash(resource: &Resource) -> String {
    let digest = Sha256::digest(match (&resource.stored, &resource.custom) {
        (Some(stored), _) => format!("{}/{}/{}", stored.group, stored.version, stored.kind),
        (None, Some(custom)) => format!("{}/{}", custom.stored().api_version, resource.kind),
        (None, None) => format!("{}/{}/{}", resource.group, version_in_storage(resource), resource.kind),
    });
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}

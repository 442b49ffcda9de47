//! The aggregated form: all groups, versions and resources in one document.

use super::order::{self, Group};
use super::{texts, verbs};
use crate::http::media::Encoding;
use kinds::{Resource, Subresource};
use object::{Map, Value, json};
use std::sync::Arc;

/// What a client accepts and gets.
pub fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Encoding::Yaml => "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Encoding::Protobuf => "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    }
}

/// `/api`: the core group.
pub fn core(resources: &[Arc<Resource>]) -> Value {
    list(order::groups(resources).iter().filter(|group| group.name.is_empty()))
}

/// `/apis`: all other groups.
pub fn groups(resources: &[Arc<Resource>]) -> Value {
    list(order::groups(resources).iter().filter(|group| !group.name.is_empty()))
}

fn list<'a>(groups: impl Iterator<Item = &'a Group<'a>>) -> Value {
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": groups.map(describe_group).collect::<Vec<_>>(),
    })
}

fn describe_group(group: &Group<'_>) -> Value {
    let mut metadata = Map::new();
    if !group.name.is_empty() {
        metadata.insert("name".to_owned(), group.name.into());
    }
    let version = |(version, resources): &(&str, Vec<&Resource>)| {
        let resources: Vec<Value> = resources.iter().map(|resource| describe_resource(resource)).collect();
        json!({"version": version, "freshness": "Current", "resources": resources})
    };
    let versions: Vec<Value> = group.versions.iter().map(version).collect();
    json!({"metadata": metadata, "versions": versions})
}

fn describe_resource(resource: &Resource) -> Value {
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": response_kind(resource, None),
        "scope": if resource.is_namespaced() { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": verbs(resource),
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = texts(&resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = texts(&resource.categories);
    }
    if !resource.subresources.is_empty() {
        let describe = |subresource: &Subresource| {
            json!({
                "subresource": subresource.name,
                "responseKind": response_kind(resource, Some(subresource)),
                "verbs": subresource.verbs,
            })
        };
        entry["subresources"] = resource.subresources.iter().map(describe).collect();
    }
    entry
}

/// Group and version are empty where they are those of the document; custom resources name them all the same.
fn response_kind(resource: &Resource, subresource: Option<&Subresource>) -> Value {
    let kind = subresource.map_or(&resource.kind, |subresource| &subresource.kind);
    let (group, version) = match subresource {
        Some(subresource) if !subresource.version.is_empty() => (&*subresource.group, &*subresource.version),
        _ if resource.is_custom() => (&*resource.group, &*resource.version),
        _ => ("", ""),
    };
    json!({"group": group, "version": version, "kind": kind})
}

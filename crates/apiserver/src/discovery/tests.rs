//! Small tables against what a real server answers for them.

use super::*;
use kinds::{Plain, Scope, Verbs};
use object::json;
use std::sync::Arc;

fn table() -> Vec<Arc<Resource>> {
    let mut things = Resource::new("example.com", "v1", "Thing", "things", Scope::Cluster, Plain);
    things.type_name = "com.example.v1.Thing".into();
    [
        things,
        Resource::new("", "v1", "Pod", "pods", Scope::Namespaced, Plain)
            .short(&["po"])
            .categories(&["all"])
            .subresource("status")
            .subresource_of("eviction", ("policy", "v1", "Eviction"), &["create"]),
        Resource::new("", "v1", "Namespace", "namespaces", Scope::Cluster, Plain).short(&["ns"]),
        Resource::new("", "v1", "Binding", "bindings", Scope::Namespaced, Plain).verbs(Verbs::CreateOnly),
        Resource::new("apps", "v1", "Deployment", "deployments", Scope::Namespaced, Plain),
        Resource::new("autoscaling", "v1", "HorizontalPodAutoscaler", "hpas", Scope::Namespaced, Plain),
        Resource::new("autoscaling", "v2", "HorizontalPodAutoscaler", "hpas", Scope::Namespaced, Plain),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

fn names(list: &Value, key: &str) -> Vec<String> {
    let name = |item: &Value| item.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(name).collect()
}

#[test]
fn groups_come_by_priority_and_versions_by_maturity() {
    let document = groups(&table());
    assert_eq!(names(&document["groups"], "/name"), ["apps", "autoscaling", "example.com"]);
    assert_eq!(names(&document["groups"][1]["versions"], "/version"), ["v2", "v1"]);
    assert_eq!(
        group(&table(), "apps").unwrap(),
        json!({
            "kind": "APIGroup", "apiVersion": "v1", "name": "apps",
            "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
            "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
        })
    );
    assert_eq!(group(&table(), "nonesuch"), None);
}

#[test]
fn resources_are_listed_with_their_subresources() {
    let document = resources(&table(), "", "v1").unwrap();
    assert_eq!(document.get("apiVersion"), None);
    let list = &document["resources"];
    assert_eq!(names(list, "/name"), ["bindings", "namespaces", "pods", "pods/eviction", "pods/status"]);
    assert_eq!(list[0]["verbs"], json!(["create"]));
    assert_eq!(list[0].get("storageVersionHash"), None);
    assert_eq!(list[1]["verbs"], json!(["create", "delete", "get", "list", "patch", "update", "watch"]));
    assert_eq!(
        list[2],
        json!({
            "name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "shortNames": ["po"],
            "categories": ["all"], "storageVersionHash": "xPOwRZ+Yhw8=",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        })
    );
    assert_eq!(
        list[3],
        json!({
            "name": "pods/eviction", "singularName": "", "namespaced": true, "group": "policy", "version": "v1",
            "kind": "Eviction", "verbs": ["create"],
        })
    );
    assert_eq!(resources(&table(), "apps", "v9"), None);
}

#[test]
fn everything_is_in_one_document() {
    let document = core(&table());
    assert_eq!(document["items"][0]["metadata"], json!({}));
    let pods = &document["items"][0]["versions"][0]["resources"][2];
    assert_eq!(pods["responseKind"], json!({"group": "", "version": "", "kind": "Pod"}));
    assert_eq!(
        pods["subresources"][0]["responseKind"],
        json!({"group": "policy", "version": "v1", "kind": "Eviction"})
    );
    let document = aggregated_groups(&table());
    assert_eq!(names(&document["items"], "/metadata/name"), ["apps", "autoscaling", "example.com"]);
    let thing = &document["items"][2]["versions"][0]["resources"][0];
    assert_eq!(thing["responseKind"], json!({"group": "example.com", "version": "v1", "kind": "Thing"}));
    assert_eq!(thing["verbs"][0], "delete");
}

#[test]
fn documents_are_told_apart_by_their_tag() {
    assert_eq!(etag(b"a").len(), 128);
    assert_ne!(etag(b"a"), etag(b"b"));
}

#[test]
fn a_resource_that_is_only_read_says_so() {
    let metrics = Resource::new("metrics.example.com", "v1", "Usage", "usages", Scope::Cluster, Plain);
    let document = resources(&[Arc::new(metrics.verbs(Verbs::GetList))], "metrics.example.com", "v1").unwrap();
    assert_eq!(document["resources"][0]["verbs"], json!(["get", "list"]));
}

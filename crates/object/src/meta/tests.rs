//! Rules of metadata, for new objects and for updates.

use super::*;
use crate::names::name_is_dns_subdomain;
use value::{Value, json};

#[track_caller]
fn check(meta: Value, want: &[&str]) {
    let errors = validate_object_meta(View::from(&meta), true, name_is_dns_subdomain, &Path::new("metadata"));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, want);
}

#[track_caller]
fn check_update(meta: Value, old: Value, want: &[&str]) {
    let errors = validate_object_meta_update(View::from(&meta), View::from(&old), &Path::new("metadata"));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, want);
}

#[test]
fn names_and_namespaces() {
    check(json!({"name": "a", "namespace": "b"}), &[]);
    check(
        json!({}),
        &["metadata.name: Required value: name or generateName is required", "metadata.namespace: Required value"],
    );
    let meta = json!({"name": "a", "namespace": "b"});
    let errors = validate_object_meta(View::from(&meta), false, name_is_dns_subdomain, &Path::new("metadata"));
    assert_eq!(errors[0].to_string(), "metadata.namespace: Forbidden: not allowed on this type");
}

#[test]
fn annotations_have_a_total_size() {
    check(json!({"name": "a", "namespace": "b", "annotations": {"K": "v".repeat(ANNOTATIONS_MAX - 1)}}), &[]);
    check(
        json!({"name": "a", "namespace": "b", "annotations": {"K": "v".repeat(ANNOTATIONS_MAX)}}),
        &["metadata.annotations: Too long: may not be more than 262144 bytes"],
    );
}

#[test]
fn one_owner_controls() {
    let owner = |name| json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": "u", "controller": true});
    check(
        json!({"name": "a", "namespace": "b", "ownerReferences": [owner("x"), owner("y")]}),
        &[
            r#"metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"x","uid":"u","controller":true},{"apiVersion":"v1","kind":"Pod","name":"y","uid":"u","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for Pod/x and Pod/y"#,
        ],
    );
}

#[test]
fn updates_keep_identity() {
    let old = json!({"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "generation": 2});
    check_update(old.clone(), old.clone(), &[]);
    check_update(
        json!({"name": "c", "namespace": "b", "uid": "u", "generation": 1}),
        old,
        &[
            r#"metadata.resourceVersion: Invalid value: "": must be specified for an update"#,
            "metadata.generation: Invalid value: 1: must not be decremented",
            r#"metadata.name: Invalid value: "c": field is immutable"#,
        ],
    );
}

#[test]
fn a_dying_object_gets_no_finalizers() {
    let old = json!({"name": "a", "resourceVersion": "1", "deletionTimestamp": "2001-01-01T00:00:00Z"});
    let mut new = old.clone();
    new["finalizers"] = json!(["x.io/b", "x.io/a"]);
    check_update(
        new,
        old,
        &[
            r#"metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/a", "x.io/b"}"#,
        ],
    );
}

#[test]
fn selectors() {
    let selector = json!({"matchLabels": {"a": "-"}, "matchExpressions": [
        {"key": "k", "operator": "In"}, {"key": "k", "operator": "Exists", "values": ["v"]}, {"key": "k", "operator": "Is"}]});
    let errors = validate_label_selector(View::from(&selector), SelectorOptions::default(), &Path::new("s"));
    let places: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(
        places,
        [
            "s.matchLabels",
            "s.matchExpressions[0].values",
            "s.matchExpressions[1].values",
            "s.matchExpressions[2].operator"
        ]
    );
}

//! Answers to reviews, and what is wrong with some.

use super::*;
use crate::authz::rbac::{Change, Kind};

fn rbac() -> Rbac {
    let rbac = Rbac::default();
    let rules = json!([
        { "verbs": ["get"], "apiGroups": [""], "resources": ["secrets"] },
        { "verbs": ["get"], "nonResourceURLs": ["/healthz"] },
    ]);
    rbac.apply(Kind::ClusterRole, Change::Put(&json!({ "metadata": { "name": "r" }, "rules": rules })));
    let binding = json!({
        "metadata": { "name": "b" },
        "roleRef": { "kind": "ClusterRole", "name": "r" },
        "subjects": [{ "kind": "User", "name": "alice" }],
    });
    rbac.apply(Kind::ClusterRoleBinding, Change::Put(&binding));
    rbac
}

#[track_caller]
fn check_answer(spec: Value, expected: Value) {
    let mut review = json!({ "spec": spec });
    check(Review::Subject, &review).unwrap();
    answer(Review::Subject, &mut review, &rbac());
    assert_eq!(review["status"], expected);
}

#[test]
fn reviews_are_answered() {
    let reason = r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "alice""#;
    let secrets = json!({ "verb": "get", "resource": "secrets", "namespace": "x" });
    check_answer(
        json!({ "user": "alice", "resourceAttributes": secrets }),
        json!({ "allowed": true, "reason": reason }),
    );
    check_answer(json!({ "user": "bob", "resourceAttributes": secrets }), json!({ "allowed": false }));
    check_answer(
        json!({ "user": "alice", "nonResourceAttributes": { "path": "/healthz", "verb": "get" } }),
        json!({ "allowed": true, "reason": reason }),
    );
    let mut odd = secrets.clone();
    odd["labelSelector"] = json!({ "rawSelector": "a in (b" });
    odd["fieldSelector"] = json!({ "requirements": [{ "key": "a", "operator": "In", "values": ["b"] }, { "key": "a", "operator": "New" }] });
    check_answer(
        json!({ "user": "bob", "resourceAttributes": odd }),
        json!({
            "allowed": false,
            "evaluationError": "spec.resourceAttributes.fieldSelector partially ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error",
        }),
    );
}

#[track_caller]
fn check_refused(kind: Review<'_>, review: Value, expected: &str) {
    assert_eq!(check(kind, &review).unwrap_err().message, expected);
}

#[test]
fn malformed_reviews_are_refused() {
    let invalid = |why: &str| format!(r#".authorization.k8s.io "" is invalid: {why}"#);
    check_refused(
        Review::Subject,
        json!({}),
        &invalid(
            r#"[spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group must be specified]"#,
        ),
    );
    let both = json!({ "resourceAttributes": {}, "nonResourceAttributes": { "path": "/" } });
    let user = UserInfo::default();
    check_refused(
        Review::Own { user: &user },
        json!({ "spec": both }),
        &invalid(
            r#"spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes"#,
        ),
    );
    let here = Review::Local { namespace: "x" };
    check_refused(
        here,
        json!({ "metadata": { "namespace": "x" }, "spec": { "user": "a", "resourceAttributes": { "namespace": "y" } } }),
        &invalid(r#"spec.resourceAttributes.namespace: Invalid value: "y": must match metadata.namespace"#),
    );
    check_refused(
        here,
        json!({ "metadata": { "namespace": "y" }, "spec": { "user": "a", "resourceAttributes": { "namespace": "y" } } }),
        "spec.resourceAttributes.namespace must match namespace: x",
    );
    let selector = json!({ "requirements": [{ "key": "", "operator": "In" }] });
    check_refused(
        Review::Subject,
        json!({ "spec": { "user": "a", "resourceAttributes": { "fieldSelector": selector } } }),
        &invalid(
            "[spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']",
        ),
    );
    assert!(
        check(
            Review::Subject,
            &json!({ "metadata": { "name": "x" }, "spec": { "user": "a", "resourceAttributes": {} } })
        )
        .is_err()
    );
    let empty = json!({ "metadata": { "name": "", "creationTimestamp": null }, "spec": { "user": "a", "resourceAttributes": {} } });
    assert!(check(Review::Subject, &empty).is_ok());
}

#[test]
fn rules_are_told_by_sort() {
    let alice = UserInfo { name: "alice".to_owned(), ..UserInfo::default() };
    let review = json!({ "spec": { "namespace": "x" } });
    let answer = rules(&review, &alice, &rbac()).unwrap();
    let resource = json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["secrets"] });
    let path = json!({ "verbs": ["get"], "nonResourceURLs": ["/healthz"] });
    assert_eq!(
        answer["status"],
        json!({ "resourceRules": [resource], "nonResourceRules": [path], "incomplete": false })
    );
    assert_eq!(rules(&json!({}), &alice, &rbac()).unwrap_err().message, "no namespace on request");
}

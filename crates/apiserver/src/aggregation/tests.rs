//! Tests without servers.

use super::local::{self, Plan};
use super::proxy::{escaped, name_user};
use super::{Remote, merge};
use crate::registry::Registry;
use ::http::HeaderMap;
use kinds::UserInfo;
use object::{View, json};

fn remote() -> Remote {
    let object = json!({
        "metadata": {"name": "v1.a.example"},
        "spec": {"group": "a.example", "version": "v1", "service": {"namespace": "n", "name": "s", "port": 443}},
    });
    Remote::of(View::from(&object)).unwrap()
}

#[test]
fn a_service_says_who_answers() {
    assert_eq!(remote().server_name(), "s.n.svc");
    assert!(Remote::of(View::from(&json!({"spec": {"group": "a.example", "version": "v1"}}))).is_none());
}

#[test]
fn extension_servers_hear_who_asks_and_nothing_else() {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("authorization", "Bearer x"), ("x-remote-user", "mallory"), ("x-remote-extra-a", "b"), ("accept", "*/*")]
    {
        headers.insert(name, value.parse().unwrap());
    }
    let user = UserInfo {
        name: "alice".to_owned(),
        uid: "u1".to_owned(),
        groups: vec!["a".to_owned(), "b".to_owned()],
        extra: vec![("example.org/Pod".to_owned(), vec!["p".to_owned()])],
    };
    name_user(&mut headers, &user);
    let text = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(text("x-remote-user"), ["alice"]);
    assert_eq!(text("x-remote-uid"), ["u1"]);
    assert_eq!(text("x-remote-group"), ["a", "b"]);
    assert_eq!(text("x-remote-extra-example.org%2fpod"), ["p"]);
    assert_eq!(text("accept"), ["*/*"]);
    assert!(text("authorization").is_empty() && text("x-remote-extra-a").is_empty());
    assert_eq!(escaped("a b"), "a%20b");
}

#[test]
fn groups_that_are_served_have_their_services() {
    let wanted = local::wanted(&Registry::new(kinds::builtin().iter().cloned()));
    assert_eq!(wanted["v1."]["spec"], json!({"groupPriorityMinimum": 18000, "version": "v1", "versionPriority": 1}));
    assert_eq!(wanted["v1.apps"]["metadata"]["labels"][local::MANAGED], "onstart");
    assert!(!wanted.keys().any(|name| name.contains("apiregistration")));
    let mut current = wanted["v1.apps"].clone();
    assert_eq!(local::plan(&current, wanted.get("v1.apps")), Plan::Keep);
    assert_eq!(local::plan(&current, None), Plan::Remove);
    current["spec"]["versionPriority"] = 3.into();
    assert_eq!(local::plan(&current, wanted.get("v1.apps")), Plan::Replace(wanted["v1.apps"].clone()));
    current["metadata"]["labels"] = json!({});
    assert_eq!(local::plan(&current, None), Plan::Keep);
}

#[test]
fn lists_of_resources_are_told_in_the_aggregated_form() {
    let list = json!({"resources": [
        {"name": "toys", "singularName": "toy", "namespaced": true, "kind": "Toy", "verbs": ["get"], "shortNames": ["t"]},
        {"name": "toys/scale", "namespaced": true, "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
    ]});
    assert_eq!(
        merge::resources(&remote(), &list),
        json!([{
            "resource": "toys", "singularResource": "toy", "scope": "Namespaced", "verbs": ["get"], "shortNames": ["t"],
            "responseKind": {"group": "a.example", "version": "v1", "kind": "Toy"},
            "subresources": [{
                "subresource": "scale", "verbs": ["get"],
                "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            }],
        }])
    );
}

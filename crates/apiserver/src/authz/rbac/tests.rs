//! Who may do what by which roles, what may be granted, and the roles of the start.

use super::bootstrap::{Plan, plan};
use super::escalation::Write;
use super::*;
use object::{Value, View, json};

fn user(name: &str, groups: &[&str]) -> UserInfo {
    UserInfo {
        name: name.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..UserInfo::default()
    }
}

fn role(namespace: &str, name: &str, rules: Value) -> Value {
    json!({ "metadata": { "name": name, "namespace": namespace }, "rules": rules })
}

fn binding(namespace: &str, name: &str, kind: &str, role: &str, subjects: Value) -> Value {
    json!({
        "metadata": { "name": name, "namespace": namespace },
        "roleRef": { "apiGroup": GROUP, "kind": kind, "name": role },
        "subjects": subjects,
    })
}

fn people(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "kind": "User", "apiGroup": GROUP, "name": name })).collect()
}

fn put(rbac: &Rbac, kind: Kind, object: Value) {
    rbac.apply(kind, Change::Put(&object));
}

/// `VERB RESOURCE[/SUB][.GROUP] [in NAMESPACE] [called NAME]` or `VERB /PATH`.
fn asked<'a>(user: &'a UserInfo, text: &'a str) -> Attributes<'a> {
    let words: Vec<&str> = text.split(' ').collect();
    if words[1].starts_with('/') {
        return Attributes::path(user, words[0], words[1]);
    }
    let (resource, group) = words[1].split_once('.').unwrap_or((words[1], ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let after = |word: &str| words.iter().position(|known| *known == word).map_or("", |at| words[at + 1]);
    Attributes {
        subresource,
        namespace: after("in"),
        name: after("called"),
        ..Attributes::resource(user, words[0], group, resource)
    }
}

fn world() -> Rbac {
    let rbac = Rbac::default();
    let reader = json!([
        { "verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log", "*/scale"] },
        { "verbs": ["get"], "apiGroups": ["*"], "resources": ["secrets"], "resourceNames": ["one"] },
        { "verbs": ["get"], "nonResourceURLs": ["/metrics", "/healthz/*"] },
    ]);
    put(&rbac, Kind::ClusterRole, role("", "reader", reader));
    put(&rbac, Kind::ClusterRole, role("", "all", json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }])));
    put(
        &rbac,
        Kind::Role,
        role("x", "maker", json!([{ "verbs": ["create"], "apiGroups": ["apps"], "resources": ["*"] }])),
    );
    put(&rbac, Kind::ClusterRoleBinding, binding("", "readers", "ClusterRole", "reader", people(&["alice"])));
    let group =
        json!([{ "kind": "Group", "name": "admins" }, { "kind": "ServiceAccount", "name": "robot", "namespace": "y" }]);
    put(&rbac, Kind::ClusterRoleBinding, binding("", "admins", "ClusterRole", "all", group));
    put(&rbac, Kind::RoleBinding, binding("x", "makers", "Role", "maker", people(&["bob", "alice"])));
    put(
        &rbac,
        Kind::RoleBinding,
        binding("x", "robots", "ClusterRole", "reader", json!([{ "kind": "ServiceAccount", "name": "default" }])),
    );
    put(&rbac, Kind::RoleBinding, binding("z", "broken", "ClusterRole", "gone", people(&["bob"])));
    rbac
}

#[track_caller]
fn check(rbac: &Rbac, user: &UserInfo, text: &str, expected: &str) {
    let verdict = rbac.authorize(&asked(user, text));
    let got = match verdict.is_allowed() {
        true => verdict.reason.to_string().replace("RBAC: allowed by ", ""),
        false => format!("no {}", verdict.reason),
    };
    assert_eq!(got, expected, "{} {text}", user.name);
}

#[test]
fn roles_grant_what_their_rules_say_and_where() {
    let rbac = world();
    let (alice, bob) = (user("alice", &[]), user("bob", &["system:authenticated"]));
    let by_readers = r#"ClusterRoleBinding "readers" of ClusterRole "reader" to User "alice""#;
    for allowed in [
        "get pods",
        "list pods in anywhere",
        "get pods/log in x called p",
        "get whatever/scale",
        "get secrets in x called one",
        "get secrets.other in x called one",
        "get /metrics",
        "get /healthz/etcd",
    ] {
        check(&rbac, &alice, allowed, by_readers);
    }
    for refused in [
        "delete pods",
        "get pods/exec",
        "get secrets in x called two",
        "list secrets",
        "get services.apps/scale",
        "post /metrics",
        "get /healthz",
        "get /metrics/x",
    ] {
        check(&rbac, &alice, refused, "no ");
    }
    check(&rbac, &alice, "create deployments.apps in x", r#"RoleBinding "makers/x" of Role "maker" to User "alice""#);
    check(&rbac, &alice, "create deployments.apps in y", "no ");
    check(&rbac, &alice, "create deployments.apps", "no ");
    check(&rbac, &bob, "get pods in z", r#"no RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#);
}

#[test]
fn groups_and_service_accounts_are_subjects() {
    let rbac = world();
    let root = user("root", &["other", "admins"]);
    check(&rbac, &root, "delete nodes", r#"ClusterRoleBinding "admins" of ClusterRole "all" to Group "admins""#);
    check(&rbac, &root, "get /metrics", "no ");
    let robot = user("system:serviceaccount:y:robot", &[]);
    check(&rbac, &robot, "get pods", r#"ClusterRoleBinding "admins" of ClusterRole "all" to ServiceAccount "robot/y""#);
    let local = user("system:serviceaccount:x:default", &[]);
    let by_robots = r#"RoleBinding "robots/x" of ClusterRole "reader" to ServiceAccount "default/x""#;
    check(&rbac, &local, "get pods in x", by_robots);
    check(&rbac, &user("system:serviceaccount:y:default", &[]), "get pods in x", "no ");
}

#[test]
fn changes_reach_the_index() {
    let rbac = world();
    let (alice, bob) = (user("alice", &[]), user("bob", &[]));
    put(&rbac, Kind::ClusterRoleBinding, binding("", "readers", "ClusterRole", "reader", people(&["bob"])));
    check(&rbac, &alice, "get pods", "no ");
    check(&rbac, &bob, "get pods", r#"ClusterRoleBinding "readers" of ClusterRole "reader" to User "bob""#);
    rbac.apply(Kind::ClusterRole, Change::Remove { namespace: "", name: "reader" });
    check(&rbac, &bob, "get pods", r#"no RBAC: clusterrole.rbac.authorization.k8s.io "reader" not found"#);
    rbac.apply(Kind::ClusterRoleBinding, Change::Remove { namespace: "", name: "readers" });
    rbac.apply(Kind::RoleBinding, Change::Remove { namespace: "x", name: "makers" });
    check(&rbac, &bob, "get pods", "no ");
    check(&rbac, &bob, "create deployments.apps in x", "no ");
    rbac.clear(Kind::RoleBinding);
    check(&rbac, &bob, "get pods in z", "no ");
}

#[test]
fn rules_are_listed_once_for_each_binding() {
    let rbac = world();
    let (rules, missing) = rbac.rules_for(&user("alice", &["admins"]), "x");
    let verbs: Vec<&str> = rules.iter().map(|rule| rule.verbs[0].as_str()).collect();
    assert_eq!(verbs, ["*", "get", "get", "get", "create"]);
    assert!(missing.is_empty());
    assert_eq!(rbac.rules_for(&user("bob", &[]), "z").1.len(), 1);
}

#[track_caller]
fn check_write(user: &UserInfo, kind: Kind, namespace: &str, object: &Value, old: Option<&Value>, expected: &str) {
    let rbac = world();
    let write = Write { user, kind, namespace, name: "", object, old };
    let got = write
        .check(&rbac, &rbac)
        .map_or_else(|status| format!("{} {}", status.code, status.message), |()| "ok".to_owned());
    assert_eq!(got, expected);
}

#[test]
fn nobody_grants_what_they_do_not_have() {
    let (alice, root) = (user("alice", &["a", "b"]), user("root", &["system:masters"]));
    let held = role(
        "x",
        "r",
        json!([
            { "verbs": ["get"], "apiGroups": [""], "resources": ["pods", "pods/scale"] },
            { "verbs": ["get"], "apiGroups": ["v"], "resources": ["secrets"], "resourceNames": ["one"] },
            { "verbs": ["create"], "apiGroups": ["apps"], "resources": ["deployments"] },
            { "verbs": ["get"], "nonResourceURLs": ["/healthz/x"] },
        ]),
    );
    check_write(&alice, Kind::Role, "x", &held, None, "ok");
    let more = role(
        "x",
        "r",
        json!([
            { "verbs": ["get", "delete", "watch"], "apiGroups": [""], "resources": ["secrets", "pods"] },
            { "verbs": ["get"], "apiGroups": ["v"], "resources": ["secrets"], "resourceNames": ["one", "two"] },
            { "verbs": ["get"], "nonResourceURLs": ["/other"] },
        ]),
    );
    let told = concat!(
        r#"403 roles.rbac.authorization.k8s.io "r" is forbidden: user "alice" (groups=["a" "b"]) is attempting to grant "#,
        "RBAC permissions not currently held:\n",
        r#"{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}"#,
        "\n",
        r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete" "watch"]}"#,
        "\n",
        r#"{APIGroups:["v"], Resources:["secrets"], ResourceNames:["two"], Verbs:["get"]}"#,
        "\n",
        r#"{NonResourceURLs:["/other"], Verbs:["get"]}"#,
    );
    check_write(&alice, Kind::Role, "x", &more, None, told);
    check_write(&root, Kind::Role, "x", &more, None, "ok");
    let mut collected = more.clone();
    collected["metadata"]["finalizers"] = json!(["a/b"]);
    check_write(&alice, Kind::Role, "x", &collected, Some(&more), "ok");
    let aggregating = json!({
        "metadata": { "name": "agg" },
        "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": { "a": "b" } }] },
    });
    check_write(
        &alice,
        Kind::ClusterRole,
        "",
        &aggregating,
        None,
        r#"403 clusterroles.rbac.authorization.k8s.io "agg" is forbidden: must have cluster-admin privileges to use the aggregationRule"#,
    );
}

#[test]
fn nobody_binds_what_they_do_not_have() {
    let alice = user("alice", &[]);
    let bind = |kind, name| binding("x", "b", kind, name, people(&["carol"]));
    check_write(&alice, Kind::RoleBinding, "x", &bind("ClusterRole", "reader"), None, "ok");
    check_write(&alice, Kind::RoleBinding, "x", &bind("Role", "maker"), None, "ok");
    let refused = concat!(
        r#"403 rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "alice" (groups=[]) is attempting to "#,
        "grant RBAC permissions not currently held:\n",
        r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#
    );
    check_write(&alice, Kind::RoleBinding, "x", &bind("ClusterRole", "all"), None, refused);
    let absent = r#"404 rolebindings.rbac.authorization.k8s.io "none" not found"#;
    check_write(&alice, Kind::RoleBinding, "x", &bind("Role", "none"), None, absent);
    let broken = r#"404 clusterrolebindings.rbac.authorization.k8s.io "none" not found"#;
    check_write(&alice, Kind::ClusterRoleBinding, "", &bind("ClusterRole", "none"), None, broken);
    let allowed =
        json!([{ "verbs": ["bind"], "apiGroups": [GROUP], "resources": ["clusterroles"], "resourceNames": ["all"] }]);
    let rbac = world();
    put(&rbac, Kind::Role, role("x", "binder", allowed));
    put(&rbac, Kind::RoleBinding, binding("x", "binders", "Role", "binder", people(&["alice"])));
    let object = bind("ClusterRole", "all");
    let write = Write { user: &alice, kind: Kind::RoleBinding, namespace: "x", name: "", object: &object, old: None };
    assert!(write.check(&rbac, &rbac).is_ok());
}

#[test]
fn aggregated_roles_collect_by_label() {
    let rule = |verb: &str| json!({ "verbs": [verb], "apiGroups": [""], "resources": ["pods"] });
    let labelled =
        |name: &str, rules: Value| json!({ "metadata": { "name": name, "labels": { "to": "a" } }, "rules": rules });
    let all = [
        labelled("b", json!([rule("list"), rule("get")])),
        labelled("a", json!([rule("get")])),
        json!({ "metadata": { "name": "c" }, "rules": [rule("delete")] }),
        labelled("agg", json!([rule("patch")])),
    ];
    let mut collector = json!({
        "metadata": { "name": "agg", "labels": { "to": "a" } },
        "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": { "to": "a" } }] },
        "rules": [],
    });
    let expected = vec![rule("get"), rule("list")];
    assert_eq!(kinds::role_aggregation::rules((&collector).into(), &all).unwrap(), Some(expected.clone()));
    collector["rules"] = Value::Array(expected);
    assert_eq!(kinds::role_aggregation::rules((&collector).into(), &all).unwrap(), None);
    assert_eq!(kinds::role_aggregation::rules((&all[2]).into(), &all).unwrap(), None);
}

#[test]
fn the_roles_of_the_start_work() {
    let objects = bootstrap::objects();
    assert_eq!(objects.len(), 69 + 50 + 7 + 7);
    let rbac = Rbac::default();
    for (kind, object) in &objects {
        rbac.apply(*kind, Change::Put(object));
    }
    let nobody = user("system:anonymous", &["system:unauthenticated"]);
    let viewer = r#"ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated""#;
    check(&rbac, &nobody, "get /version", viewer);
    check(&rbac, &nobody, "get /api", "no ");
    let scheduler = user("system:kube-scheduler", &["system:authenticated"]);
    assert!(rbac.authorize(&asked(&scheduler, "create pods/binding in x")).is_allowed());
    assert!(!rbac.authorize(&asked(&scheduler, "create secrets in x")).is_allowed());
    let controller = user("system:serviceaccount:kube-system:job-controller", &[]);
    assert!(rbac.authorize(&asked(&controller, "create pods in x")).is_allowed());
}

#[test]
fn existing_roles_get_what_they_lack() {
    let objects = bootstrap::objects();
    let find = |wanted, name: &str| {
        let found = objects.iter().find(|(kind, object)| *kind == wanted && object["metadata"]["name"] == name);
        found.map(|(_, object)| object.clone()).unwrap()
    };
    let expected = find(Kind::ClusterRole, "system:basic-user");
    assert_eq!(plan(Kind::ClusterRole, &expected, None), Plan::Create(expected.clone()));
    assert_eq!(plan(Kind::ClusterRole, &expected, Some(&expected)), Plan::Keep);
    let mut changed = expected.clone();
    let own = json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] });
    changed["rules"] = json!([own]);
    let Plan::Update(updated) = plan(Kind::ClusterRole, &expected, Some(&changed)) else { panic!("an update") };
    assert_eq!(updated["rules"].as_array().unwrap().len(), 1 + 3);
    assert_eq!(updated["rules"][0], own);
    changed["metadata"]["annotations"][bootstrap::AUTO_UPDATE] = "false".into();
    assert_eq!(plan(Kind::ClusterRole, &expected, Some(&changed)), Plan::Keep);

    let expected = find(Kind::ClusterRole, "admin");
    let mut filled = expected.clone();
    filled["rules"] = json!([own]);
    assert_eq!(plan(Kind::ClusterRole, &expected, Some(&filled)), Plan::Keep);

    let expected = find(Kind::ClusterRoleBinding, "system:discovery");
    let mut changed = expected.clone();
    changed["subjects"] = people(&["carol"]);
    let Plan::Update(updated) = plan(Kind::ClusterRoleBinding, &expected, Some(&changed)) else { panic!("an update") };
    assert_eq!(updated["subjects"].as_array().unwrap().len(), 2);
    changed["roleRef"]["name"] = "other".into();
    assert_eq!(plan(Kind::ClusterRoleBinding, &expected, Some(&changed)), Plan::Recreate(expected));
}

/// What is recorded of a role or binding, and ours of the same path.
fn recorded(path: &str) -> Option<Value> {
    let mut parts = path.strip_prefix("/apis/rbac.authorization.k8s.io/v1/")?.split('/').collect::<Vec<_>>();
    let name = parts.pop()?;
    let (namespace, resource) = match parts.as_slice() {
        ["namespaces", namespace, resource] => (*namespace, *resource),
        [resource] => ("", *resource),
        _ => return None,
    };
    let found = bootstrap::objects().into_iter().find(|(kind, object)| {
        let metadata = View::from(object).get("metadata");
        kind.resource() == resource && metadata.str("name") == name && metadata.str("namespace") == namespace
    });
    found.map(|(_, object)| object)
}

#[test]
fn the_roles_of_the_start_are_those_of_a_real_server() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var("HAKATA_CORPORA").unwrap_or_else(|_| default.to_owned());
    let folder = std::path::Path::new(&folder).join("api/kinds-rest");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: the recorded conversations are not in {}", folder.display());
        return;
    };
    let mut compared = 0;
    for file in files.map(|file| file.unwrap().path()) {
        let is_ours = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rbac-bootstrap-"));
        if !is_ours {
            continue;
        }
        let case: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for step in case["steps"].as_array().unwrap() {
            let path = step["do"].as_str().unwrap().strip_prefix("GET ").unwrap_or_default();
            let want = &step["expect"]["body"];
            let Some(ours) = recorded(path.split('?').next().unwrap()).filter(|_| want["metadata"]["name"].is_string())
            else {
                continue;
            };
            let aggregated = want["aggregationRule"].is_object();
            for field in ["rules", "roleRef", "subjects", "aggregationRule"] {
                if field != "rules" || !aggregated {
                    assert_eq!(ours[field], want[field], "{path} {field}");
                }
            }
            for field in ["labels", "annotations", "name", "namespace"] {
                assert_eq!(ours["metadata"][field], want["metadata"][field], "{path} {field}");
            }
            compared += 1;
        }
    }
    assert!(compared > 40, "only {compared} objects were compared");
}

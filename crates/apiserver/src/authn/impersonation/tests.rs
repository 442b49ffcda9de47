//! Who may speak for whom, and how refusals read.

use super::*;
use crate::authz::Verdict;
use http::{HeaderName, HeaderValue};

/// Allows what its list names: `VERB GROUP/RESOURCE[/SUB]:NAMESPACE/NAME`; `all` allows everything.
struct Allows(&'static [&'static str]);

impl Authorize for Allows {
    fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let subresource = if asked.subresource.is_empty() { String::new() } else { format!("/{}", asked.subresource) };
        let text = format!(
            "{} {}/{}{subresource}:{}/{}",
            asked.verb, asked.group, asked.resource, asked.namespace, asked.name
        );
        if self.0.contains(&"all") || self.0.contains(&text.as_str()) { Verdict::ALLOW } else { Verdict::NO_OPINION }
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

fn asker() -> UserInfo {
    UserInfo {
        name: "system:serviceaccount:x:agent".to_owned(),
        extra: vec![(NODE_NAME.to_owned(), vec!["n1".to_owned()])],
        ..UserInfo::default()
    }
}

#[track_caller]
fn check(allows: &'static [&'static str], pairs: &[(&str, &str)], expected: &str) {
    let asker = asker();
    let asked = Attributes { namespace: "x", ..Attributes::resource(&asker, "list", "", "pods") };
    let mut map = headers(pairs);
    let got = match Impersonation::default().user(&mut map, &asked, &Allows(allows)) {
        Ok(Some(user)) => {
            assert!(map.is_empty());
            format!("{} {} {:?} {:?}", user.name, user.uid, user.groups, user.extra)
        }
        Ok(None) => "nobody".to_owned(),
        Err(status) => format!("{} {}", status.code, status.message),
    };
    assert_eq!(got, expected);
}

#[test]
fn whoever_may_do_everything_speaks_for_anybody() {
    let all: &[&str] = &["all"];
    check(all, &[], "nobody");
    check(all, &[("Impersonate-User", "")], "nobody");
    check(all, &[("Impersonate-User", "alice")], r#"alice  ["system:authenticated"] []"#);
    check(
        all,
        &[("Impersonate-User", "alice"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")],
        r#"alice  ["a", "b", "system:authenticated"] []"#,
    );
    check(
        all,
        &[("Impersonate-User", "alice"), ("Impersonate-Group", UNAUTHENTICATED)],
        r#"alice  ["system:unauthenticated"] []"#,
    );
    check(
        all,
        &[("Impersonate-User", "alice"), ("Impersonate-Group", MASTERS)],
        r#"alice  ["system:masters", "system:authenticated"] []"#,
    );
    check(all, &[("Impersonate-User", ANONYMOUS)], r#"system:anonymous  ["system:unauthenticated"] []"#);
    check(
        all,
        &[("Impersonate-User", "system:serviceaccount:x:y")],
        r#"system:serviceaccount:x:y  ["system:serviceaccounts", "system:serviceaccounts:x", "system:authenticated"] []"#,
    );
    check(
        all,
        &[("Impersonate-User", "b"), ("Impersonate-Uid", "7"), ("Impersonate-Extra-Acme.com%2Fkey", "v")],
        r#"b 7 ["system:authenticated"] [("acme.com/key", ["v"])]"#,
    );
}

#[test]
fn headers_without_a_user_are_malformed() {
    let nil = "[]string(nil), Extra:map[string][]string(nil)";
    check(
        &["all"],
        &[("Impersonate-Uid", "u")],
        &format!(
            r#"400 requested &user.DefaultInfo{{Name:"", UID:"u", Groups:{nil}}} without impersonating a user name"#
        ),
    );
    check(
        &["all"],
        &[("Impersonate-Group", "g")],
        r#"400 requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)} without impersonating a user name"#,
    );
    check(
        &["all"],
        &[("Impersonate-Extra-a", "b")],
        r#"400 requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"b"}}} without impersonating a user name"#,
    );
}

#[test]
fn each_way_has_its_own_verbs() {
    let refused = |mode: &str| {
        format!(
            r#"403 pods is forbidden: User "system:serviceaccount:x:agent" cannot impersonate-on:{mode}:list resource "pods" in API group "" in the namespace "x""#
        )
    };
    check(&[], &[("Impersonate-User", "alice")], &refused("user-info"));
    check(&[], &[("Impersonate-User", "system:node:n1")], &refused("associated-node"));
    check(&[], &[("Impersonate-User", "system:node:n2")], &refused("arbitrary-node"));
    check(&[], &[("Impersonate-User", "system:serviceaccount:a:b")], &refused("serviceaccount"));
    check(&["impersonate /users:/alice"], &[("Impersonate-User", "alice")], r#"alice  ["system:authenticated"] []"#);
    check(
        &["impersonate-on:user-info:list /pods:x/", "impersonate:user-info authentication.k8s.io/users:/alice"],
        &[("Impersonate-User", "alice")],
        r#"alice  ["system:authenticated"] []"#,
    );
    check(
        &["impersonate-on:associated-node:list /pods:x/", "impersonate:associated-node authentication.k8s.io/nodes:/*"],
        &[("Impersonate-User", "system:node:n1")],
        r#"system:node:n1  ["system:nodes", "system:authenticated"] []"#,
    );
    check(
        &["impersonate-on:user-info:list /pods:x/", "impersonate:user-info authentication.k8s.io/users:/alice"],
        &[("Impersonate-User", "alice"), ("Impersonate-Group", MASTERS)],
        r#"403 groups.authentication.k8s.io "system:masters" is forbidden: User "system:serviceaccount:x:agent" cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: impersonating the system:masters group is not allowed"#,
    );
    check(
        &[
            "impersonate /users:/alice",
            "impersonate /groups:/devs",
            "impersonate authentication.k8s.io/userextras/s:/v",
        ],
        &[("Impersonate-User", "alice"), ("Impersonate-Group", "devs"), ("Impersonate-Extra-s", "v")],
        r#"alice  ["devs", "system:authenticated"] [("s", ["v"])]"#,
    );
}

#[test]
fn the_way_that_worked_is_tried_first() {
    let (asker, impersonation) = (asker(), Impersonation::default());
    let asked = Attributes::resource(&asker, "list", "", "pods");
    let allows = Allows(&["impersonate /users:/alice"]);
    let ask = |name| {
        let mut map = headers(&[("Impersonate-User", name)]);
        impersonation.user(&mut map, &asked, &allows).map_err(|status| status.message)
    };
    assert!(ask("bob").unwrap_err().contains("impersonate-on:user-info:list"));
    assert!(ask("alice").is_ok());
    assert!(ask("bob").unwrap_err().starts_with(
        r#"users "bob" is forbidden: User "system:serviceaccount:x:agent" cannot impersonate resource "users""#
    ));
}

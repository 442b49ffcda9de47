//! How refusals read, and how authorisers follow each other.

use super::*;

struct Says(Verdict);

impl Authorize for Says {
    fn authorize(&self, _: &Attributes<'_>) -> Verdict {
        self.0.clone()
    }
}

fn user(name: &str, groups: &[&str]) -> UserInfo {
    UserInfo {
        name: name.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..UserInfo::default()
    }
}

#[track_caller]
fn check_refusal(attributes: Attributes<'_>, reason: &str, message: &str) {
    assert_eq!(forbidden(&attributes, reason).message, message);
}

#[test]
fn refusals_read_as_upstreams() {
    let alice = user("alice", &[]);
    let pods = Attributes { namespace: "x", ..Attributes::resource(&alice, "list", "", "pods") };
    check_refusal(
        pods,
        "",
        r#"pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "x""#,
    );
    check_refusal(
        Attributes { name: "a", subresource: "log", verb: "get", ..pods },
        "",
        r#"pods "a" is forbidden: User "alice" cannot get resource "pods/log" in API group "" in the namespace "x""#,
    );
    check_refusal(
        Attributes::resource(&alice, "list", "apps", "deployments"),
        "RBAC: why",
        r#"deployments.apps is forbidden: User "alice" cannot list resource "deployments" in API group "apps" at the cluster scope: RBAC: why"#,
    );
    check_refusal(
        Attributes::path(&alice, "get", "/metrics"),
        "",
        r#"forbidden: User "alice" cannot get path "/metrics""#,
    );
    let script = user("<b>&", &[]);
    check_refusal(Attributes::path(&script, "get", "/"), "", r#"forbidden: User "&lt;b&gt;&amp;" cannot get path "/""#);
}

#[test]
fn authorisers_follow_each_other_until_one_is_sure() {
    let refuse = Verdict { decision: Decision::Deny, reason: Reason::Text("no".to_owned()) };
    let chain = |verdicts: &[Verdict]| Authorizer {
        chain: verdicts.iter().map(|verdict| Arc::new(Says(verdict.clone())) as Arc<dyn Authorize>).collect(),
    };
    let (alice, root) = (user("alice", &[]), user("root", &[MASTERS]));
    let ask = |authorizer: &Authorizer, user: &UserInfo| {
        let verdict = authorizer.authorize(&Attributes::resource(user, "get", "", "pods"));
        format!("{:?} {}", verdict.decision, verdict.reason)
    };
    assert_eq!(ask(&chain(&[]), &alice), "NoOpinion ");
    assert_eq!(ask(&chain(&[Verdict::no_opinion("a"), Verdict::ALLOW]), &alice), "Allow ");
    assert_eq!(ask(&chain(&[refuse.clone(), Verdict::ALLOW]), &alice), "Deny no");
    assert_eq!(ask(&chain(&[refuse]), &root), "Allow ");
    let told = [Verdict::no_opinion("a"), Verdict::NO_OPINION, Verdict::no_opinion("b")];
    assert_eq!(ask(&chain(&told), &alice), "NoOpinion a\nb");
}

//! Which rule is about a request, and what may not stand in a policy.

use super::*;
use crate::audit::Stage;
use kinds::UserInfo;

fn parse(rules: &str) -> Result<Policy, String> {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}");
    Policy::parse(&text, File::new("p.yaml")).map_err(|error| error.to_string())
}

fn user(name: &str, groups: &[&str]) -> UserInfo {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    UserInfo { name: name.to_owned(), groups, ..UserInfo::default() }
}

/// `GROUP/RESOURCE[/SUBRESOURCE] [NAMESPACE [NAME]]`, or a path that begins with `/-`.
fn asked<'a>(user: &'a UserInfo, verb: &'a str, what: &'a str) -> Attributes<'a> {
    if let Some(path) = what.strip_prefix("path ") {
        return Attributes::path(user, verb, path);
    }
    let mut words = what.split(' ');
    let mut parts = words.next().unwrap().splitn(3, '/');
    let (group, resource) = (parts.next().unwrap(), parts.next().unwrap());
    Attributes {
        subresource: parts.next().unwrap_or_default(),
        namespace: words.next().unwrap_or_default(),
        name: words.next().unwrap_or_default(),
        ..Attributes::resource(user, verb, group, resource)
    }
}

#[track_caller]
fn check(rule: &str, user: &UserInfo, verb: &str, what: &str, want: bool) {
    let policy = parse(&format!("rules: [{{level: Request, {rule}}}]")).unwrap();
    assert_eq!(policy.judge(&asked(user, verb, what)).level == Level::Request, want, "{rule}: {verb} {what}");
}

#[test]
fn rules_are_about_users_verbs_and_what_is_asked() {
    let alice = user("alice", &["dev", "ops"]);
    for (rule, verb, what, want) in [
        ("users: [alice]", "get", "/pods x", true),
        ("users: [bob]", "get", "/pods x", false),
        ("userGroups: [ops]", "get", "/pods x", true),
        ("userGroups: [qa]", "get", "/pods x", false),
        ("verbs: [get, list]", "list", "/pods x", true),
        ("verbs: [get]", "watch", "/pods x", false),
        ("namespaces: [x]", "get", "/pods x", true),
        ("namespaces: [\"\"]", "get", "/nodes", true),
        ("namespaces: [x]", "get", "path /version", false),
        ("resources: [{resources: [pods]}]", "get", "/pods x p", true),
        ("resources: [{resources: [pods]}]", "get", "/pods/log x p", false),
        ("resources: [{resources: [pods/log]}]", "get", "/pods/log x p", true),
        ("resources: [{resources: [\"*/log\"]}]", "get", "/pods/log x p", true),
        ("resources: [{resources: [\"pods/*\"]}]", "get", "/pods/log x p", true),
        ("resources: [{resources: [\"pods/*\"]}]", "get", "/pods x p", true),
        ("resources: [{resources: [\"*\"]}]", "get", "apps/deployments x p", false),
        ("resources: [{group: \"*\", resources: [\"*\"]}]", "get", "apps/deployments x p", true),
        ("resources: [{group: apps}]", "get", "apps/deployments/scale x p", true),
        ("resources: [{resources: [pods], resourceNames: [p]}]", "get", "/pods x p", true),
        ("resources: [{resources: [pods], resourceNames: [q]}]", "get", "/pods x p", false),
        ("nonResourceURLs: [\"/healthz*\"]", "get", "path /healthz/etcd", true),
        ("nonResourceURLs: [/version]", "get", "path /version", true),
        ("nonResourceURLs: [\"*\"]", "get", "/pods x", false),
    ] {
        check(rule, &alice, verb, what, want);
    }
}

#[test]
fn the_first_rule_counts_and_without_one_there_is_nothing() {
    let policy = parse("rules:\n- {level: None, users: [a]}\n- {level: Metadata, verbs: [get]}").unwrap();
    let level = |name, verb| policy.judge(&asked(&user(name, &[]), verb, "/pods x")).level;
    assert_eq!((level("a", "get"), level("b", "get"), level("b", "list")), (Level::None, Level::Metadata, Level::None));
}

#[test]
fn stages_and_managed_fields_are_left_out() {
    let policy = parse(
        "omitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n- {level: Metadata, verbs: [get], omitStages: [Panic], omitManagedFields: false}\n- level: Metadata",
    )
    .unwrap();
    let of = |verb| policy.judge(&asked(&user("a", &[]), verb, "/pods x"));
    let omitted = |outcome: Outcome| {
        let all = [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete, Stage::Panic];
        all.map(|stage| outcome.omit.has(stage))
    };
    assert_eq!((omitted(of("get")), of("get").omit_managed_fields), ([true, false, false, true], false));
    assert_eq!((omitted(of("list")), of("list").omit_managed_fields), ([true, false, false, false], true));
}

#[test]
fn mistakes_are_told_in_upstreams_words() {
    for (rules, want) in [
        ("rules: []", "p.yaml is an audit policy without rules"),
        (
            "rules: [{level: All}]",
            "the audit policy p.yaml is wrong: rules[0].level: Unsupported value: \"All\": supported values: \"None\", \"Metadata\", \"Request\", \"RequestResponse\"",
        ),
        ("rules: [{users: [a]}]", "the audit policy p.yaml is wrong: rules[0].level: Required value"),
        (
            "rules: [{level: None, nonResourceURLs: [version]}]",
            "the audit policy p.yaml is wrong: rules[0].nonResourceURLs[0]: Invalid value: \"version\": non-resource URL rules must begin with a '/' character",
        ),
        (
            "rules: [{level: None, nonResourceURLs: [\"/a*b\"]}]",
            "the audit policy p.yaml is wrong: rules[0].nonResourceURLs[0]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be the final character of the rule",
        ),
        (
            "omitStages: [Never]\nrules: [{level: None}]",
            "the audit policy p.yaml is wrong: omitStages[0]: Invalid value: \"Never\": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic",
        ),
    ] {
        assert_eq!(parse(rules).unwrap_err(), want);
    }
    let error = Policy::parse("kind: Policy", File::new("p.yaml")).unwrap_err().to_string();
    assert!(error.starts_with("p.yaml holds apiVersion \"\" and kind \"Policy\""), "{error}");
}

#[test]
fn the_default_keeps_secrets() {
    let policy = Policy::default();
    let admin = user("admin", &["system:masters"]);
    let of = |user: &UserInfo, verb, what| policy.judge(&asked(user, verb, what)).level;
    for verb in ["get", "list", "create", "update", "patch", "delete"] {
        for what in
            ["/secrets x s", "/configmaps x c", "authentication.k8s.io/tokenreviews", "/serviceaccounts/token x a"]
        {
            assert_eq!(of(&admin, verb, what), Level::Metadata, "{verb} {what}");
        }
    }
    assert_eq!(of(&admin, "create", "/pods x"), Level::Request);
    assert_eq!(of(&admin, "get", "/pods x p"), Level::Metadata);
    assert_eq!(of(&admin, "create", "/pods/exec x p"), Level::Metadata);
    assert_eq!(of(&admin, "get", "path /readyz"), Level::None);
    let part = user("system:apiserver", &["system:masters"]);
    assert_eq!((of(&part, "watch", "/pods"), of(&part, "create", "/pods x")), (Level::None, Level::Metadata));
}

//! Policies by example: who is let through where, asked of the plan as the kernel would.

use super::*;
use value::{Value, json};

struct Case {
    namespaces: HashMap<String, Namespace>,
    pods: HashMap<String, Vec<Pod>>,
}

/// `ns/name` of the pods: `a/web` (10.42.0.1, port `http` is 8080), `a/db` (.2), `b/web` (.3, port `http` is 9090),
/// `b/cron` (.4, ended).
fn case() -> Case {
    let mut case = Case { namespaces: HashMap::new(), pods: HashMap::new() };
    for (namespace, team) in [("a", "red"), ("b", "blue")] {
        let value = json!({"metadata": {"name": namespace, "labels": {"team": team}}});
        case.namespaces.insert(namespace.to_owned(), value::from_value(value).unwrap());
    }
    for (namespace, app, last, http, phase) in [
        ("a", "web", 1, 8080, "Running"),
        ("a", "db", 2, 0, "Running"),
        ("b", "web", 3, 9090, "Running"),
        ("b", "cron", 4, 0, "Succeeded"),
    ] {
        let ports = if http == 0 { json!([]) } else { json!([{"name": "http", "containerPort": http}]) };
        let value = json!({"metadata": {"namespace": namespace, "name": app, "labels": {"app": app}},
            "spec": {"containers": [{"ports": ports}]},
            "status": {"phase": phase, "podIPs": [{"ip": format!("10.42.0.{last}")}]}});
        case.pods.entry(namespace.to_owned()).or_default().push(value::from_value(value).unwrap());
    }
    case
}

fn plan_of(specs: &[Value]) -> Plan {
    let case = case();
    let policies: Vec<Policy> = specs
        .iter()
        .map(|spec| value::from_value(json!({"metadata": {"namespace": "a", "name": "p"}, "spec": spec})).unwrap())
        .collect();
    let world = World { namespaces: &case.namespaces, pods: &case.pods, ours: "10.42.0.0/16".parse().unwrap() };
    plan(&world, policies.iter())
}

/// Whether the plan lets a connection through.
fn passes(plan: &Plan, from: &str, to: &str, port: u16) -> bool {
    let (from, to): (Ipv4Addr, Ipv4Addr) = (from.parse().unwrap(), to.parse().unwrap());
    let lets = |chain: &String, other: Ipv4Addr| {
        plan.chains[chain].iter().any(|allow| {
            let peers = allow.peers.as_ref().is_none_or(|set| {
                plan.sets[set].iter().any(|(first, last)| (first..=last).contains(&u32::from(other)))
            });
            peers
                && allow
                    .ports
                    .is_none_or(|(protocol, first, last)| protocol == Protocol::Tcp && (first..=last).contains(&port))
        })
    };
    plan.egress.get(&from).is_none_or(|chain| lets(chain, to))
        && plan.ingress.get(&to).is_none_or(|chain| lets(chain, from))
}

const WEB: &str = "10.42.0.1";
const DB: &str = "10.42.0.2";
const OTHER: &str = "10.42.0.3";
const FAR: &str = "203.0.113.9";

#[track_caller]
fn check(specs: &[Value], cases: &[(&str, &str, u16, bool)]) {
    let plan = plan_of(specs);
    for (from, to, port, expected) in cases {
        assert_eq!(passes(&plan, from, to, *port), *expected, "{from} to {to} port {port}: {plan:#?}");
    }
}

#[test]
fn without_policies_all_is_open() {
    assert!(plan_of(&[]).is_empty());
    check(&[], &[(WEB, DB, 1, true)]);
}

#[test]
fn an_empty_selector_with_no_rules_denies_all() {
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
    check(
        std::slice::from_ref(&deny),
        &[(OTHER, WEB, 80, false), (FAR, DB, 80, false), (WEB, OTHER, 80, true), (WEB, FAR, 80, true)],
    );
    let both = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    check(&[both], &[(WEB, OTHER, 80, false), (WEB, FAR, 80, false), (OTHER, FAR, 80, true)]);
    let open = json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]});
    check(&[deny, open], &[(OTHER, WEB, 80, true), (FAR, DB, 80, true)]);
}

#[test]
fn peers_are_chosen_by_labels_of_pods_and_namespaces() {
    let from = |peer: Value| json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]});
    let web = json!({"matchLabels": {"app": "web"}});
    let blue = json!({"matchLabels": {"team": "blue"}});
    check(
        &[from(json!({"podSelector": web}))],
        &[(WEB, DB, 1, true), (OTHER, DB, 1, false), (FAR, DB, 1, false), (OTHER, WEB, 1, true)],
    );
    check(
        &[from(json!({"namespaceSelector": blue}))],
        &[(WEB, DB, 1, false), (OTHER, DB, 1, true), ("10.42.0.4", DB, 1, false)],
    );
    check(
        &[from(json!({"namespaceSelector": {}, "podSelector": web}))],
        &[(WEB, DB, 1, true), (OTHER, DB, 1, true), (DB, DB, 1, false)],
    );
    let expression = json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["blue"]}]});
    check(&[from(json!({"namespaceSelector": expression}))], &[(WEB, DB, 1, true), (OTHER, DB, 1, false)]);
    check(
        &[from(json!({"namespaceSelector": {"matchExpressions": [{"key": "x", "operator": "Nonsense"}]}}))],
        &[(WEB, DB, 1, false)],
    );
}

#[test]
fn blocks_of_addresses_have_holes() {
    let block = json!({"podSelector": {}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.8/29"]}}]}]});
    check(
        &[block],
        &[(FAR, DB, 1, false), ("203.0.113.7", DB, 1, true), ("203.0.113.16", DB, 1, true), (WEB, DB, 1, false)],
    );
}

#[test]
fn ports_have_numbers_ranges_and_names() {
    let ports = |ports: Value| json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": ports}]});
    check(&[ports(json!([{"port": 80}]))], &[(OTHER, WEB, 80, true), (OTHER, WEB, 81, false)]);
    check(
        &[ports(json!([{"port": 80, "endPort": 90}]))],
        &[(OTHER, WEB, 90, true), (OTHER, WEB, 91, false), (OTHER, WEB, 79, false)],
    );
    check(
        &[ports(json!([{"port": "http"}]))],
        &[(OTHER, WEB, 8080, true), (OTHER, WEB, 80, false), (OTHER, DB, 8080, false)],
    );
    check(&[ports(json!([{"protocol": "UDP"}]))], &[(OTHER, WEB, 80, false)]);
    check(&[ports(json!([{"protocol": "TCP"}]))], &[(OTHER, WEB, 80, true)]);
    let out = json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": "http"}]}]});
    check(
        &[out],
        &[
            (DB, WEB, 8080, true),
            (DB, OTHER, 9090, true),
            (DB, OTHER, 8080, false),
            (DB, FAR, 8080, false),
            (WEB, FAR, 1, true),
        ],
    );
}

#[test]
fn policies_add_up() {
    let from = |app: &str| {
        json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": app}}}], "ports": [{"port": 1}]}]})
    };
    check(&[from("web"), from("none")], &[(WEB, DB, 1, true), (WEB, DB, 2, false), (OTHER, DB, 1, false)]);
}

#[test]
fn pods_with_the_same_rules_share_a_chain() {
    let plan = plan_of(&[json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})]);
    assert_eq!((plan.ingress.len(), plan.egress.len(), plan.chains.len()), (2, 2, 2));
}

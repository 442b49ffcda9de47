//! The planner against a model: applying changes one after another must come to the same as planning everything at once.

use super::super::entry::{Balancer, Map, Reach};
use super::*;
use value::{Value, json};

fn here() -> Here {
    Here { node: "us".into(), zone: None }
}

fn service(value: Value) -> Service {
    value::from_value(value).unwrap()
}

fn web(name: &str, ip: &str, extra: &Value) -> Service {
    let mut value = json!({"metadata": {"namespace": "ns", "name": name},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "ports": [{"port": 80}]}});
    for (field, more) in extra.as_object().unwrap() {
        value["spec"][field] = more.clone();
    }
    service(value)
}

fn slice(service: &str, name: &str, lasts: &[u8]) -> Slice {
    let endpoints: Vec<_> = lasts
        .iter()
        .map(|last| {
            json!({"addresses": [format!("10.42.0.{last}")],
        "conditions": {"ready": true}, "nodeName": if last % 2 == 0 { "us" } else { "them" }})
        })
        .collect();
    value::from_value(json!({"metadata": {"namespace": "ns", "name": name,
        "labels": {"kubernetes.io/service-name": service}}, "addressType": "IPv4",
        "ports": [{"port": 8080}], "endpoints": endpoints}))
    .unwrap()
}

/// The kernel, as far as order matters: deleting what is not there or adding what is there fails.
#[derive(Default, PartialEq, Debug)]
struct Model {
    entries: BTreeMap<Place, Entry>,
    chains: BTreeSet<Chain>,
}

impl Model {
    fn apply(&mut self, changes: &Changes) {
        for chain in &changes.new_chains {
            for need in chain.needs() {
                assert!(self.chains.contains(&need), "{chain:?} goes to a chain that is not there yet");
            }
            assert!(self.chains.insert(chain.clone()), "{chain:?} is there already");
        }
        for (place, (was, _)) in &changes.entries {
            assert_eq!(self.entries.get(place), was.as_ref(), "{place:?}");
            self.entries.remove(place);
        }
        for (place, (_, is)) in &changes.entries {
            if let Some(entry) = is {
                assert!(entry.chain().is_none_or(|chain| self.chains.contains(&chain)), "{entry:?}");
                self.entries.insert(place.clone(), entry.clone());
            }
        }
        for chain in changes.old_chains.iter().rev() {
            self.chains.remove(chain);
            let used = self.entries.values().filter_map(Entry::chain).any(|used| used == *chain);
            let needed = self.chains.iter().any(|other| other.needs().contains(chain));
            assert!(!used && !needed, "{chain:?} is still in use");
        }
    }
}

#[test]
fn changes_add_up_to_everything() {
    let mut random = 7_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let kinds = [
        json!({}),
        json!({"sessionAffinity": "ClientIP"}),
        json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}),
        json!({"type": "NodePort", "externalTrafficPolicy": "Local", "ports": [{"port": 80, "nodePort": 30080, "protocol": "UDP"}]}),
        json!({"internalTrafficPolicy": "Local"}),
        json!({"externalIPs": ["192.0.2.9"]}),
        json!({"clusterIP": "None"}),
        json!({"type": "ExternalName"}),
    ];
    let (mut planner, mut model) = (Planner::new(here()), Model::default());
    for step in 0..3000 {
        let which = next(6);
        let name = format!("s{which}");
        match next(5) {
            0 => planner.remove_service(&Key { namespace: "ns".into(), name }),
            1 | 2 => {
                let kind = &kinds[usize::try_from(next(8)).unwrap()];
                planner.put_service(web(&name, &format!("10.43.0.{which}"), kind));
            }
            3 => planner.remove_slice(&Key { namespace: "ns".into(), name: format!("slice{}", next(8)) }),
            _ => {
                let lasts: Vec<u8> = (1..=6).filter(|_| next(2) == 0).collect();
                planner.put_slice(slice(&name, &format!("slice{}", next(8)), &lasts));
            }
        }
        if next(3) > 0 {
            model.apply(&planner.changes());
        }
        if step % 50 == 0 {
            model.apply(&planner.changes());
            let mut whole = Model::default();
            whole.apply(&planner.everything());
            assert_eq!(whole, model);
        }
    }
}

#[test]
fn a_changed_endpoint_is_one_element() {
    let mut planner = Planner::new(here());
    planner.put_service(web("web", "10.43.0.7", &json!({})));
    planner.put_slice(slice("web", "a", &[1, 2, 3, 4]));
    planner.changes();
    planner.put_slice(slice("web", "a", &[1, 3, 4, 5]));
    let changes = planner.changes();
    assert_eq!(changes.entries.len(), 1, "{changes:?}");
    assert!(changes.new_chains.is_empty() && changes.old_chains.is_empty());
    planner.put_slice(slice("web", "a", &[1, 3, 4, 5]));
    assert!(planner.changes().is_empty());
}

#[test]
fn the_first_owner_has_an_address_until_it_lets_go() {
    let external = json!({"externalIPs": ["192.0.2.9"]});
    let mut planner = Planner::new(here());
    for (name, ip, last) in [("a", "10.43.0.1", 2), ("b", "10.43.0.2", 4)] {
        planner.put_service(web(name, ip, &external));
        planner.put_slice(slice(name, name, &[last]));
    }
    let mut model = Model::default();
    model.apply(&planner.changes());
    let front = Front { protocol: crate::Protocol::Tcp, address: Some("192.0.2.9".parse().unwrap()), port: 80 };
    let place = (Map::Endpoints, front.indexed(0));
    assert_eq!(model.entries[&place], Entry::Endpoint("10.42.0.2:8080".parse().unwrap()));
    planner.remove_service(&Key { namespace: "ns".into(), name: "a".into() });
    model.apply(&planner.changes());
    assert_eq!(model.entries[&place], Entry::Endpoint("10.42.0.4:8080".parse().unwrap()));
}

#[track_caller]
fn check_front(spec: &Value, lasts: &[u8], front: (Option<&str>, u16), entry: Option<&Entry>) {
    let mut planner = Planner::new(here());
    planner.put_service(web("web", "10.43.0.7", spec));
    planner.put_slice(slice("web", "a", lasts));
    let mut model = Model::default();
    model.apply(&planner.changes());
    let address = front.0.map(|address| address.parse().unwrap());
    let front = Front { protocol: crate::Protocol::Tcp, address, port: front.1 };
    let found = [front.front_map(), front.empty_map()].map(|map| model.entries.get(&(map, front.key())).cloned());
    assert_eq!(found.into_iter().flatten().next().as_ref(), entry);
}

#[test]
fn policies_decide_where_connections_go() {
    let balance = |ports, reach, stay| Entry::Balance(Balancer { ports, reach, stay });
    let vip = (Some("10.43.0.7"), 80);
    check_front(&json!({}), &[1, 2], vip, Some(&balance(false, Reach::Plain(2), false)));
    check_front(&json!({}), &[], vip, Some(&Entry::Reject));
    check_front(
        &json!({"internalTrafficPolicy": "Local"}),
        &[1, 2],
        vip,
        Some(&balance(false, Reach::Plain(1), false)),
    );
    check_front(&json!({"internalTrafficPolicy": "Local"}), &[1], vip, Some(&Entry::Drop));
    let timed = json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 9}}});
    check_front(&timed, &[1], vip, Some(&balance(false, Reach::Plain(1), true)));
    check_front(&json!({"sessionAffinity": "ClientIP"}), &[1], vip, Some(&balance(false, Reach::Plain(1), true)));
    let port = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]});
    check_front(&port, &[1, 2], (None, 30080), Some(&balance(true, Reach::Masked(2), false)));
    check_front(&port, &[], (None, 30080), Some(&Entry::Reject));
    let mut local = port.clone();
    local["externalTrafficPolicy"] = "Local".into();
    check_front(&local, &[1, 2, 4], (None, 30080), Some(&balance(true, Reach::Local { all: 3, here: 2 }, false)));
    check_front(&local, &[1], (None, 30080), Some(&balance(true, Reach::Local { all: 1, here: 0 }, false)));
    check_front(&json!({"clusterIP": "None"}), &[1], vip, None);
    check_front(&json!({"type": "ExternalName"}), &[1], vip, None);
}

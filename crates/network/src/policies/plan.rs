//! Which pods are isolated and what is let through to and from them. Pure: objects in, chains and sets out.
//!
//! Pods to which the same holds share a chain, rules with the same peers share a set; both are named by what they hold,
//! so that equal plans are equal as values.

use super::model::{NumberOrName, Peer, Pod, Policy, Port, Rule};
use super::ranges::Ranges;
use crate::Protocol;
use crate::model::{Metadata, Namespace};
use ipnet::{IpNet, Ipv4Net};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

/// What the table has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Isolated pods' addresses and their chains, for what comes to them.
    pub(super) ingress: BTreeMap<Ipv4Addr, String>,
    /// The same for what goes out from them.
    pub(super) egress: BTreeMap<Ipv4Addr, String>,
    pub(super) chains: BTreeMap<String, Vec<Allow>>,
    pub(super) sets: BTreeMap<String, Ranges>,
}

/// Something that is let through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Allow {
    /// The name of the set in which the other side must be; without one, anybody.
    pub(super) peers: Option<String>,
    /// Protocol, first and last port; without one, all.
    pub(super) ports: Option<(Protocol, u16, u16)>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.ingress.is_empty() && self.egress.is_empty()
    }
}

/// What policies are about.
pub(super) struct World<'a> {
    pub(super) namespaces: &'a HashMap<String, Namespace>,
    /// By namespace. Among them cluster DNS, which is no pod but is selected as one.
    pub(super) pods: &'a HashMap<String, Vec<Pod>>,
    /// Addresses of pods that are on this node and so are ours to guard.
    pub(super) ours: IpNet,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

/// A rule whose peers are known; named ports of ingress depend on the pod that it protects.
struct Ready {
    peers: Option<String>,
    ports: Vec<PortMatch>,
}

enum PortMatch {
    All,
    Between(Protocol, u16, u16),
    Named(Protocol, String),
}

/// Plans all policies.
pub(super) fn plan<'a>(world: &World<'_>, policies: impl Iterator<Item = &'a Policy>) -> Plan {
    let mut planning = Planning { world, plan: Plan::default() };
    let mut isolated: [BTreeMap<Ipv4Addr, Vec<Allow>>; 2] = Default::default();
    for policy in policies {
        let spec = &policy.spec;
        let selected = world.pods.get(&policy.metadata.namespace).into_iter().flatten();
        let selected: Vec<&Pod> = selected.filter(|pod| spec.pod_selector.matches(&pod.metadata)).collect();
        let directions = [
            (Direction::Ingress, spec.is_ingress(), &spec.ingress),
            (Direction::Egress, spec.is_egress(), &spec.egress),
        ];
        for (direction, _, rules) in directions.into_iter().filter(|(_, holds, _)| *holds && !selected.is_empty()) {
            let ready: Vec<Ready> =
                rules.iter().flat_map(|rule| planning.make_ready(rule, &policy.metadata, direction)).collect();
            for pod in &selected {
                let allows: Vec<Allow> = ready.iter().flat_map(|ready| allows(ready, pod)).collect();
                for address in v4(pod).filter(|address| world.ours.contains(&IpAddr::V4(*address))) {
                    isolated[direction as usize].entry(address).or_default().extend(allows.iter().cloned());
                }
            }
        }
    }
    let [ingress, egress] = isolated;
    planning.plan.ingress =
        ingress.into_iter().map(|(address, allows)| (address, planning.chain("in", allows))).collect();
    planning.plan.egress =
        egress.into_iter().map(|(address, allows)| (address, planning.chain("out", allows))).collect();
    planning.plan
}

struct Planning<'a> {
    world: &'a World<'a>,
    plan: Plan,
}

impl Planning<'_> {
    fn make_ready(&mut self, rule: &Rule, policy: &Metadata, direction: Direction) -> Vec<Ready> {
        let names = |port: &&Port| matches!(port.port, Some(NumberOrName::Name(_)));
        let (named, plain): (Vec<&Port>, Vec<&Port>) = rule.ports.iter().partition(names);
        let mut ready = Vec::new();
        let mut ports: Vec<PortMatch> = plain.into_iter().filter_map(port_match).collect();
        if rule.ports.is_empty() {
            ports.push(PortMatch::All);
        }
        if direction == Direction::Ingress {
            ports.extend(
                named.iter().filter_map(|port| name_of(port)).map(|(protocol, name)| PortMatch::Named(protocol, name)),
            );
        } else {
            // On the way out the name is the other side's: peers are sorted by the number that they have for it.
            ready.extend(
                named.iter().filter_map(|port| name_of(port)).flat_map(|port| self.by_number(rule, policy, port)),
            );
        }
        if !ports.is_empty() {
            let peers = if rule.peers.is_empty() { None } else { Some(self.peers(&rule.peers, policy)) };
            ready.push(Ready { peers, ports });
        }
        ready
    }

    fn by_number(&mut self, rule: &Rule, policy: &Metadata, (protocol, name): (Protocol, String)) -> Vec<Ready> {
        let mut numbers: BTreeMap<u16, Ranges> = BTreeMap::new();
        let anybody = [Peer { namespace_selector: Some(Default::default()), ..Peer::default() }];
        let peers = if rule.peers.is_empty() { &anybody[..] } else { &rule.peers };
        for pod in peers.iter().flat_map(|peer| select(self.world, peer, policy)) {
            for number in pod.named_ports(&name, protocol) {
                v4(pod).for_each(|address| numbers.entry(number).or_default().add(address));
            }
        }
        let ready = numbers.into_iter().map(|(number, peers)| Ready {
            peers: Some(self.set(peers)),
            ports: vec![PortMatch::Between(protocol, number, number)],
        });
        ready.collect()
    }

    fn peers(&mut self, peers: &[Peer], policy: &Metadata) -> String {
        let mut ranges = Ranges::default();
        for peer in peers {
            match &peer.ip_block {
                Some(block) => {
                    let without = block.except.iter().filter_map(|network| network.parse::<Ipv4Net>().ok()).collect();
                    if let Ok(network) = block.cidr.parse() {
                        ranges.add_without(network, without);
                    }
                }
                None => select(self.world, peer, policy).flat_map(v4).for_each(|address| ranges.add(address)),
            }
        }
        self.set(ranges)
    }

    fn set(&mut self, ranges: Ranges) -> String {
        let ranges = ranges.settle();
        let name = name_by("peers", &ranges);
        self.plan.sets.insert(name.clone(), ranges);
        name
    }

    fn chain(&mut self, prefix: &str, mut allows: Vec<Allow>) -> String {
        allows.sort();
        allows.dedup();
        let name = name_by(prefix, &allows);
        self.plan.chains.insert(name.clone(), allows);
        name
    }
}

/// The pods that a peer means: by labels of pods, of namespaces, or of both.
fn select<'a>(world: &'a World<'a>, peer: &'a Peer, policy: &'a Metadata) -> impl Iterator<Item = &'a Pod> {
    let meant = move |name: &str| match &peer.namespace_selector {
        None => name == policy.namespace,
        Some(selector) => world.namespaces.get(name).is_some_and(|namespace| selector.matches(&namespace.metadata)),
    };
    let nobody = peer.pod_selector.is_none() && peer.namespace_selector.is_none();
    let chosen = world.pods.iter().filter(move |(name, _)| !nobody && meant(name)).flat_map(|(_, pods)| pods);
    chosen.filter(|pod| peer.pod_selector.as_ref().is_none_or(|selector| selector.matches(&pod.metadata)))
}

/// What a rule lets through to a pod, with names of ports in the pod's own numbers.
fn allows<'a>(ready: &'a Ready, pod: &'a Pod) -> impl Iterator<Item = Allow> + 'a {
    let numbers = ready.ports.iter().flat_map(|port| match port {
        PortMatch::All => vec![None],
        PortMatch::Between(protocol, first, last) => vec![Some((*protocol, *first, *last))],
        PortMatch::Named(protocol, name) => {
            pod.named_ports(name, *protocol).into_iter().map(|number| Some((*protocol, number, number))).collect()
        }
    });
    numbers.map(|ports| Allow { peers: ready.peers.clone(), ports })
}

fn port_match(port: &Port) -> Option<PortMatch> {
    match &port.port {
        None => Some(PortMatch::Between(port.protocol, 0, u16::MAX)),
        Some(NumberOrName::Number(number)) => {
            Some(PortMatch::Between(port.protocol, *number, port.end_port.unwrap_or(*number).max(*number)))
        }
        Some(NumberOrName::Name(_)) => None,
    }
}

fn name_of(port: &Port) -> Option<(Protocol, String)> {
    match &port.port {
        Some(NumberOrName::Name(name)) => Some((port.protocol, name.clone())),
        _ => None,
    }
}

fn v4(pod: &Pod) -> impl Iterator<Item = Ipv4Addr> {
    pod.addresses().into_iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

fn name_by(prefix: &str, content: &impl std::fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{content:?}"));
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}-{hex}")
}

#[cfg(test)]
mod tests;

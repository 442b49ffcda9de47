//! How Services are written into nftables: the table's sets, its rules, and the chains that Services share.
//!
//! The cost of a packet does not depend on the number of Services: one look-up finds the chain for its number of
//! endpoints, that chain picks a number, a second look-up finds the endpoint. Only the first packet of a connection
//! goes through this at all.

use super::Settings;
use super::entry::{Balancer, Chain, Entry, Firewall, Map, Reach, Stay, endpoint_bytes};
use super::plan::Place;
use super::planner::Changes;
use crate::netlink::expr::{Original, Rule, Side};
use crate::netlink::nft::{self, Batch, Element, Hook, Set, Value, datatype};
use crate::pods::Names;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Set on packets whose caller shall appear as the node. The same bit that kube-proxy uses.
const MASKED: u32 = 0x4000;
/// Callers that are remembered at most.
const REMEMBERED: u32 = 1 << 18;

/// Writes the table of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) family: u8,
    pub(crate) table: String,
    links: String,
    pod_cidr: ipnet::IpNet,
    service_cidr: ipnet::IpNet,
    gateway: IpAddr,
}

impl Layout {
    pub(crate) fn new(settings: &Settings) -> Self {
        let names = Names::of(&settings.cluster);
        Self {
            family: nft::IPV4,
            table: names.service_table(),
            links: names.link_prefix(),
            pod_cidr: settings.pod_cidr,
            service_cidr: settings.service_cidr,
            gateway: crate::pods::nth(settings.pod_cidr, 1),
        }
    }

    /// How many registers an address takes.
    fn width(&self) -> u32 {
        if self.family == nft::IPV4 { 1 } else { 4 }
    }

    pub(crate) fn set(&self, map: Map) -> Set<'static> {
        use datatype::{MARK, PORT, PROTOCOL, VERDICT};
        let address = if self.family == nft::IPV4 { datatype::IPV4_ADDRESS } else { datatype::IPV6_ADDRESS };
        let endpoint = Some((datatype::tuple(&[address, PORT]), 4 * self.width() + 4));
        let verdict = Some((VERDICT, 0));
        let (key, value): (&[u32], _) = match map {
            Map::Services | Map::NoEndpoints | Map::Firewall | Map::Stays => (&[PROTOCOL, address, PORT], verdict),
            Map::NodePorts | Map::NoPortEndpoints | Map::PortStays => (&[PROTOCOL, PORT], verdict),
            Map::Endpoints | Map::LocalEndpoints => (&[PROTOCOL, address, PORT, MARK], endpoint),
            Map::PortEndpoints | Map::LocalPortEndpoints => (&[PROTOCOL, PORT, MARK], endpoint),
            Map::ClusterIps => (&[address], None),
            Map::Affinity => (&[PROTOCOL, address, PORT, address], endpoint),
            Map::PortAffinity => (&[PROTOCOL, PORT, address], endpoint),
        };
        let registers = key.iter().map(|part| if *part == address { self.width() } else { 1 }).sum::<u32>();
        let dynamic = matches!(map, Map::Affinity | Map::PortAffinity).then_some(REMEMBERED);
        Set { name: map.name(), key: datatype::tuple(key), key_length: registers * 4, value, dynamic, interval: false }
    }

    /// A table without Services, in place of whatever was there.
    pub(crate) fn build(&self, batch: &mut Batch) {
        batch.fresh_table(&self.table);
        for map in Map::ALL {
            batch.add_set(&self.table, &self.set(map));
        }
        self.build_checks(batch);
        self.build_strays(batch);
        self.build_services(batch);
        self.build_memory(batch);
        self.build_masquerade(batch);
    }

    fn chain(&self, batch: &mut Batch, name: &str, hook: Option<(&'static str, u32, i32)>, rules: Vec<Rule>) {
        let hook = hook.map(|(kind, number, priority)| Hook { kind, number, priority });
        batch.add_chain(&self.table, name, hook);
        for rule in rules {
            batch.add_rule(&self.table, name, rule);
        }
    }

    /// Protocol, destination and port in the registers from 0 on.
    fn vip(&self) -> Rule {
        let port = 1 + self.width();
        Rule::new().load_protocol(0).load_address(self.family, Side::Destination, 1).load_port(port)
    }

    /// Protocol and port, for packets to this node.
    fn node_port(&self) -> Rule {
        Rule::new().address_is_local(Side::Destination).load_protocol(0).load_port(1)
    }

    /// Before addresses are translated: who may not, and where nobody is.
    fn build_checks(&self, batch: &mut Batch) {
        self.chain(batch, "nobody", None, vec![Rule::new().reset(), Rule::new().reject(self.family)]);
        let rules = vec![
            self.vip().decide(Map::Firewall.name(), 0),
            self.vip().decide(Map::NoEndpoints.name(), 0),
            self.node_port().decide(Map::NoPortEndpoints.name(), 0),
        ];
        self.chain(batch, "check", None, rules);
        for (name, hook) in [("check-prerouting", nft::PREROUTING), ("check-output", nft::OUTPUT)] {
            self.chain(batch, name, Some(("filter", hook, -110)), vec![Rule::new().begins().jump("check")]);
        }
    }

    /// After addresses are translated: what still goes to a Service's address has asked for a port that is not there.
    fn build_strays(&self, batch: &mut Batch) {
        let family = self.family;
        let known =
            Rule::new().load_address(family, Side::Destination, 0).in_set(Map::ClusterIps.name(), 0).goto("nobody");
        let unknown = Rule::new().address_in(Side::Destination, self.service_cidr, true).drop();
        let rules = vec![Rule::new().address_is_local(Side::Destination).pass(), known, unknown];
        self.chain(batch, "strays", None, rules);
        for (name, hook) in [("strays-forward", nft::FORWARD), ("strays-output", nft::OUTPUT)] {
            self.chain(batch, name, Some(("filter", hook, 0)), vec![Rule::new().begins().jump("strays")]);
        }
    }

    fn build_services(&self, batch: &mut Batch) {
        let from_afar = Rule::new()
            .address_in(Side::Destination, self.service_cidr, true)
            .address_in(Side::Source, self.pod_cidr, false)
            .mark(MASKED);
        let rules = vec![
            from_afar,
            self.vip().decide(Map::Services.name(), 0),
            self.node_port().decide(Map::NodePorts.name(), 0),
        ];
        self.chain(batch, "services", None, rules);
        for (name, hook) in [("prerouting", nft::PREROUTING), ("output", nft::OUTPUT)] {
            self.chain(batch, name, Some(("nat", hook, -100)), vec![Rule::new().jump("services")]);
        }
    }

    /// After addresses are translated, and before callers' are: who went where.
    fn build_memory(&self, batch: &mut Batch) {
        let vip = self.original(false).decide(Map::Stays.name(), 0);
        let port = self.original(true).decide(Map::PortStays.name(), 0);
        self.chain(batch, "remember", None, vec![vip, port]);
        for (name, hook) in [("remember-prerouting", nft::PREROUTING), ("remember-output", nft::OUTPUT)] {
            self.chain(batch, name, Some(("filter", hook, -90)), vec![Rule::new().begins().jump("remember")]);
        }
    }

    /// What the caller addressed, in the registers from 0 on.
    fn original(&self, ports: bool) -> Rule {
        let address = if self.family == nft::IPV4 { Original::Address4 } else { Original::Address6 };
        let rule = Rule::new().load_protocol(0);
        if ports {
            return rule.load_original(Original::Port, 1);
        }
        rule.load_original(address, 1).load_original(Original::Port, 1 + self.width())
    }

    fn build_masquerade(&self, batch: &mut Batch) {
        let rules = vec![
            Rule::new().marked(MASKED).over_links_out(&self.links, true).source(self.gateway),
            // What stays on the machine comes back by itself.
            Rule::new().marked(MASKED).not_out_over("lo").masquerade(),
        ];
        self.chain(batch, "postrouting", Some(("nat", nft::POSTROUTING, 100)), rules);
    }

    // === What Services share ===

    fn add_chain(&self, batch: &mut Batch, chain: &Chain) {
        let rules = match chain {
            Chain::Firewall(firewall) => firewall_rules(firewall),
            Chain::Balancer(balancer) => self.balancer_rules(*balancer),
            Chain::Stay(stay) => self.memory(*stay),
        };
        self.chain(batch, &chain.name(), None, rules);
    }

    fn balancer_rules(&self, balancer: Balancer) -> Vec<Rule> {
        let name = |reach| Chain::Balancer(Balancer { reach, ..balancer }).name();
        match balancer.reach {
            Reach::Plain(all) => self.choices(balancer, false, all),
            Reach::Masked(all) => {
                let mut rules = vec![Rule::new().mark(MASKED)];
                rules.extend(self.choices(balancer, false, all));
                rules
            }
            Reach::Local { all, here } => {
                let mut rules = vec![
                    Rule::new().address_in(Side::Source, self.pod_cidr, true).goto(&name(Reach::Plain(all))),
                    Rule::new().address_is_local(Side::Source).goto(&name(Reach::Masked(all))),
                ];
                match here {
                    0 => rules.push(Rule::new().drop()),
                    here => rules.extend(self.choices(balancer, true, here)),
                }
                rules
            }
        }
    }

    /// Who was here before goes where it went, if that is wished; others go anywhere.
    fn choices(&self, balancer: Balancer, local: bool, count: u32) -> Vec<Rule> {
        let width = self.width();
        let map = match (balancer.ports, local) {
            (false, false) => Map::Endpoints,
            (false, true) => Map::LocalEndpoints,
            (true, false) => Map::PortEndpoints,
            (true, true) => Map::LocalPortEndpoints,
        };
        let front = || if balancer.ports { Rule::new().load_protocol(0).load_port(1) } else { self.vip() };
        let next = if balancer.ports { 2 } else { 2 + width };
        let mut rules = Vec::new();
        if balancer.stay {
            let affinity = if balancer.ports { Map::PortAffinity } else { Map::Affinity };
            let again = front().load_address(self.family, Side::Source, next).look_up(affinity.name(), 0, 0);
            rules.push(again.redirect(self.family, 0, width));
        }
        rules.push(front().load_random(count, next).look_up(map.name(), 0, 0).redirect(self.family, 0, width));
        rules
    }

    fn memory(&self, stay: Stay) -> Vec<Rule> {
        let width = self.width();
        let caller = if stay.ports { 2 } else { 2 + width };
        let endpoint = caller + width;
        let map = if stay.ports { Map::PortAffinity } else { Map::Affinity };
        let rule = self
            .original(stay.ports)
            .load_address(self.family, Side::Source, caller)
            .load_address(self.family, Side::Destination, endpoint)
            .load_port(endpoint + width)
            .remember(map.name(), 0, endpoint, Duration::from_secs(stay.seconds.into()));
        vec![rule]
    }

    // === Changes ===

    /// Writes changes so that every step finds what it needs: chains, then elements, then chains that nobody needs.
    pub(crate) fn write(&self, batch: &mut Batch, changes: &Changes) {
        for chain in &changes.new_chains {
            self.add_chain(batch, chain);
        }
        let (old, new) = elements(&changes.entries);
        for (map, elements) in old {
            batch.delete_elements(&self.table, map.name(), &elements);
        }
        for (map, elements) in new {
            batch.add_elements(&self.table, map.name(), &elements);
        }
        for chain in changes.old_chains.iter().rev() {
            batch.delete_chain(&self.table, &chain.name());
        }
    }
}

fn firewall_rules(Firewall(networks): &Firewall) -> Vec<Rule> {
    let from = |network: &ipnet::IpNet| Rule::new().address_in(Side::Source, *network, true).pass();
    let networks = networks.iter().filter(|network| network.addr().is_ipv4());
    networks.map(from).chain([Rule::new().drop()]).collect()
}

type ByMap = BTreeMap<Map, Vec<Element>>;

/// Elements to delete and to add, by map.
fn elements(entries: &BTreeMap<Place, (Option<Entry>, Option<Entry>)>) -> (ByMap, ByMap) {
    let (mut old, mut new) = (ByMap::new(), ByMap::new());
    for ((map, key), (was, is)) in entries {
        if was.is_some() {
            old.entry(*map).or_default().push(Element::member(key.clone()));
        }
        if let Some(entry) = is {
            new.entry(*map).or_default().push(element(key.clone(), entry));
        }
    }
    (old, new)
}

fn element(key: Vec<u8>, entry: &Entry) -> Element {
    match entry {
        Entry::Member => Element::member(key),
        Entry::Endpoint(endpoint) => Element::pair(key, Value::Bytes(endpoint_bytes(*endpoint))),
        Entry::Balance(balancer) => Element::pair(key, Value::Goto(Chain::Balancer(*balancer).name())),
        Entry::Guard(firewall) => Element::pair(key, Value::Jump(Chain::Firewall(firewall.clone()).name())),
        Entry::Stay(stay) => Element::pair(key, Value::Goto(Chain::Stay(*stay).name())),
        Entry::Reject => Element::pair(key, Value::Goto("nobody".to_owned())),
        Entry::Drop => Element::pair(key, Value::Drop),
    }
}

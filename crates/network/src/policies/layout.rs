//! How policies are written into nftables: two maps from isolated pods to chains, which end in `drop`.
//!
//! The table is written as a whole, in one step; connections that began before are not looked at again.

use super::Settings;
use super::plan::{Allow, Plan};
use super::ranges::Ranges;
use crate::netlink::expr::{Rule, Side};
use crate::netlink::nft::{self, Batch, Element, Hook, Set, Value, datatype};
use crate::pods::Names;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const INGRESS: &str = "ingress";
const EGRESS: &str = "egress";
/// Pods that are isolated, each twice: nobody is kept from talking to itself.
const SELVES: &str = "selves";

/// Writes the table of one cluster.
pub(super) struct Layout {
    pub(super) table: String,
    links: String,
}

impl Layout {
    pub(super) fn new(settings: &Settings) -> Self {
        let names = Names::of(&settings.cluster);
        Self { table: names.policy_table(), links: names.link_prefix() }
    }

    /// The whole table, in place of whatever was there.
    pub(super) fn write(&self, batch: &mut Batch, plan: &Plan) {
        batch.fresh_table(&self.table);
        let address = datatype::IPV4_ADDRESS;
        self.add_set(batch, INGRESS, address, 4, Some((datatype::VERDICT, 0)));
        self.add_set(batch, EGRESS, address, 4, Some((datatype::VERDICT, 0)));
        self.add_set(batch, SELVES, datatype::tuple(&[address, address]), 8, None);
        for (name, ranges) in &plan.sets {
            self.add_ranges(batch, name, ranges);
        }
        for (name, allows) in &plan.chains {
            self.add_chain(batch, name, allows, plan);
        }
        self.add_base(batch);
        batch.add_elements(&self.table, INGRESS, &jumps(&plan.ingress));
        batch.add_elements(&self.table, EGRESS, &jumps(&plan.egress));
        let isolated = plan.ingress.keys().chain(plan.egress.keys()).collect::<std::collections::BTreeSet<_>>();
        let selves: Vec<Element> =
            isolated.iter().map(|pod| Element::member([pod.octets(), pod.octets()].concat())).collect();
        batch.add_elements(&self.table, SELVES, &selves);
    }

    fn add_set(&self, batch: &mut Batch, name: &str, key: u32, key_length: u32, value: Option<(u32, u32)>) {
        batch.add_set(&self.table, &Set { name, key, key_length, value, dynamic: None, interval: false });
    }

    fn add_ranges(&self, batch: &mut Batch, name: &str, ranges: &Ranges) {
        let set = Set { name, key: datatype::IPV4_ADDRESS, key_length: 4, value: None, dynamic: None, interval: true };
        batch.add_set(&self.table, &set);
        let mut elements = Vec::new();
        for (first, last) in ranges.iter() {
            elements.push(Element::member(first.to_be_bytes().to_vec()));
            // A range up to the last address of all has no end.
            if let Some(end) = last.checked_add(1) {
                elements.push(Element { end: true, ..Element::member(end.to_be_bytes().to_vec()) });
            }
        }
        batch.add_elements(&self.table, name, &elements);
    }

    fn add_chain(&self, batch: &mut Batch, name: &str, allows: &[Allow], plan: &Plan) {
        // Of what comes in the other side is the source, of what goes out the destination.
        let side = if name.starts_with("in-") { Side::Source } else { Side::Destination };
        batch.add_chain(&self.table, name, None);
        for allow in allows {
            if allow.peers.as_ref().is_some_and(|set| plan.sets.get(set).is_none_or(Ranges::is_empty)) {
                continue;
            }
            let mut rule = Rule::new();
            if let Some(set) = &allow.peers {
                rule = rule.load_address(nft::IPV4, side, 0).in_set(set, 0);
            }
            if let Some((protocol, first, last)) = allow.ports {
                rule = rule.port_between(protocol.number(), first, last);
            }
            batch.add_rule(&self.table, name, rule.pass());
        }
        batch.add_rule(&self.table, name, Rule::new().drop());
    }

    fn add_base(&self, batch: &mut Batch) {
        let rules = [
            Rule::new()
                .load_address(nft::IPV4, Side::Source, 0)
                .load_address(nft::IPV4, Side::Destination, 1)
                .in_set(SELVES, 0)
                .pass(),
            Rule::new().load_address(nft::IPV4, Side::Source, 0).decide(EGRESS, 0),
            Rule::new().load_address(nft::IPV4, Side::Destination, 0).decide(INGRESS, 0),
        ];
        batch.add_chain(&self.table, "check", None);
        for rule in rules {
            batch.add_rule(&self.table, "check", rule);
        }
        // The machine itself may reach every pod: probes come from there. What pods send to it is looked at.
        batch.add_chain(&self.table, "forward", Some(Hook { kind: "filter", number: nft::FORWARD, priority: 0 }));
        batch.add_rule(&self.table, "forward", Rule::new().begins().jump("check"));
        batch.add_chain(&self.table, "input", Some(Hook { kind: "filter", number: nft::INPUT, priority: 0 }));
        batch.add_rule(&self.table, "input", Rule::new().over_links_in(&self.links).begins().jump("check"));
    }
}

fn jumps(pods: &BTreeMap<Ipv4Addr, String>) -> Vec<Element> {
    pods.iter().map(|(pod, chain)| Element::pair(pod.octets().to_vec(), Value::Jump(chain.clone()))).collect()
}

//! The pod network's table in nftables: masquerade of what leaves the machine, host ports, hairpins.
//!
//! Services have a table of their own. Elements come and go with pods; the rules never change.

use super::record::Pod;
use super::{Config, HostPort, Names};
use crate::netlink::expr::{Rule, Side, octets};
use crate::netlink::nft::{self, Batch, Element, Hook, Set, Value, datatype};
use crate::services::port_bytes;
use std::net::IpAddr;

/// A pod's own address, twice: a connection from a pod to itself.
const HAIRPINS: &str = "hairpins";
/// `protocol . port : address . port`
const HOST_PORTS: &str = "hostports";
/// `protocol . address . port : address . port`
const HOST_PORTS_AT: &str = "hostports-at";

/// The table's parts that do not depend on pods, in place of whatever was there.
pub(super) fn build(batch: &mut Batch, names: &Names, config: &Config) {
    let table = names.pod_table();
    batch.fresh_table(&table);
    for set in sets() {
        batch.add_set(&table, &set);
    }
    add_guard(batch, &table, names);
    add_host_ports(batch, &table);
    add_masquerade(batch, &table, names, config);
}

fn sets() -> [Set<'static>; 3] {
    use datatype::{IPV4_ADDRESS, PORT, PROTOCOL, tuple};
    let target = Some((tuple(&[IPV4_ADDRESS, PORT]), 8));
    let set = |name, key: &[u32], value| Set {
        name,
        key: tuple(key),
        key_length: u32::try_from(key.len() * 4).unwrap_or(0),
        value,
        dynamic: None,
        interval: false,
    };
    [
        set(HAIRPINS, &[IPV4_ADDRESS, IPV4_ADDRESS], None),
        set(HOST_PORTS, &[PROTOCOL, PORT], target),
        set(HOST_PORTS_AT, &[PROTOCOL, IPV4_ADDRESS, PORT], target),
    ]
}

/// Links of pods take answers for 127.0.0.1, so that host ports and node ports work there; nothing else may go there.
fn add_guard(batch: &mut Batch, table: &str, names: &Names) {
    let hook = Hook { kind: "filter", number: nft::PREROUTING, priority: -150 };
    batch.add_chain(table, "guard", Some(hook));
    let loopback = "127.0.0.0/8".parse().expect("a constant");
    let rule = Rule::new().over_links_in(&names.link_prefix()).address_in(Side::Destination, loopback, true).drop();
    batch.add_rule(table, "guard", rule);
}

fn add_host_ports(batch: &mut Batch, table: &str) {
    batch.add_chain(table, "hostports", None);
    let at = Rule::new()
        .load_protocol(0)
        .load_address(nft::IPV4, Side::Destination, 1)
        .load_port(2)
        .look_up(HOST_PORTS_AT, 0, 0)
        .redirect(nft::IPV4, 0, 1);
    batch.add_rule(table, "hostports", at);
    let anywhere = Rule::new().load_protocol(0).load_port(1).look_up(HOST_PORTS, 0, 0).redirect(nft::IPV4, 0, 1);
    batch.add_rule(table, "hostports", anywhere);
    for (chain, number) in [("prerouting", nft::PREROUTING), ("output", nft::OUTPUT)] {
        // Before Services: a host port is the more particular wish.
        batch.add_chain(table, chain, Some(Hook { kind: "nat", number, priority: -101 }));
        batch.add_rule(table, chain, Rule::new().address_is_local(Side::Destination).jump("hostports"));
    }
}

fn add_masquerade(batch: &mut Batch, table: &str, names: &Names, config: &Config) {
    let pods = names.link_prefix();
    let loopback = "127.0.0.0/8".parse().expect("a constant");
    batch.add_chain(table, "postrouting", Some(Hook { kind: "nat", number: nft::POSTROUTING, priority: 99 }));
    let hairpin = Rule::new()
        .over_links_out(&pods, true)
        .load_address(nft::IPV4, Side::Source, 0)
        .load_address(nft::IPV4, Side::Destination, 1)
        .in_set(HAIRPINS, 0)
        .source(config.gateway());
    batch.add_rule(table, "postrouting", hairpin);
    let own = Rule::new().over_links_out(&pods, true).address_in(Side::Source, loopback, true).source(config.gateway());
    batch.add_rule(table, "postrouting", own);
    let leaving = Rule::new()
        .address_in(Side::Source, config.pod_cidr, true)
        .address_in(Side::Destination, config.pod_cidr, false)
        .over_links_out(&pods, false)
        .not_out_over("lo")
        .masquerade();
    batch.add_rule(table, "postrouting", leaving);
}

/// Adds what depends on a pod.
pub(super) fn add_pod(batch: &mut Batch, names: &Names, pod: &Pod) {
    each_set(pod, |set, elements| batch.add_elements(&names.pod_table(), set, elements));
}

/// Takes away what depends on a pod.
pub(super) fn delete_pod(batch: &mut Batch, names: &Names, pod: &Pod) {
    each_set(pod, |set, elements| batch.delete_elements(&names.pod_table(), set, elements));
}

fn each_set(pod: &Pod, mut then: impl FnMut(&'static str, &[Element])) {
    then(HAIRPINS, &[Element::member([octets(pod.address), octets(pod.address)].concat())]);
    let (at, anywhere): (Vec<_>, Vec<_>) = pod.host_ports.iter().partition(|port| bound(port).is_some());
    if !at.is_empty() {
        then(HOST_PORTS_AT, &at.iter().map(|port| element(port, pod.address)).collect::<Vec<_>>());
    }
    if !anywhere.is_empty() {
        then(HOST_PORTS, &anywhere.iter().map(|port| element(port, pod.address)).collect::<Vec<_>>());
    }
}

/// The one address of the machine that a port is bound to.
fn bound(port: &HostPort) -> Option<IpAddr> {
    port.host_ip.filter(|address| !address.is_unspecified())
}

fn element(port: &HostPort, to: IpAddr) -> Element {
    let mut key = vec![port.protocol.number(), 0, 0, 0];
    if let Some(address) = bound(port) {
        key.extend(octets(address));
    }
    key.extend(port_bytes(port.host_port));
    Element::pair(key, Value::Bytes([octets(to), port_bytes(port.container_port).to_vec()].concat()))
}

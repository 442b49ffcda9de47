//! What one Service needs in the maps. Pure: a Service and its slices in, entries out.

use super::endpoints::{Here, Usable, choose, settle};
use super::entry::{Balancer, Entry, Firewall, Front, Map, Reach, Stay};
use crate::Protocol;
use crate::model::{Service, ServiceType, Slice};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

/// A place in a map.
pub(crate) type Place = (Map, Vec<u8>);

/// All that one Service needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) entries: BTreeMap<Place, Entry>,
    /// What callers may address, and by that who owns it.
    pub(crate) fronts: BTreeSet<Front>,
    /// The order of endpoints, so that the next plan can keep it.
    orders: HashMap<(Front, bool), Vec<SocketAddr>>,
    /// Of UDP, which endpoints a front leads to: connections to others are stale.
    pub(crate) flows: BTreeMap<Front, BTreeSet<SocketAddr>>,
    /// Fronts with affinity and their endpoints: who is remembered with others must be forgotten.
    pub(crate) stays: BTreeMap<Front, BTreeSet<SocketAddr>>,
    /// The port that says whether this node has endpoints, and how many it has.
    pub(crate) health: Option<(u16, usize)>,
}

/// Plans a Service. `mine` says whether it may have a front, or another Service has it already.
pub(crate) fn plan<'a>(
    service: &Service,
    slices: impl Iterator<Item = &'a Slice> + Clone,
    here: &Here,
    before: Option<&Plan>,
    mine: impl Fn(&Front) -> bool,
) -> Plan {
    let mut planning = Planning { plan: Plan::default(), service, before };
    if service.spec.kind == ServiceType::ExternalName || service.is_headless() {
        return planning.plan;
    }
    for address in service.cluster_ips().filter(IpAddr::is_ipv4) {
        planning.set(Map::ClusterIps, crate::netlink::expr::octets(address), Entry::Member);
    }
    let mut most = 0;
    for port in &service.spec.ports {
        let usable = choose(slices.clone(), port, here);
        most = most.max(usable.here.len());
        for address in service.cluster_ips() {
            let front = Front { protocol: port.protocol, address: Some(address), port: port.port };
            planning.inside(front, &usable, &mine);
        }
        let (outer, guarded) = planning.outer_addresses();
        for address in outer {
            let front = Front { protocol: port.protocol, address: Some(address), port: port.port };
            planning.outside(front, &usable, &mine);
            if guarded.contains(&address) && planning.plan.fronts.contains(&front) {
                planning.guard(front);
            }
        }
        if service.spec.kind != ServiceType::ClusterIP && port.node_port != 0 {
            let front = Front { protocol: port.protocol, address: None, port: port.node_port };
            planning.outside(front, &usable, &mine);
        }
    }
    if service.spec.kind == ServiceType::LoadBalancer
        && service.external_local()
        && service.spec.health_check_node_port != 0
    {
        planning.plan.health = Some((service.spec.health_check_node_port, most));
    }
    planning.plan
}

struct Planning<'a> {
    plan: Plan,
    service: &'a Service,
    before: Option<&'a Plan>,
}

impl Planning<'_> {
    fn set(&mut self, map: Map, key: Vec<u8>, entry: Entry) {
        self.plan.entries.insert((map, key), entry);
    }

    /// Claims a front, for everything that follows about it.
    fn claim(&mut self, front: Front, mine: &impl Fn(&Front) -> bool) -> bool {
        let is_new = front.address.is_none_or(|address| address.is_ipv4()) && !self.plan.fronts.contains(&front);
        if is_new {
            self.plan.fronts.insert(front);
        }
        is_new && mine(&front)
    }

    /// An address inside the cluster.
    fn inside(&mut self, front: Front, usable: &Usable, mine: &impl Fn(&Front) -> bool) {
        if !self.claim(front, mine) {
            return;
        }
        let local = self.service.internal_local();
        let endpoints = if local { &usable.here } else { &usable.all };
        match count(endpoints) {
            0 if local && usable.any => self.set(front.empty_map(), front.key(), Entry::Drop),
            0 => self.set(front.empty_map(), front.key(), Entry::Reject),
            all => {
                self.balance(front, Reach::Plain(all));
                self.endpoints(front, false, endpoints);
            }
        }
        self.remember(front, endpoints.iter().copied().collect());
    }

    /// An address or port that is there for callers from outside.
    fn outside(&mut self, front: Front, usable: &Usable, mine: &impl Fn(&Front) -> bool) {
        if !self.claim(front, mine) {
            return;
        }
        match (count(&usable.all), self.service.external_local()) {
            (0, _) => self.set(front.empty_map(), front.key(), Entry::Reject),
            (all, false) => {
                self.balance(front, Reach::Masked(all));
                self.endpoints(front, false, &usable.all);
            }
            (all, true) => {
                self.balance(front, Reach::Local { all, here: count(&usable.here) });
                self.endpoints(front, false, &usable.all);
                self.endpoints(front, true, &usable.here);
            }
        }
        self.remember(front, usable.all.iter().chain(&usable.here).copied().collect());
    }

    fn balance(&mut self, front: Front, reach: Reach) {
        let balancer = Balancer { ports: front.address.is_none(), reach, stay: self.service.affinity().is_some() };
        self.set(front.front_map(), front.key(), Entry::Balance(balancer));
        if let Some(seconds) = self.service.affinity() {
            let stay = Stay { ports: balancer.ports, seconds };
            self.set(front.stay_map(), front.key(), Entry::Stay(stay));
        }
    }

    fn endpoints(&mut self, front: Front, local: bool, endpoints: &[SocketAddr]) {
        let known = self.before.and_then(|before| before.orders.get(&(front, local)));
        let order = settle(known.map_or(&[], Vec::as_slice), endpoints);
        for (index, endpoint) in (0..).zip(&order) {
            self.set(front.endpoint_map(local), front.indexed(index), Entry::Endpoint(*endpoint));
        }
        self.plan.orders.insert((front, local), order);
    }

    fn remember(&mut self, front: Front, endpoints: BTreeSet<SocketAddr>) {
        if self.service.affinity().is_some() {
            self.plan.stays.insert(front, endpoints.clone());
        }
        if front.protocol == Protocol::Udp {
            self.plan.flows.insert(front, endpoints);
        }
    }

    /// Addresses for callers from outside, and those of them that source ranges guard.
    fn outer_addresses(&self) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
        let Service { spec, status, .. } = self.service;
        let mut all: BTreeSet<IpAddr> = spec.external_ips.iter().filter_map(|address| address.parse().ok()).collect();
        let mut guarded = BTreeSet::new();
        if spec.kind == ServiceType::LoadBalancer {
            let vips =
                status.load_balancer.ingress.iter().filter(|ingress| ingress.ip_mode.as_deref() != Some("Proxy"));
            guarded.extend(vips.filter_map(|ingress| ingress.ip));
            all.extend(&guarded);
        }
        (all, guarded)
    }

    fn guard(&mut self, front: Front) {
        let ranges = &self.service.spec.load_balancer_source_ranges;
        let ranges: BTreeSet<IpNet> = ranges.iter().filter_map(|range| range.trim().parse().ok()).collect();
        if !ranges.is_empty() {
            self.set(Map::Firewall, front.key(), Entry::Guard(Firewall(ranges.into_iter().collect())));
        }
    }
}

fn count(endpoints: &[SocketAddr]) -> u32 {
    u32::try_from(endpoints.len()).unwrap_or(u32::MAX)
}

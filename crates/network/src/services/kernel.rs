//! The rim of Services: puts changes into the kernel, and makes it forget what they made stale.

use super::entry::{Front, Map, endpoint_bytes};
use super::layout::Layout;
use super::planner::{Changes, Planner};
use super::{ServicesError, Settings};
use crate::namespace;
use crate::netlink::conntrack::Flow;
use crate::netlink::nft::{Batch, Element, Value};
use crate::netlink::{NetlinkError, Socket};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};
use tracing::debug;

/// The table in the kernel.
pub(crate) struct Kernel {
    socket: Socket,
    pub(crate) layout: Layout,
    /// The table is there and is what was planned.
    whole: bool,
}

impl Kernel {
    pub(crate) fn open(settings: &Settings) -> Result<Self, ServicesError> {
        let socket = namespace::within(settings.host.as_deref(), || Ok::<_, ServicesError>(Socket::netfilter()?))?;
        Ok(Self { socket, layout: Layout::new(settings), whole: false })
    }

    /// Brings the kernel up to what is planned: by the changes alone, or all of it if it is not known what is there.
    pub(crate) fn apply(&mut self, planner: &mut Planner) -> Result<(), NetlinkError> {
        let result = if self.whole { self.change(&planner.changes()) } else { self.replace(&planner.everything()) };
        self.whole = result.is_ok();
        result
    }

    fn change(&mut self, changes: &Changes) -> Result<(), NetlinkError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new(self.layout.family);
        self.layout.write(&mut batch, changes);
        self.socket.commit(batch)?;
        self.forget(changes)
    }

    /// A new table in place of the old one in one step, so that no packet meets half of it. Callers stay where they were.
    fn replace(&mut self, changes: &Changes) -> Result<(), NetlinkError> {
        let remembered = self.remembered(changes)?;
        let mut batch = Batch::new(self.layout.family);
        self.layout.build(&mut batch);
        self.layout.write(&mut batch, changes);
        for (map, elements) in remembered {
            batch.add_elements(&self.layout.table, map.name(), &elements);
        }
        self.socket.commit(batch)?;
        self.forget_flows(&changes.flows)
    }

    /// What the old table remembers of callers, without those whose endpoint is gone.
    fn remembered(&mut self, changes: &Changes) -> Result<Vec<(Map, Vec<Element>)>, NetlinkError> {
        if !self.socket.tables(self.layout.family)?.contains(&self.layout.table) {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for map in [Map::Affinity, Map::PortAffinity] {
            // A table of another version may have no such map.
            let Ok(elements) = self.socket.elements(self.layout.family, &self.layout.table, map.name()) else {
                continue;
            };
            let live = live_stays(&changes.stays);
            let key_length = self.layout.set(map).key_length as usize;
            let fits = |element: &Element| element.key.len() == key_length && element.timeout.is_some();
            all.push((map, elements.into_iter().filter(|element| fits(element) && is_live(element, &live)).collect()));
        }
        Ok(all)
    }

    fn forget(&mut self, changes: &Changes) -> Result<(), NetlinkError> {
        self.forget_stays(&changes.stays)?;
        self.forget_flows(&changes.flows)
    }

    /// Callers that stayed with an endpoint that is gone choose again.
    fn forget_stays(&mut self, stays: &BTreeMap<Front, BTreeSet<SocketAddr>>) -> Result<(), NetlinkError> {
        let live = live_stays(stays);
        let family = self.layout.family;
        for (map, ports) in [(Map::Affinity, false), (Map::PortAffinity, true)] {
            let fronts: Vec<_> =
                stays.keys().filter(|front| front.address.is_none() == ports).map(Front::key).collect();
            if fronts.is_empty() {
                continue;
            }
            let elements = self.socket.elements(family, &self.layout.table, map.name())?;
            let ours = |element: &Element| fronts.iter().any(|front| element.key.starts_with(front));
            for element in elements.into_iter().filter(|element| ours(element) && !is_live(element, &live)) {
                let mut batch = Batch::new(family);
                batch.delete_elements(&self.layout.table, map.name(), &[Element::member(element.key)]);
                match self.socket.commit(batch) {
                    // It ended by itself meanwhile.
                    Err(error) if error.is(rustix::io::Errno::NOENT) => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// UDP knows no end of a connection: without this, callers would be sent to an endpoint that is gone for ever.
    fn forget_flows(&mut self, fronts: &BTreeMap<Front, BTreeSet<SocketAddr>>) -> Result<(), NetlinkError> {
        if fronts.is_empty() {
            return Ok(());
        }
        let stale = self.socket.udp_flows(self.layout.family, |flow| is_stale(flow, fronts))?;
        if !stale.is_empty() {
            debug!(count = stale.len(), "forgetting connections of UDP to endpoints that are gone");
        }
        self.socket.forget_flows(self.layout.family, &stale)
    }
}

fn is_stale(flow: &Flow, fronts: &BTreeMap<Front, BTreeSet<SocketAddr>>) -> bool {
    let front = |address: Option<IpAddr>| Front { protocol: crate::Protocol::Udp, address, port: flow.to.port() };
    let endpoints = fronts.get(&front(Some(flow.to.ip())));
    // Of a node port, only what was sent on somewhere: somebody else may have the port on another address.
    let endpoints = endpoints.or_else(|| fronts.get(&front(None)).filter(|_| flow.by != flow.to));
    endpoints.is_some_and(|endpoints| !endpoints.contains(&flow.by))
}

fn live_stays(stays: &BTreeMap<Front, BTreeSet<SocketAddr>>) -> HashSet<(Vec<u8>, Vec<u8>)> {
    let pairs =
        stays.iter().flat_map(|(front, endpoints)| endpoints.iter().map(|one| (front.key(), endpoint_bytes(*one))));
    pairs.collect()
}

/// Whether what is remembered of a caller leads to an endpoint that is still there.
fn is_live(element: &Element, live: &HashSet<(Vec<u8>, Vec<u8>)>) -> bool {
    let Some(Value::Bytes(endpoint)) = &element.value else { return false };
    // The caller's address comes last in the key.
    let front = element.key.len().saturating_sub(endpoint.len() - 4);
    live.contains(&(element.key[..front].to_vec(), endpoint.clone()))
}

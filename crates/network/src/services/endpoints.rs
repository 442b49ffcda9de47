//! Which endpoints of a Service connections may go to: the rules of readiness, termination, place and hints. Pure.

use crate::model::{Endpoint, ServicePort, Slice};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Where we are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Here {
    pub(crate) node: String,
    pub(crate) zone: Option<String>,
}

/// The endpoints of one port of a Service that may get connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usable {
    /// From anywhere in the cluster.
    pub(crate) all: Vec<SocketAddr>,
    /// Those on this node.
    pub(crate) here: Vec<SocketAddr>,
    /// Whether there is any endpoint at all that could get connections.
    pub(crate) any: bool,
}

#[derive(Clone, Copy)]
struct Candidate<'a> {
    ready: bool,
    draining: bool,
    here: bool,
    endpoint: &'a Endpoint,
}

/// Chooses among the endpoints in a Service's slices.
pub(crate) fn choose<'a>(slices: impl Iterator<Item = &'a Slice>, port: &ServicePort, here: &Here) -> Usable {
    let candidates = candidates(slices, port, here);
    let near = nearest(&candidates, here);
    Usable {
        all: ready_or_draining(&candidates, |one| near.is_none_or(|near| near.is_ours(one.endpoint, here))),
        here: ready_or_draining(&candidates, |one| one.here),
        any: candidates.values().any(|one| one.ready || one.draining),
    }
}

fn candidates<'a>(
    slices: impl Iterator<Item = &'a Slice>,
    port: &ServicePort,
    here: &Here,
) -> BTreeMap<SocketAddr, Candidate<'a>> {
    let mut candidates: BTreeMap<SocketAddr, Candidate<'a>> = BTreeMap::new();
    let name = port.name.as_deref().unwrap_or_default();
    for slice in slices.filter(|slice| slice.address_type == "IPv4") {
        let fits = slice.ports().filter(|own| own.name.as_deref().unwrap_or_default() == name);
        for number in fits.filter(|own| own.protocol == port.protocol).filter_map(|own| own.port) {
            for endpoint in slice.endpoints() {
                // All addresses of an endpoint are alike; the first one stands for it.
                let Some(address) = endpoint.addresses.first().and_then(|address| address.parse::<IpAddr>().ok())
                else {
                    continue;
                };
                let ready = endpoint.conditions.ready();
                let one = Candidate {
                    ready,
                    draining: endpoint.conditions.serving() && endpoint.conditions.terminating(),
                    here: endpoint.node_name.as_deref() == Some(&here.node),
                    endpoint,
                };
                // While an endpoint moves between slices it is in two; the one that says ready is right.
                candidates
                    .entry(SocketAddr::new(address, number))
                    .and_modify(|known| *known = if known.ready { *known } else { one })
                    .or_insert(one);
            }
        }
    }
    candidates
}

/// Ready endpoints; if none is, those that are ending and still answer.
fn ready_or_draining(
    from: &BTreeMap<SocketAddr, Candidate<'_>>,
    keep: impl Fn(&Candidate<'_>) -> bool,
) -> Vec<SocketAddr> {
    let pick = |wanted: fn(&Candidate<'_>) -> bool| -> Vec<SocketAddr> {
        from.iter().filter(|(_, one)| wanted(one) && keep(one)).map(|(address, _)| *address).collect()
    };
    let ready = pick(|one| one.ready);
    if ready.is_empty() { pick(|one| one.draining) } else { ready }
}

/// By which hints endpoints are ours.
#[derive(Clone, Copy)]
enum Near {
    Node,
    Zone,
}

impl Near {
    fn has_hints(self, endpoint: &Endpoint) -> bool {
        endpoint.hints.as_ref().is_some_and(|hints| match self {
            Self::Node => !hints.for_nodes.is_empty(),
            Self::Zone => !hints.for_zones.is_empty(),
        })
    }

    fn is_ours(self, endpoint: &Endpoint, here: &Here) -> bool {
        endpoint.hints.as_ref().is_some_and(|hints| match self {
            Self::Node => hints.for_nodes.iter().any(|place| place.name == here.node),
            Self::Zone => hints.for_zones.iter().any(|place| Some(&place.name) == here.zone.as_ref()),
        })
    }
}

/// Which hints count: such that every ready endpoint has, and some are ours.
fn nearest(candidates: &BTreeMap<SocketAddr, Candidate<'_>>, here: &Here) -> Option<Near> {
    [Near::Node, Near::Zone].into_iter().find(|near| {
        let ready = || candidates.values().filter(|one| one.ready);
        ready().all(|one| near.has_hints(one.endpoint)) && ready().any(|one| near.is_ours(one.endpoint, here))
    })
}

/// Puts endpoints into an order that differs as little as can be from the order before: who stays keeps its place, who
/// is new fills a gap, and the last ones fill the gaps that are left.
pub(crate) fn settle(before: &[SocketAddr], now: &[SocketAddr]) -> Vec<SocketAddr> {
    use std::collections::HashSet;
    let wanted: HashSet<_> = now.iter().collect();
    let known: HashSet<_> = before.iter().collect();
    let mut places: Vec<Option<SocketAddr>> = before.iter().map(|one| wanted.contains(one).then_some(*one)).collect();
    let mut fresh = now.iter().filter(|one| !known.contains(one)).copied();
    for place in places.iter_mut().filter(|place| place.is_none()) {
        *place = fresh.next();
    }
    places.extend(fresh.map(Some));
    let mut place = 0;
    while place < places.len() {
        if places[place].is_none() {
            let last = places.pop().flatten();
            if place < places.len() {
                places[place] = last;
            }
        } else {
            place += 1;
        }
    }
    places.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 42, 0, last], 80))
    }

    #[track_caller]
    fn check_settle(before: &[u8], now: &[u8], order: &[u8]) {
        let all = |lasts: &[u8]| lasts.iter().map(|last| address(*last)).collect::<Vec<_>>();
        assert_eq!(settle(&all(before), &all(now)), all(order));
    }

    #[test]
    fn order_changes_as_little_as_can_be() {
        check_settle(&[], &[1, 2, 3], &[1, 2, 3]);
        check_settle(&[1, 2, 3], &[1, 2, 3], &[1, 2, 3]);
        check_settle(&[1, 2, 3, 4], &[1, 3, 4], &[1, 4, 3]);
        check_settle(&[1, 2, 3], &[0, 1, 2, 3], &[1, 2, 3, 0]);
        check_settle(&[1, 2, 3], &[1, 3, 9], &[1, 9, 3]);
        check_settle(&[1, 2, 3, 4], &[1], &[1]);
        check_settle(&[1, 2, 3, 4], &[4], &[4]);
        check_settle(&[1, 2], &[], &[]);
    }

    /// Endpoints are written as `LAST:flags`: `r` ready, `s` serving, `t` terminating, `h` here, `n` hinted for this
    /// node, `m` for another node.
    fn check(endpoints: &str, all: &[u8], here: &[u8]) {
        let endpoints: Vec<_> = endpoints.split_whitespace().map(|text| text.split_once(':').unwrap()).collect();
        let endpoints: Vec<_> = endpoints
            .iter()
            .map(|(last, flags)| {
                let mut endpoint = json!({"addresses": [format!("10.42.0.{last}")], "conditions": {
                    "ready": flags.contains('r'), "serving": flags.contains('s'), "terminating": flags.contains('t')}});
                if flags.contains('h') {
                    endpoint["nodeName"] = "us".into();
                }
                if flags.contains(['n', 'm']) {
                    let node = if flags.contains('n') { "us" } else { "them" };
                    endpoint["hints"] = json!({"forNodes": [{"name": node}]});
                }
                endpoint
            })
            .collect();
        let slice = json!({"addressType": "IPv4", "ports": [{"name": "", "port": 80}, {"name": "x", "port": 81}],
            "endpoints": endpoints});
        let slice: Slice = value::from_value(slice).unwrap();
        let port = ServicePort { port: 8080, ..ServicePort::default() };
        let found = choose([&slice].into_iter(), &port, &Here { node: "us".into(), zone: None });
        let expected = |lasts: &[u8]| lasts.iter().map(|last| address(*last)).collect::<Vec<_>>();
        assert_eq!((found.all, found.here), (expected(all), expected(here)), "{endpoints:?}");
    }

    #[test]
    fn ready_ones_first_then_those_that_still_answer() {
        check("1:rs 2:rsh 3:", &[1, 2], &[2]);
        check("1:st 2:rs", &[2], &[]);
        check("1:st 2:t 3:s", &[1], &[]);
        check("1:sth 2:rs", &[2], &[1]);
        check("1: 2:t", &[], &[]);
    }

    #[test]
    fn hints_count_when_all_have_them_and_one_is_ours() {
        check("1:rsn 2:rsm", &[1], &[]);
        check("1:rsn 2:rs", &[1, 2], &[]);
        check("1:rsm 2:rsm", &[1, 2], &[]);
    }
}

//! Links, addresses, routes and neighbours: the messages of rtnetlink that a pod network needs.
//!
//! Functions append to [`Requests`]; the readers at the end list what the kernel has. Order is the caller's.

use super::{ACK, Attributes, CREATE, DUMP, EXCLUSIVE, NetlinkError, REPLACE, Requests, Socket, text_of};
use ipnet::IpNet;
use std::net::IpAddr;

const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const SET_LINK: u16 = 19;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const DELETE_ROUTE: u16 = 25;
const GET_ROUTE: u16 = 26;
const NEW_NEIGHBOUR: u16 = 28;

const IFLA_ADDRESS: u16 = 1;
const IFLA_NAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_INFO: u16 = 18;
const IFLA_ALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_NAMESPACE_FD: u16 = 28;
const UP: u32 = 1;

const RTA_DESTINATION: u16 = 1;
const RTA_LINK: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_SOURCE: u16 = 7;

const MAIN_TABLE: u8 = 254;
const UNICAST: u8 = 1;
const UNREACHABLE: u8 = 7;
const SCOPE_LINK: u8 = 253;
const SCOPE_UNIVERSE: u8 = 0;
/// Marks routes as ours; the number is free in `/etc/iproute2/rt_protos`.
pub(crate) const ORIGIN: u8 = 0x68;

/// The index of `lo` in every network namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// A pair of connected links, one end of which goes into a pod's namespace.
pub(crate) struct Veth<'a> {
    pub(crate) name: &'a str,
    pub(crate) alias: &'a str,
    pub(crate) group: u32,
    pub(crate) mac: Mac,
    pub(crate) pod_name: &'a str,
    pub(crate) pod_mac: Mac,
    pub(crate) pod_namespace: u32,
    pub(crate) mtu: u32,
}

impl Requests {
    /// Makes both ends of a veth.
    pub(crate) fn add_veth(&mut self, veth: &Veth<'_>) {
        self.message("make a veth", NEW_LINK, CREATE | EXCLUSIVE | ACK, |out| {
            out.link_header(0, 0, 0);
            out.text(IFLA_NAME, veth.name);
            out.text(IFLA_ALIAS, veth.alias);
            out.number(IFLA_MTU, veth.mtu);
            out.number(IFLA_GROUP, veth.group);
            out.bytes(IFLA_ADDRESS, &veth.mac);
            out.nest(IFLA_INFO, |out| {
                out.text(1, "veth");
                out.nest(2, |out| {
                    out.nest(1, |out| {
                        out.link_header(0, 0, 0);
                        out.text(IFLA_NAME, veth.pod_name);
                        out.number(IFLA_MTU, veth.mtu);
                        out.bytes(IFLA_ADDRESS, &veth.pod_mac);
                        out.number(IFLA_NAMESPACE_FD, veth.pod_namespace);
                    });
                });
            });
        });
    }

    /// Makes a bridge that nothing will ever be plugged into: a link of its own to hold addresses and routes.
    pub(crate) fn add_bridge(&mut self, name: &str, alias: &str) {
        self.message("make a link for the cluster's addresses", NEW_LINK, CREATE | EXCLUSIVE | ACK, |out| {
            out.link_header(0, 0, 0);
            out.text(IFLA_NAME, name);
            out.text(IFLA_ALIAS, alias);
            out.nest(IFLA_INFO, |out| out.text(1, "bridge"));
        });
    }

    /// Lets a link forward, refuse packets from the wrong side, and take answers for the machine's own 127.0.0.1.
    pub(crate) fn shape_link(&mut self, index: u32) {
        const FORWARDING: u16 = 1;
        const ACCEPT_REDIRECTS: u16 = 4;
        const SEND_REDIRECTS: u16 = 6;
        const RP_FILTER: u16 = 8;
        const ROUTE_LOCALNET: u16 = 26;
        self.message("set a link's properties", SET_LINK, ACK, |out| {
            out.link_header(index, 0, 0);
            out.nest(IFLA_AF_SPEC, |out| {
                out.nest(2, |out| {
                    out.nest(1, |out| {
                        out.number(FORWARDING, 1);
                        out.number(ACCEPT_REDIRECTS, 0);
                        out.number(SEND_REDIRECTS, 0);
                        out.number(RP_FILTER, 1);
                        out.number(ROUTE_LOCALNET, 1);
                    });
                });
            });
        });
    }

    /// Gives a link no IPv6 address of its own making. Machines without IPv6 refuse, which does no harm.
    pub(crate) fn no_link_local(&mut self, index: u32) {
        self.message("keep a link from making IPv6 addresses", SET_LINK, ACK, |out| {
            out.link_header(index, 0, 0);
            out.nest(IFLA_AF_SPEC, |out| out.nest(10, |out| out.bytes(8, &[1])));
        });
    }

    pub(crate) fn set_up(&mut self, index: u32) {
        self.message("set a link up", SET_LINK, ACK, |out| out.link_header(index, UP, UP));
    }

    pub(crate) fn delete_link(&mut self, name: &str) {
        self.message("delete a link", DELETE_LINK, ACK, |out| {
            out.link_header(0, 0, 0);
            out.text(IFLA_NAME, name);
        });
    }

    /// Puts a link into a group.
    pub(crate) fn move_link(&mut self, name: &str, group: u32) {
        self.message("put a link into a group", SET_LINK, ACK, |out| {
            out.link_header(0, 0, 0);
            out.text(IFLA_NAME, name);
            out.number(IFLA_GROUP, group);
        });
    }

    /// Deletes all links of a group in one go, which is much quicker than one by one.
    pub(crate) fn delete_group(&mut self, group: u32) {
        self.message("delete a group of links", DELETE_LINK, ACK, |out| {
            out.link_header(0, 0, 0);
            out.number(IFLA_GROUP, group);
        });
    }

    pub(crate) fn add_address(&mut self, link: u32, address: IpAddr) {
        self.message("give a link an address", NEW_ADDRESS, CREATE | REPLACE | ACK, |out| out.address(link, address));
    }

    fn address(&mut self, link: u32, address: IpAddr) {
        self.raw(&[family(address), bits(address), 0, SCOPE_UNIVERSE]);
        self.raw(&link.to_ne_bytes());
        self.ip(2, address);
        self.ip(1, address);
    }

    /// A route to a network, through a gateway or straight onto the link.
    pub(crate) fn add_route(&mut self, to: IpNet, link: u32, gateway: Option<IpAddr>, source: Option<IpAddr>) {
        self.message("add a route", NEW_ROUTE, CREATE | REPLACE | ACK, |out| out.route(to, link, gateway, source));
    }

    /// Says of a whole network that nothing of it is reachable, but for what has routes of its own.
    pub(crate) fn add_unreachable(&mut self, network: IpNet) {
        self.message("add a route", NEW_ROUTE, CREATE | REPLACE | ACK, |out| out.unreachable(network));
    }

    pub(crate) fn delete_unreachable(&mut self, network: IpNet) {
        self.message("delete a route", DELETE_ROUTE, ACK, |out| out.unreachable(network));
    }

    fn unreachable(&mut self, network: IpNet) {
        let length = network.prefix_len();
        self.raw(&[family(network.addr()), length, 0, 0, MAIN_TABLE, ORIGIN, 0, UNREACHABLE, 0, 0, 0, 0]);
        self.ip(RTA_DESTINATION, network.network());
    }

    fn route(&mut self, to: IpNet, link: u32, gateway: Option<IpAddr>, source: Option<IpAddr>) {
        let scope = if gateway.is_some() { SCOPE_UNIVERSE } else { SCOPE_LINK };
        self.raw(&[family(to.addr()), to.prefix_len(), 0, 0, MAIN_TABLE, ORIGIN, scope, UNICAST, 0, 0, 0, 0]);
        if to.prefix_len() > 0 {
            self.ip(RTA_DESTINATION, to.network());
        }
        self.number(RTA_LINK, link);
        if let Some(gateway) = gateway {
            self.ip(RTA_GATEWAY, gateway);
        }
        if let Some(source) = source {
            self.ip(RTA_SOURCE, source);
        }
    }

    /// Tells a link for ever which hardware address a neighbour has, so that nobody asks.
    pub(crate) fn add_neighbour(&mut self, link: u32, address: IpAddr, mac: Mac) {
        const PERMANENT: u16 = 0x80;
        self.message("add a neighbour", NEW_NEIGHBOUR, CREATE | REPLACE | ACK, |out| {
            out.raw(&[family(address), 0, 0, 0]);
            out.raw(&link.to_ne_bytes());
            out.raw(&PERMANENT.to_ne_bytes());
            out.raw(&[0, 0]);
            out.ip(1, address);
            out.bytes(2, &mac);
        });
    }

    fn link_header(&mut self, index: u32, flags: u32, change: u32) {
        self.raw(&[0; 4]);
        self.raw(&index.to_ne_bytes());
        self.raw(&flags.to_ne_bytes());
        self.raw(&change.to_ne_bytes());
    }

    fn ip(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.bytes(kind, &address.octets()),
            IpAddr::V6(address) => self.bytes(kind, &address.octets()),
        }
    }
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { 2 } else { 10 }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

// === What the kernel has ===

/// A link of this network namespace.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) mtu: u32,
    pub(crate) up: bool,
    pub(crate) loopback: bool,
}

impl Socket {
    pub(crate) fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list links", GET_LINK, DUMP, |out| out.link_header(0, 0, 0));
        let mut links = Vec::new();
        self.ask(&requests, |_, payload| links.extend(link_of(payload)))?;
        Ok(links)
    }

    /// Whether, since this was last asked, any link changed that `matters`.
    pub(crate) fn links_changed(&mut self, matters: impl Fn(&Link) -> bool) -> bool {
        let mut changed = false;
        let told = self.told(|payload| changed |= link_of(payload).is_some_and(|link| matters(&link)));
        changed || told.is_err()
    }

    /// The link of a name, if there is one.
    pub(crate) fn link(&mut self, name: &str) -> Result<Option<Link>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("find a link", GET_LINK, 0, |out| {
            out.link_header(0, 0, 0);
            out.text(IFLA_NAME, name);
        });
        let mut link = None;
        match self.ask(&requests, |_, payload| link = link_of(payload)) {
            Err(error) if error.is(rustix::io::Errno::NODEV) => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(link),
        }
    }

    /// The networks that this namespace has routes to, each with the link and who made it.
    pub(crate) fn routes(&mut self) -> Result<Vec<Route>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list routes", GET_ROUTE, DUMP, |out| out.raw(&[0; 12]));
        let mut routes = Vec::new();
        self.ask(&requests, |_, payload| routes.extend(route_of(payload)))?;
        Ok(routes)
    }
}

/// A route of the main table.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) to: IpNet,
    pub(crate) link: u32,
}

fn link_of(payload: &[u8]) -> Option<Link> {
    let index = u32::from_ne_bytes(payload.get(4..8)?.try_into().ok()?);
    let flags = u32::from_ne_bytes(payload.get(8..12)?.try_into().ok()?);
    let attributes = payload.get(16..)?;
    let mtu = Attributes(attributes).get(IFLA_MTU).and_then(word).unwrap_or(1500);
    let name = text_of(Attributes(attributes).get(IFLA_NAME)?);
    Some(Link { index, name, mtu, up: flags & UP != 0, loopback: flags & 0x8 != 0 })
}

fn route_of(payload: &[u8]) -> Option<Route> {
    let header = payload.get(..12)?;
    let (length, table, kind) = (header[1], header[4], header[7]);
    if table != MAIN_TABLE || !matches!(kind, UNICAST | 6..=8) {
        return None;
    }
    let attributes = &payload[12..];
    let to = match Attributes(attributes).get(RTA_DESTINATION) {
        Some(bytes) => ip_of(bytes)?,
        None if header[0] == 2 => IpAddr::from([0; 4]),
        None => IpAddr::from([0; 16]),
    };
    let link = Attributes(attributes).get(RTA_LINK).and_then(word).unwrap_or(0);
    Some(Route { to: IpNet::new(to, length).ok()?, link })
}

fn ip_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
}

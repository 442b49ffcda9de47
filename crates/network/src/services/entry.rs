//! The vocabulary of Services in nftables: which maps there are, what stands in them, and the chains they lead to.
//!
//! Values only. How maps and chains are written down for the kernel is in [`super::layout`].

use crate::Protocol;
use crate::netlink::expr::octets;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// A map or set of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Map {
    /// `protocol . address . port : verdict`
    Services,
    /// `protocol . port : verdict`
    NodePorts,
    /// `protocol . address . port . index : address . port`
    Endpoints,
    /// Those on this node alone, for callers from outside of Services that want that.
    LocalEndpoints,
    /// `protocol . port . index : address . port`
    PortEndpoints,
    /// Those on this node alone.
    LocalPortEndpoints,
    /// `protocol . address . port : verdict`, for Services that nobody is behind.
    NoEndpoints,
    /// `protocol . port : verdict`, for node ports that nobody is behind.
    NoPortEndpoints,
    /// `protocol . address . port : verdict`, for Services that take only certain callers.
    Firewall,
    /// `protocol . address . port : verdict`, for Services whose callers are remembered.
    Stays,
    /// `protocol . port : verdict`, for node ports whose callers are remembered.
    PortStays,
    /// Addresses of Services inside the cluster.
    ClusterIps,
    /// `protocol . address . port . caller : address . port`, filled by rules.
    Affinity,
    /// `protocol . port . caller : address . port`, filled by rules.
    PortAffinity,
}

impl Map {
    pub(crate) const ALL: [Self; 14] = [
        Self::Services,
        Self::NodePorts,
        Self::Endpoints,
        Self::LocalEndpoints,
        Self::PortEndpoints,
        Self::LocalPortEndpoints,
        Self::NoEndpoints,
        Self::NoPortEndpoints,
        Self::Firewall,
        Self::Stays,
        Self::PortStays,
        Self::ClusterIps,
        Self::Affinity,
        Self::PortAffinity,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::NodePorts => "nodeports",
            Self::Endpoints => "endpoints",
            Self::LocalEndpoints => "local-endpoints",
            Self::PortEndpoints => "port-endpoints",
            Self::LocalPortEndpoints => "local-port-endpoints",
            Self::NoEndpoints => "no-endpoints",
            Self::NoPortEndpoints => "no-port-endpoints",
            Self::Firewall => "firewall",
            Self::Stays => "stays",
            Self::PortStays => "port-stays",
            Self::ClusterIps => "cluster-ips",
            Self::Affinity => "affinity",
            Self::PortAffinity => "port-affinity",
        }
    }
}

/// What callers address: an address and port of a Service, or a port of any address of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Front {
    pub(crate) protocol: Protocol,
    /// Without one it is a node port.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

impl Front {
    pub(crate) fn key(&self) -> Vec<u8> {
        let mut key = vec![self.protocol.number(), 0, 0, 0];
        key.extend(self.address.map(octets).unwrap_or_default());
        key.extend(port_bytes(self.port));
        key
    }

    /// The key of the endpoint with this index.
    pub(crate) fn indexed(&self, index: u32) -> Vec<u8> {
        let mut key = self.key();
        key.extend(index.to_ne_bytes());
        key
    }

    pub(crate) fn front_map(&self) -> Map {
        if self.address.is_some() { Map::Services } else { Map::NodePorts }
    }

    pub(crate) fn endpoint_map(&self, local: bool) -> Map {
        match (self.address.is_some(), local) {
            (true, false) => Map::Endpoints,
            (true, true) => Map::LocalEndpoints,
            (false, false) => Map::PortEndpoints,
            (false, true) => Map::LocalPortEndpoints,
        }
    }

    pub(crate) fn empty_map(&self) -> Map {
        if self.address.is_some() { Map::NoEndpoints } else { Map::NoPortEndpoints }
    }

    pub(crate) fn stay_map(&self) -> Map {
        if self.address.is_some() { Map::Stays } else { Map::PortStays }
    }
}

/// A port as part of a tuple.
pub(crate) fn port_bytes(port: u16) -> [u8; 4] {
    let [high, low] = port.to_be_bytes();
    [high, low, 0, 0]
}

/// An endpoint as the value of a map.
pub(crate) fn endpoint_bytes(endpoint: SocketAddr) -> Vec<u8> {
    [octets(endpoint.ip()), port_bytes(endpoint.port()).to_vec()].concat()
}

/// What stands in a map under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A member of a set.
    Member,
    /// Where to send a connection.
    Endpoint(SocketAddr),
    /// Choose among endpoints.
    Balance(Balancer),
    /// See whether the caller may.
    Guard(Firewall),
    /// Remember where the caller went.
    Stay(Stay),
    /// Tell the caller that nobody is there.
    Reject,
    /// Say nothing.
    Drop,
}

impl Entry {
    /// The chain that it leads to.
    pub(crate) fn chain(&self) -> Option<Chain> {
        match self {
            Self::Balance(balancer) => Some(Chain::Balancer(*balancer)),
            Self::Guard(firewall) => Some(Chain::Firewall(firewall.clone())),
            Self::Stay(stay) => Some(Chain::Stay(*stay)),
            _ => None,
        }
    }
}

/// A chain that many Services share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Chain {
    Balancer(Balancer),
    Firewall(Firewall),
    Stay(Stay),
}

/// Sends connections to one of so many endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Balancer {
    /// The node's ports, not addresses of Services.
    pub(crate) ports: bool,
    pub(crate) reach: Reach,
    /// Callers go where they went before.
    pub(crate) stay: bool,
}

/// Remembers callers for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Stay {
    /// Of node ports, not of addresses of Services.
    pub(crate) ports: bool,
    pub(crate) seconds: u32,
}

impl Stay {
    fn name(self) -> String {
        format!("{}-stay-{}", if self.ports { "port" } else { "vip" }, self.seconds)
    }
}

/// Among which endpoints, and as whom the caller appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Among all; callers keep their address.
    Plain(u32),
    /// Among all; the caller appears as the node, so that answers come back through it.
    Masked(u32),
    /// Callers inside the cluster among all, callers outside only among those on this node.
    Local {
        /// How many there are.
        all: u32,
        /// How many of them are here.
        here: u32,
    },
}

impl Chain {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Balancer(balancer) => balancer.name(),
            Self::Firewall(firewall) => firewall.name(),
            Self::Stay(stay) => stay.name(),
        }
    }

    /// Chains that its rules go to.
    pub(crate) fn needs(&self) -> Vec<Self> {
        match self {
            Self::Balancer(balancer @ Balancer { reach: Reach::Local { all, .. }, .. }) => {
                let with = |reach| Self::Balancer(Balancer { reach, ..*balancer });
                vec![with(Reach::Plain(*all)), with(Reach::Masked(*all))]
            }
            _ => Vec::new(),
        }
    }
}

impl Balancer {
    fn name(&self) -> String {
        let front = if self.ports { "port" } else { "vip" };
        let stay = if self.stay { "-stay" } else { "" };
        match self.reach {
            Reach::Plain(all) => format!("{front}-{all}{stay}"),
            Reach::Masked(all) => format!("{front}-masked-{all}{stay}"),
            Reach::Local { all, here } => format!("{front}-local-{all}-{here}{stay}"),
        }
    }
}

/// Lets only callers from these networks pass. Sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Firewall(pub(crate) Vec<IpNet>);

impl Firewall {
    fn name(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut digest = Sha256::new();
        for network in &self.0 {
            digest.update(network.to_string());
            digest.update(",");
        }
        let digest = digest.finalize();
        format!("from-{}", digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

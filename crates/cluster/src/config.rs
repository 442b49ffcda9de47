//! What a server is told: plain values, from flags and a file, checked once.

pub(crate) mod flags;
pub mod guard;
mod network;
mod settings;

pub use guard::Guard;
pub use network::{Cidr, CidrError};
pub use settings::{Settings, SettingsError};

use crate::place::Place;
use controllers::ApiAddress;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

/// Where a server keeps its data if nobody says otherwise: where the cluster of the usual name does.
pub const DATA_DIR: &str = "/var/lib/hakata/hakata";

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster's name and folders.
    pub place: Place,
    /// Whether this server is also a node, and how.
    pub node: Option<NodeConfig>,
    /// Where everything that outlives the process lies.
    pub data_dir: PathBuf,
    /// Where the API is served. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// What the user left open: then the server takes what it had before, or the first that is free.
    pub open: Open,
    /// Where the administrator's kubeconfig is written, if anywhere.
    pub write_kubeconfig: Option<PathBuf>,
    /// Further host names under which clients know the server.
    pub tls_names: Vec<String>,
    /// Addresses of pods.
    pub cluster_cidr: Cidr,
    /// Addresses of Services.
    pub service_cidr: Cidr,
    /// A file of tokens that never change, with their users.
    pub token_auth_file: Option<PathBuf>,
    /// How the API server guards itself.
    pub guard: Guard,
    /// Whether pods are placed on nodes.
    pub scheduler: bool,
    /// Whether what nodes and pods use is served (`metrics.k8s.io`).
    pub metrics: bool,
    /// By which of a node's addresses it is reached: types (`InternalIP`, …), the best first.
    pub kubelet_preferred_address_types: Vec<String>,
    /// The machine's address as pods see it, once there is a pod network.
    pub gateway: Option<IpAddr>,
    /// How long requests under way may take when the server is told to stop.
    pub grace: Duration,
}

/// What the user left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The API's port.
    pub port: bool,
    /// The ranges of pods and Services.
    pub ranges: bool,
}

/// How a server is a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// The node's name.
    pub name: String,
}

impl Config {
    /// A server on the local machine alone.
    pub fn new(data_dir: PathBuf) -> Config {
        Config {
            place: Place::of_data(&data_dir),
            node: None,
            data_dir,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6443),
            open: Open::default(),
            write_kubeconfig: None,
            tls_names: Vec::new(),
            cluster_cidr: Cidr::new(Ipv4Addr::new(10, 42, 0, 0), 16),
            service_cidr: Cidr::new(Ipv4Addr::new(10, 43, 0, 0), 16),
            token_auth_file: None,
            guard: Guard::default(),
            gateway: None,
            scheduler: true,
            metrics: true,
            kubelet_preferred_address_types: ["InternalIP", "ExternalIP", "Hostname"].map(str::to_owned).to_vec(),
            grace: Duration::from_secs(10),
        }
    }

    /// Where pods find the API server.
    pub fn api_address(&self) -> ApiAddress {
        ApiAddress { service: self.service_cidr.nth(1), advertised: self.advertised(), port: self.listen.port() }
    }

    /// Where the API has to be served besides, so that pods reach it; `None` if they reach it anyway or there are none.
    pub fn pods_reach(&self) -> Option<SocketAddr> {
        let gateway = self.gateway?;
        (!self.listen.ip().is_unspecified()).then(|| SocketAddr::new(gateway, self.listen.port()))
    }

    /// An address under which others reach this machine; `None` if only this machine reaches the server.
    fn advertised(&self) -> Option<IpAddr> {
        let listen = self.listen.ip();
        if self.gateway.is_some() {
            return self.gateway;
        }
        if listen.is_loopback() {
            return None;
        }
        if !listen.is_unspecified() {
            return Some(listen);
        }
        outward()
    }

    /// The address of the Service `kubernetes`: the first of the range.
    pub fn kubernetes_address(&self) -> IpAddr {
        IpAddr::V4(self.service_cidr.nth(1))
    }
}

/// The address from which this machine speaks with others, if it has a way to them.
pub(crate) fn outward() -> Option<IpAddr> {
    // Connecting a datagram socket sends nothing; it asks the kernel which address it would send from.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

//! What a server is told: plain values, from flags and a file, checked once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything that outlives the process lies.
    pub data_dir: PathBuf,
    /// Where the API is served. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where the administrator's kubeconfig is written, if anywhere.
    pub write_kubeconfig: Option<PathBuf>,
    /// Further host names under which clients know the server.
    pub tls_names: Vec<String>,
    /// Addresses of Services.
    pub service_cidr: (Ipv4Addr, u8),
    /// How long requests under way may take when the server is told to stop.
    pub grace: Duration,
}

impl Config {
    /// A server on the local machine alone.
    pub fn new(data_dir: PathBuf) -> Config {
        Config {
            data_dir,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6443),
            write_kubeconfig: None,
            tls_names: Vec::new(),
            service_cidr: (Ipv4Addr::new(10, 43, 0, 0), 16),
            grace: Duration::from_secs(10),
        }
    }

    /// The address of the Service `kubernetes`: the first of the range.
    pub fn kubernetes_address(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(u32::from(self.service_cidr.0) + 1))
    }
}

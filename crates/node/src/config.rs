//! What the node is told when it starts.

use crate::core::resources::Amounts;
use k8s_openapi::api::core::v1::Taint;
use rustls::server::ResolvesServerCert;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of the Node object.
    pub name: String,
    /// The cluster that it belongs to; a part of every name that the whole machine sees.
    pub cluster: String,
    /// Lasting files: `pods/` and `logs/` come to lie in it.
    pub data: PathBuf,
    /// Labels beside those that every node has.
    pub labels: BTreeMap<String, String>,
    /// Taints that the node registers with.
    pub taints: Vec<Taint>,
    /// The addresses of the node; found out if there are none.
    pub addresses: Vec<IpAddr>,
    /// The range of the pods' addresses.
    pub pod_cidr: String,
    /// The name servers of the cluster.
    pub cluster_dns: Vec<IpAddr>,
    /// The domain of the cluster.
    pub cluster_domain: String,
    /// How many pods may run.
    pub max_pods: u32,
    /// What is kept back for the system and the cluster.
    pub reserved: Amounts,
    /// The resolver's file of the host.
    pub resolv_conf: PathBuf,
    /// A folder with manifests of static pods.
    pub static_pods: Option<PathBuf>,
    /// Whether containers that name no seccomp profile get the usual one.
    pub seccomp_default: bool,
    /// Runtime handlers beside the built-in one.
    pub handlers: Vec<String>,
    /// Where the HTTPS server listens; port 0 is any. Without one there is none.
    pub server: Option<Serving>,
}

/// The HTTPS server of a node.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Where to listen. If the port is taken, the next free one is.
    pub listen: SocketAddr,
    /// The certificate of the server.
    pub certificate: Arc<dyn ResolvesServerCert>,
    /// Certificates, as PEM, of the authorities whose clients are believed.
    pub client_authorities: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: "localhost".to_owned(),
            cluster: "hakata".to_owned(),
            data: PathBuf::from("/var/lib/hakata/hakata"),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            addresses: Vec::new(),
            pod_cidr: String::new(),
            cluster_dns: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            max_pods: 110,
            reserved: Amounts::new(),
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            static_pods: None,
            seccomp_default: false,
            handlers: Vec::new(),
            server: None,
        }
    }
}

impl Config {
    /// The files of a pod.
    pub(crate) fn pod_folder(&self, uid: &str) -> PathBuf {
        self.data.join("pods").join(uid)
    }

    /// The logs of all pods.
    pub(crate) fn logs(&self) -> PathBuf {
        self.data.join("logs").join("pods")
    }

    /// Seccomp profiles that pods may name.
    pub(crate) fn seccomp(&self) -> PathBuf {
        self.data.join("seccomp")
    }
}

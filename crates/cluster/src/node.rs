//! This server as a node: the pod network, the container runtime and the node agent over them, wired together.
//!
//! [`Ground`] is what pods stand on. It is opened before the API is served, since pods reach the API at an address that
//! the pod network makes; the rest starts when the API answers.

use crate::background::Background;
use crate::config::{Config, outward};
use crate::inprocess;
use crate::pki::Pki;
use crate::place::Place;
use crate::pressure_metrics;
use apiserver::server::ApiServer;
use container::registries::{self, Registries};
use container::{Runtime, config::installed_handlers};
use informer::Informers;
use ipnet::IpNet;
use network::PodNetwork;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// Where the node's own HTTPS server listens, if the port is free.
const KUBELET_PORT: u16 = 10250;

/// Why this machine cannot be a node.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// There is no pod network.
    #[error("cannot set up the pod network")]
    Network(#[from] network::PodNetworkError),
    /// There is no container runtime.
    #[error("cannot set up the container runtime")]
    Runtime(#[from] container::Error),
    /// The file that says where images come from cannot be used.
    #[error(transparent)]
    Registries(#[from] registries::RegistriesError),
    /// Our own program cannot be found, which containers are started with.
    #[error("cannot find this program's own file")]
    Program(#[source] io::Error),
}

/// What pods stand on.
pub(crate) struct Ground {
    network: PodNetwork,
    runtime: Runtime,
}

/// What the parts of a node are made of.
pub(crate) struct Parts<'a> {
    pub(crate) server: ApiServer,
    pub(crate) informers: &'a Informers,
    pub(crate) config: &'a Config,
    pub(crate) pki: &'a Arc<Pki>,
    pub(crate) tasks: &'a Background,
    /// Ends them.
    pub(crate) stop: &'a CancellationToken,
}

impl Ground {
    /// Sets up the network and the runtime, and adopts the pods that are there.
    pub(crate) async fn open(place: &Place, pods: IpNet, services: IpNet) -> Result<Ground, GroundError> {
        Ground::over(place, pods, services, Registries::load(registries::FILE.as_ref())?).await
    }

    /// What a cluster that does not run has left. A file about registries that cannot be used is no reason to keep it.
    pub(crate) async fn left(place: &Place, pods: IpNet, services: IpNet) -> Result<Ground, GroundError> {
        Ground::over(place, pods, services, Registries::default()).await
    }

    async fn over(place: &Place, pods: IpNet, services: IpNet, registries: Registries) -> Result<Ground, GroundError> {
        let executable = std::env::current_exe().map_err(GroundError::Program)?;
        let network = PodNetwork::open(network::Config {
            cluster: place.name().to_owned(),
            pod_cidr: pods,
            service_cidr: services,
            run: place.run().to_owned(),
            host: None,
        });
        let runtime = Runtime::open(container::Config {
            cluster: place.name().to_owned(),
            data: place.data().to_owned(),
            run: place.run().to_owned(),
            executable,
            registries,
            handlers: installed_handlers(),
        });
        let (network, runtime) = tokio::join!(network, runtime);
        Ok(Ground { network: network?, runtime: runtime? })
    }

    /// The machine's address as pods see it.
    pub(crate) fn gateway(&self) -> IpAddr {
        self.network.gateway()
    }

    /// Removes every pod and all that was made for them. How many there were.
    pub(crate) async fn remove_all(self) -> Result<usize, GroundError> {
        let pods = self.runtime.pods().len();
        self.runtime.remove_all().await?;
        self.network.remove_all().await?;
        Ok(pods)
    }

    /// Starts what makes a node of it, as tasks that end with `stop`.
    pub(crate) fn start(self, parts: Parts<'_>) {
        let Parts { server, informers, config, pki, tasks, stop } = parts;
        let Some(wanted) = &config.node else { return };
        let (network, system) = (self.network, inprocess::client(server.clone(), "system:kube-proxy"));
        let address = address(network.gateway());
        let services = network::services::Settings {
            cluster: config.place.name().to_owned(),
            pod_cidr: network.config().pod_cidr,
            service_cidr: network.config().service_cidr,
            node_name: wanted.name.clone(),
            zone: None,
            node_address: Some(address),
            host: None,
        };
        let dns = network::dns::Settings::for_network(network.config());
        start(tasks, "serve DNS", network::dns::run(system.clone(), dns, stop.clone()));
        let policies = network::policies::Settings::for_network(network.config());
        start(tasks, "enforce NetworkPolicies", network::policies::run(system.clone(), policies, stop.clone()));
        let metrics = inprocess::client(server.clone(), "system:serviceaccount:kube-system:hakata-pressure");
        let metrics = pressure_metrics::run(metrics, pki.clone(), address, stop.clone());
        if config.metrics {
            start(tasks, "serve custom metrics", metrics);
        }
        let running = network::services::run(system, services, stop.clone());
        start(tasks, "serve Services", running);
        let local = node::local_path::Settings { node: wanted.name.clone(), folder: config.data_dir.join("volumes") };
        let provisioning = node::local_path::run(informers.clone(), local);
        let ends = stop.clone();
        tasks.spawn("provide local volumes", async move {
            ends.run_until_cancelled(provisioning).await;
        });
        let manifests = config.data_dir.join("manifests");
        if let Err(error) = std::fs::create_dir_all(&manifests) {
            warn!(%error, folder = %manifests.display(), "cannot make the folder of static pods");
        }
        let node = node::Config {
            name: wanted.name.clone(),
            cluster: config.place.name().to_owned(),
            data: config.data_dir.clone(),
            addresses: vec![address],
            pod_cidr: network.config().pod_cidr.to_string(),
            cluster_dns: vec![network.dns()],
            static_pods: Some(manifests),
            handlers: installed_handlers().into_keys().collect(),
            server: Some(node::Serving {
                listen: SocketAddr::new(address, KUBELET_PORT),
                certificate: pki.server_certificate(),
                client_authorities: pki.ca_bundle(),
            }),
            ..node::Config::default()
        };
        let client = inprocess::node_client(server, &wanted.name);
        start(tasks, "run the node", node::run(client, self.runtime, network, node, stop.clone()));
    }
}

/// Starts a part, and says why if it ends early. The others go on: a node that cannot serve Services still runs pods.
fn start<F, E>(tasks: &Background, what: &'static str, running: F)
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::error::Error + Send + 'static,
{
    tasks.spawn(what, async move {
        if let Err(failure) = running.await {
            error!(error = &failure as &dyn std::error::Error, "cannot {what}");
        }
    });
}

/// The address under which other machines reach this one; the one that pods know if there is no network.
pub(crate) fn address(gateway: IpAddr) -> IpAddr {
    outward().filter(|address| !address.is_loopback()).unwrap_or(gateway)
}

//! Services in nftables: what kube-proxy does, by netlink alone and in proportion to what changed.
//!
//! [`run`] follows Services and EndpointSlices. The way from there into the kernel:
//!
//! - [`endpoints`] decides which endpoints may get connections, [`plan`] what one Service needs in the maps,
//! - [`planner`] keeps all Services and gives the least that has to change; up to here all is pure,
//! - [`entry`] is the vocabulary of maps and chains, [`layout`] writes it for the kernel,
//! - [`kernel`] commits, and makes the kernel forget connections that became stale.
//!
//! Beside that, [`health`] answers health checks of load balancers and [`load_balancer`] gives them the node's address.

mod endpoints;
mod entry;
mod health;
mod kernel;
mod layout;
mod load_balancer;
mod plan;
mod planner;

pub(crate) use entry::port_bytes;

use crate::follow::{Event, SERVICES, SLICES, follow};
use crate::model::{Service, Slice};
use crate::namespace::NamespaceError;
use crate::netlink::NetlinkError;
use endpoints::Here;
use health::Health;
use ipnet::IpNet;
use kernel::Kernel;
use kube::Client;
use load_balancer::LoadBalancers;
use planner::Planner;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Pause after the kernel refused something, before all is written anew.
const PAUSE: Duration = Duration::from_secs(2);
/// Events that are taken together at most, so that a flood cannot put off the kernel for ever.
const ROUND: usize = 4096;

/// What Services are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's name.
    pub cluster: String,
    /// Addresses of pods, as for [`crate::PodNetwork`].
    pub pod_cidr: IpNet,
    /// Addresses of Services.
    pub service_cidr: IpNet,
    /// The name of this node: endpoints with it are local.
    pub node_name: String,
    /// The zone of this node, for endpoints with hints.
    pub zone: Option<String>,
    /// The address that Services of type LoadBalancer get. Without one they get none.
    pub node_address: Option<IpAddr>,
    /// The network namespace that counts as the machine's; without it, that of this process.
    pub host: Option<PathBuf>,
}

impl Settings {
    /// How Services usually are, for a pod network.
    #[must_use]
    pub fn for_network(config: &crate::Config, node_name: &str, node_address: Option<IpAddr>) -> Self {
        Self {
            cluster: config.cluster.clone(),
            pod_cidr: config.pod_cidr,
            service_cidr: config.service_cidr,
            node_name: node_name.to_owned(),
            zone: None,
            node_address,
            host: config.host.clone(),
        }
    }
}

/// Services could not be served at all.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    /// The kernel said no.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
}

/// The Services of one cluster in the kernel, without the API server: told one by one, written on demand.
///
/// [`run`] is this with a watch around it.
pub struct Table {
    kernel: Kernel,
    planner: Planner,
}

impl Table {
    /// Nothing is written before the first [`Table::commit`], which replaces whatever is there.
    pub fn open(settings: &Settings) -> Result<Self, ServicesError> {
        let here = Here { node: settings.node_name.clone(), zone: settings.zone.clone() };
        Ok(Self { kernel: Kernel::open(settings)?, planner: Planner::new(here) })
    }

    /// Takes note of a Service as the API server writes it.
    pub fn put_service(&mut self, service: value::Value) -> Result<(), serde_json::Error> {
        self.planner.put_service(value::from_value(service)?);
        Ok(())
    }

    /// Takes note of an EndpointSlice as the API server writes it.
    pub fn put_slice(&mut self, slice: value::Value) -> Result<(), serde_json::Error> {
        self.planner.put_slice(value::from_value(slice)?);
        Ok(())
    }

    /// Brings the kernel up to all that was noted, in one step.
    pub fn commit(&mut self) -> Result<(), ServicesError> {
        Ok(self.kernel.apply(&mut self.planner)?)
    }
}

enum Cause {
    Service(Box<Event<Service>>),
    Slice(Event<Slice>),
}

/// Keeps the kernel's table as the cluster's Services are, until stopped. The table stays, so that connections work on
/// while nobody is there to change it; [`crate::PodNetwork::remove_all`] takes it away.
pub async fn run(client: Client, settings: Settings, stop: CancellationToken) -> Result<(), ServicesError> {
    let table = Table::open(&settings)?;
    let (services_tx, services_rx) = mpsc::channel(1024);
    let (slices_tx, slices_rx) = mpsc::channel(1024);
    let proxy = Proxy::new(client.clone(), settings, table);
    let work = async {
        tokio::join!(
            follow::<Service>(client.clone(), SERVICES, services_tx),
            follow::<Slice>(client.clone(), SLICES, slices_tx),
            proxy.run(services_rx, slices_rx),
        )
    };
    stop.run_until_cancelled(work).await;
    Ok(())
}

struct Proxy {
    client: Client,
    settings: Settings,
    /// Away while it writes.
    table: Option<Table>,
    health: Health,
    balancers: LoadBalancers,
    balancers_changed: bool,
    unsynced: [bool; 2],
}

impl Proxy {
    fn new(client: Client, settings: Settings, table: Table) -> Self {
        Self {
            client,
            table: Some(table),
            health: Health::new(settings.clone()),
            balancers: LoadBalancers::default(),
            balancers_changed: false,
            unsynced: [true, true],
            settings,
        }
    }

    async fn run(mut self, mut services: mpsc::Receiver<Event<Service>>, mut slices: mpsc::Receiver<Event<Slice>>) {
        let mut retry = false;
        loop {
            let cause = tokio::select! {
                Some(event) = services.recv() => Some(Cause::Service(Box::new(event))),
                Some(event) = slices.recv() => Some(Cause::Slice(event)),
                () = tokio::time::sleep(PAUSE), if retry => None,
                else => return,
            };
            self.note(cause);
            for _ in 0..ROUND {
                let next = services
                    .try_recv()
                    .map(|event| Cause::Service(Box::new(event)))
                    .or_else(|_| slices.try_recv().map(Cause::Slice));
                match next {
                    Ok(cause) => self.note(Some(cause)),
                    Err(_) => break,
                }
            }
            // Half of the picture would look like Services without endpoints.
            if self.unsynced == [false, false] {
                retry = !self.apply().await;
            }
        }
    }

    fn note(&mut self, cause: Option<Cause>) {
        let Some(Table { planner, .. }) = &mut self.table else { return };
        match cause {
            Some(Cause::Slice(Event::Put(slice))) => planner.put_slice(slice),
            Some(Cause::Slice(Event::Gone(key))) => planner.remove_slice(&key),
            Some(Cause::Slice(Event::Synced)) => self.unsynced[1] = false,
            Some(Cause::Service(event)) => match *event {
                Event::Put(service) => {
                    self.balancers_changed |= self.balancers.put(&service);
                    planner.put_service(service);
                }
                Event::Gone(key) => {
                    self.balancers_changed |= self.balancers.remove(&key);
                    planner.remove_service(&key);
                }
                Event::Synced => self.unsynced[0] = false,
            },
            None => {}
        }
    }

    /// Says whether the kernel took everything.
    async fn apply(&mut self) -> bool {
        let Some(mut table) = self.table.take() else { return true };
        // Committing is work within system calls: large tables take tens of milliseconds.
        let work = tokio::task::spawn_blocking(move || {
            let result = table.kernel.apply(&mut table.planner);
            (table, result)
        });
        let (table, result) = match work.await {
            Ok(done) => done,
            Err(error) => {
                error!(%error, "the part that writes Services is broken; they do not change any more");
                return true;
            }
        };
        self.health.update(table.planner.health());
        self.table = Some(table);
        if std::mem::take(&mut self.balancers_changed)
            && let Some(address) = self.settings.node_address
        {
            self.balancers.write(&self.client, address).await;
        }
        if let Err(error) = &result {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            info!(%error, cause, "writing all Services anew");
        }
        result.is_ok()
    }
}

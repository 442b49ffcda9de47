//! NetworkPolicies: who may talk to whom, enforced on the node that has the pod.
//!
//! [`plan`] is pure and decides; [`layout`] writes the decision for the kernel, in a table of its own. Without policies
//! there is no table. Cluster DNS runs on the node and not in a pod; to policies it looks as if it were the pod in
//! `kube-system` with the label `k8s-app: kube-dns` that everybody's rules expect.

mod layout;
mod model;
mod plan;
mod ranges;

use crate::follow::{Event, NAMESPACES, PODS, POLICIES, follow};
use crate::model::{Key, Namespace, Object};
use crate::namespace::{self, NamespaceError};
use crate::netlink::nft::{self, Batch};
use crate::netlink::{NetlinkError, Socket};
use ipnet::IpNet;
use kube::Client;
use layout::Layout;
use model::{Pod, Policy};
use plan::{Plan, World};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use value::json;

/// Pause after the kernel refused something.
const PAUSE: Duration = Duration::from_secs(2);
const ROUND: usize = 4096;

/// What policies are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's name.
    pub cluster: String,
    /// Addresses of pods of this node.
    pub pod_cidr: IpNet,
    /// Where cluster DNS is found: its cluster IP, and where that leads.
    pub dns: Vec<IpAddr>,
    /// The network namespace that counts as the machine's; without it, that of this process.
    pub host: Option<PathBuf>,
}

impl Settings {
    /// How policies usually are, for a pod network.
    #[must_use]
    pub fn for_network(config: &crate::Config) -> Self {
        Self {
            cluster: config.cluster.clone(),
            pod_cidr: config.pod_cidr,
            dns: vec![config.dns(), config.gateway()],
            host: config.host.clone(),
        }
    }
}

/// Policies could not be enforced at all.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// The kernel said no.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
}

/// Enforces policies until stopped. The table stays: what is closed stays closed while nobody is there.
pub async fn run(client: Client, settings: Settings, stop: CancellationToken) -> Result<(), PoliciesError> {
    let socket = namespace::within(settings.host.as_deref(), || Ok::<_, PoliciesError>(Socket::netfilter()?))?;
    let kernel = Kernel { socket, layout: Layout::new(&settings), written: None };
    let (namespaces_tx, namespaces) = mpsc::channel(256);
    let (pods_tx, pods) = mpsc::channel(1024);
    let (policies_tx, policies) = mpsc::channel(256);
    let work = async {
        tokio::join!(
            follow(client.clone(), NAMESPACES, namespaces_tx),
            follow(client.clone(), PODS, pods_tx),
            follow(client.clone(), POLICIES, policies_tx),
            Enforcer::new(&settings).run(kernel, namespaces, pods, policies),
        )
    };
    stop.run_until_cancelled(work).await;
    Ok(())
}

/// The table in the kernel.
struct Kernel {
    socket: Socket,
    layout: Layout,
    /// What is there, if that is known.
    written: Option<Plan>,
}

impl Kernel {
    fn apply(&mut self, plan: Plan) -> Result<(), NetlinkError> {
        if self.written.as_ref() == Some(&plan) {
            return Ok(());
        }
        self.written = None;
        let mut batch = Batch::new(nft::IPV4);
        if !plan.is_empty() {
            self.layout.write(&mut batch, &plan);
        } else if self.socket.tables(nft::IPV4)?.contains(&self.layout.table) {
            batch.delete_table(&self.layout.table);
        }
        self.socket.commit(batch)?;
        self.written = Some(plan);
        Ok(())
    }
}

/// What the API server says.
#[derive(Default)]
struct Enforcer {
    pod_cidr: IpNet,
    namespaces: HashMap<String, Namespace>,
    pods: HashMap<Key, Pod>,
    policies: BTreeMap<Key, Policy>,
    dns: Option<Pod>,
    synced: [bool; 3],
}

impl Enforcer {
    fn new(settings: &Settings) -> Self {
        Self { pod_cidr: settings.pod_cidr, dns: dns_as_a_pod(&settings.dns), ..Self::default() }
    }

    async fn run(
        mut self,
        mut kernel: Kernel,
        mut namespaces: mpsc::Receiver<Event<Namespace>>,
        mut pods: mpsc::Receiver<Event<Pod>>,
        mut policies: mpsc::Receiver<Event<Policy>>,
    ) {
        let mut retry = false;
        loop {
            tokio::select! {
                Some(event) = namespaces.recv() => self.namespace(event),
                Some(event) = pods.recv() => self.pod(event),
                Some(event) = policies.recv() => self.policy(event),
                () = tokio::time::sleep(PAUSE), if retry => {}
                else => return,
            }
            for _ in 0..ROUND {
                if let Ok(event) = pods.try_recv() {
                    self.pod(event);
                } else if let Ok(event) = policies.try_recv() {
                    self.policy(event);
                } else if let Ok(event) = namespaces.try_recv() {
                    self.namespace(event);
                } else {
                    break;
                }
            }
            if self.synced != [true; 3] {
                continue;
            }
            let plan = self.plan();
            let work = tokio::task::spawn_blocking(move || (kernel.apply(plan), kernel));
            let result = match work.await {
                Ok((result, back)) => {
                    kernel = back;
                    result
                }
                Err(error) => {
                    return error!(%error, "the part that writes NetworkPolicies is broken; they do not change any more");
                }
            };
            retry = result.is_err();
            if let Err(error) = result {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                warn!(%error, cause, "NetworkPolicies are not what they should be; trying again");
            }
        }
    }

    fn plan(&self) -> Plan {
        if self.policies.is_empty() {
            return Plan::default();
        }
        let mut pods: HashMap<String, Vec<Pod>> = HashMap::new();
        for pod in self.pods.values().chain(&self.dns) {
            pods.entry(pod.metadata.namespace.clone()).or_default().push(pod.clone());
        }
        let world = World { namespaces: &self.namespaces, pods: &pods, ours: self.pod_cidr };
        plan::plan(&world, self.policies.values())
    }

    fn namespace(&mut self, event: Event<Namespace>) {
        match event {
            Event::Put(namespace) => drop(self.namespaces.insert(namespace.metadata.name.clone(), namespace)),
            Event::Gone(key) => drop(self.namespaces.remove(&key.name)),
            Event::Synced => self.synced[0] = true,
        }
    }

    fn pod(&mut self, event: Event<Pod>) {
        match event {
            Event::Put(pod) => drop(self.pods.insert(pod.key(), pod)),
            Event::Gone(key) => drop(self.pods.remove(&key)),
            Event::Synced => self.synced[1] = true,
        }
    }

    fn policy(&mut self, event: Event<Policy>) {
        match event {
            Event::Put(policy) => drop(self.policies.insert(policy.key(), policy)),
            Event::Gone(key) => drop(self.policies.remove(&key)),
            Event::Synced => self.synced[2] = true,
        }
    }
}

fn dns_as_a_pod(addresses: &[IpAddr]) -> Option<Pod> {
    let ips: Vec<_> = addresses.iter().map(|address| json!({"ip": address})).collect();
    let ports =
        json!([{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53}]);
    let pod = json!({
        "metadata": {"namespace": "kube-system", "name": "kube-dns", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"containers": [{"ports": ports}]},
        "status": {"phase": "Running", "podIPs": ips},
    });
    value::from_value(pod).ok()
}

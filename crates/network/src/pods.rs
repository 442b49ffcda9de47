//! The pod network: a network namespace, a link and an address for each pod, all of it found again after a crash.
//!
//! A pod's `eth0` is one end of a veth. Its address is a /32, its gateway a link-local address that never answers: both
//! ends know each other's hardware address for ever, so nothing is ever asked and there is no bridge. On the machine's
//! side a route leads to each pod. What is where:
//!
//! - [`worker`] is the thread that speaks with the kernel and owns all state; this file is what others call,
//! - [`addresses`] gives out addresses, [`record`] remembers them on disk, [`names`] knows what things are called,
//! - [`table`] is the nftables table: masquerade, host ports, hairpins,
//! - [`forwarding`] switches forwarding on for the machine's own links, and back.

mod addresses;
mod forwarding;
mod names;
mod record;
mod table;
mod worker;

pub(crate) use names::Names;
pub(crate) use record::read_ranges;

use crate::namespace::NamespaceError;
use crate::netlink::NetlinkError;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use tokio::sync::oneshot;
use worker::Worker;

/// What a pod network is made from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster's name.
    pub cluster: String,
    /// Addresses of pods.
    pub pod_cidr: IpNet,
    /// Addresses of Services. The machine reaches them by a route of their own.
    pub service_cidr: IpNet,
    /// The cluster's run-time folder, `/run/hakata/NAME`. Its neighbours are other clusters' folders.
    pub run: PathBuf,
    /// The network namespace that counts as the machine's; without it, that of this process.
    pub host: Option<PathBuf>,
}

impl Config {
    /// The first address of the pods' range: the machine, as pods see it.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        nth(self.pod_cidr, 1)
    }

    /// The tenth address of the Services' range: cluster DNS.
    #[must_use]
    pub fn dns(&self) -> IpAddr {
        nth(self.service_cidr, 10)
    }
}

/// The n-th address of a network.
pub(crate) fn nth(network: IpNet, n: u32) -> IpAddr {
    match network.network() {
        IpAddr::V4(address) => IpAddr::from(u32::from(address).wrapping_add(n).to_be_bytes()),
        IpAddr::V6(address) => IpAddr::from(u128::from(address).wrapping_add(u128::from(n)).to_be_bytes()),
    }
}

/// A transport protocol, as Services and ports name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP, the default.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// How Kubernetes writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// Its number in IP headers.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

/// A port of the machine that leads to a port of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostPort {
    /// TCP, UDP or SCTP.
    pub protocol: Protocol,
    /// Only on this address of the machine; without it, on all.
    pub host_ip: Option<IpAddr>,
    /// The machine's port.
    pub host_port: u16,
    /// The pod's port.
    pub container_port: u16,
}

/// What a pod got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its network namespace, for processes to enter.
    pub netns: PathBuf,
    /// Its addresses; the first is `status.podIP`.
    pub addresses: Vec<IpAddr>,
}

/// Something about the pod network did not work.
#[derive(Debug, thiserror::Error)]
pub enum PodNetworkError {
    /// The kernel said no.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A file of ours.
    #[error("cannot keep the pod network's state in {path}")]
    State {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// All addresses are in use.
    #[error("no address is left in {range}; delete pods, or make the cluster with a larger range")]
    Exhausted {
        /// The pods' range.
        range: IpNet,
    },
    /// Not a name that can be a file's.
    #[error("{uid:?} cannot name a pod's network namespace")]
    Uid {
        /// What was asked for.
        uid: String,
    },
    /// Another pod has it.
    #[error("host port {port} is taken by the pod {by}")]
    HostPortTaken {
        /// The port.
        port: u16,
        /// The other pod's uid.
        by: String,
    },
    /// Another cluster has it.
    #[error("the range {range} overlaps {other} of the cluster {cluster:?} on this machine; choose another range")]
    RangeTaken {
        /// Our range.
        range: IpNet,
        /// The other's.
        other: IpNet,
        /// Whose.
        cluster: String,
    },
    /// Not an address family that this version knows.
    #[error("the range {range} is not one of IPv4 with room for pods")]
    Range {
        /// The range.
        range: IpNet,
    },
    /// The thread that does the work is gone.
    #[error("the pod network has stopped")]
    Stopped,
}

/// Something to do for the worker.
enum Job {
    /// Detach a pod. Those that wait at the same time are done together.
    Detach(String, oneshot::Sender<Result<(), PodNetworkError>>),
    Other(Box<dyn FnOnce(&mut Worker) + Send>),
}

/// Detaches that are done together at most; the kernel confirms each.
const TOGETHER: usize = 64;

/// Does what is asked until nobody can ask any more, and between that looks after the machine's links.
fn work(worker: &mut Worker, jobs: &std::sync::mpsc::Receiver<Job>) {
    const LOOK: std::time::Duration = std::time::Duration::from_secs(5);
    let mut next = None;
    loop {
        let job = match next.take() {
            Some(job) => Ok(job),
            None => jobs.recv_timeout(LOOK),
        };
        match job {
            Ok(Job::Other(job)) => job(worker),
            Ok(Job::Detach(uid, answer)) => next = detach_waiting(worker, jobs, (uid, answer)),
            Err(RecvTimeoutError::Timeout) => worker.look_after_links(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

type Detach = (String, oneshot::Sender<Result<(), PodNetworkError>>);

/// Detaches a pod and all that wait behind it; gives back the first job that is something else.
fn detach_waiting(worker: &mut Worker, jobs: &std::sync::mpsc::Receiver<Job>, first: Detach) -> Option<Job> {
    let (mut uids, mut answers, mut other) = (vec![first.0], vec![first.1], None);
    while uids.len() < TOGETHER {
        match jobs.try_recv() {
            Ok(Job::Detach(uid, answer)) => {
                uids.push(uid);
                answers.push(answer);
            }
            Ok(job) => {
                other = Some(job);
                break;
            }
            Err(_) => break,
        }
    }
    for (answer, result) in answers.into_iter().zip(worker.detach_all(&uids)) {
        // Who does not wait for the answer does not need it.
        let _ = answer.send(result);
    }
    other
}

/// The pod network of one cluster on this machine. Clones are the same network.
#[derive(Clone)]
pub struct PodNetwork {
    config: Config,
    worker: std::sync::mpsc::Sender<Job>,
}

impl PodNetwork {
    /// Sets up what all pods share, and adopts the pods that are there from before.
    pub async fn open(config: Config) -> Result<Self, PodNetworkError> {
        let (worker, jobs) = std::sync::mpsc::channel::<Job>();
        let (opened_tx, opened_rx) = oneshot::channel();
        let told = config.clone();
        let thread = std::thread::Builder::new().name("pod-network".to_owned());
        let spawned = thread.spawn(move || {
            let mut worker = match Worker::open(told) {
                Ok(worker) => worker,
                Err(error) => return drop(opened_tx.send(Err(error))),
            };
            if opened_tx.send(Ok(())).is_ok() {
                work(&mut worker, &jobs);
            }
        });
        spawned.map_err(NamespaceError::Thread)?;
        opened_rx.await.map_err(|_| PodNetworkError::Stopped)??;
        Ok(Self { config, worker })
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The machine's address as pods see it.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        self.config.gateway()
    }

    /// Where cluster DNS listens.
    #[must_use]
    pub fn dns(&self) -> IpAddr {
        self.config.dns()
    }

    /// Gives a pod its namespace, link and address, and opens its host ports. If it has them, it keeps them.
    pub async fn attach(&self, uid: &str, host_ports: &[HostPort]) -> Result<Attached, PodNetworkError> {
        let (uid, host_ports) = (uid.to_owned(), host_ports.to_vec());
        self.ask(move |worker| worker.attach(&uid, host_ports)).await?
    }

    /// Takes all of that from a pod. A pod that has nothing is fine.
    pub async fn detach(&self, uid: &str) -> Result<(), PodNetworkError> {
        let (answer_tx, answer_rx) = oneshot::channel();
        self.worker.send(Job::Detach(uid.to_owned(), answer_tx)).map_err(|_| PodNetworkError::Stopped)?;
        answer_rx.await.map_err(|_| PodNetworkError::Stopped)?
    }

    /// The uids of all attached pods.
    pub async fn pods(&self) -> Result<Vec<String>, PodNetworkError> {
        self.ask(|worker| worker.pods()).await
    }

    /// What a pod has, if it is attached.
    pub async fn pod(&self, uid: &str) -> Result<Option<Attached>, PodNetworkError> {
        let uid = uid.to_owned();
        self.ask(move |worker| worker.pod(&uid)).await
    }

    /// Takes away everything that this network made on the machine.
    pub async fn remove_all(&self) -> Result<(), PodNetworkError> {
        self.ask(Worker::remove_all).await?
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Result<T, PodNetworkError> {
        let (answer_tx, answer_rx) = oneshot::channel();
        let job = Box::new(move |worker: &mut Worker| drop(answer_tx.send(question(worker))));
        self.worker.send(Job::Other(job)).map_err(|_| PodNetworkError::Stopped)?;
        answer_rx.await.map_err(|_| PodNetworkError::Stopped)
    }
}

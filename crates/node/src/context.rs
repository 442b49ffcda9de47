//! What all tasks of the node share.

use crate::cgroups::Groups;
use crate::config::Config;
use crate::core::env;
use crate::core::resources::Amounts;
use crate::events::Recorder;
use crate::machine::Machine;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::pressure::Watch;
use crate::pressure::policy::Conditions;
use k8s_openapi::api::core::v1::{Node, Service};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The node's parts.
pub(crate) struct Context {
    pub(crate) client: kube::Client,
    pub(crate) runtime: container::Runtime,
    pub(crate) network: network::PodNetwork,
    pub(crate) config: Config,
    /// The addresses of the node.
    pub(crate) hosts: Vec<IpAddr>,
    pub(crate) machine: Machine,
    pub(crate) groups: Groups,
    pub(crate) events: Recorder,
    pub(crate) objects: Objects,
    /// The node as the API has it, or as it will be registered.
    pub(crate) node_rx: watch::Receiver<Arc<Node>>,
    /// All Services by uid; `None` before the first answer.
    pub(crate) services_rx: watch::Receiver<Option<Arc<HashMap<String, Service>>>>,
    pub(crate) metrics: Metrics,
    pub(crate) pressure: Arc<Watch>,
    /// What the node says of its pressure.
    pub(crate) contention: Conditions,
    /// When the node began, to tell what was there before.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Context {
    /// What pods may use of the node.
    pub(crate) fn allocatable(&self) -> Amounts {
        let node = self.node_rx.borrow();
        node.status.as_ref().and_then(|status| status.allocatable.clone()).unwrap_or_default()
    }

    /// The variables that tell a pod of Services. Waits until they are known.
    pub(crate) async fn service_variables(&self, namespace: &str, links: bool) -> Vec<(String, String)> {
        let mut services = self.services_rx.clone();
        let known = services.wait_for(Option::is_some).await.ok().and_then(|known| known.clone());
        let known = known.unwrap_or_default();
        env::of_services(known.values(), namespace, links)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Context").field("node", &self.config.name).finish_non_exhaustive()
    }
}

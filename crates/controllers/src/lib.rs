//! The controllers: one file each, all clients of the API through `kube::Client`.
//!
//! Reconcilers take a key, never a delta: work is the same whether an event, a timer or a restart caused it. What all
//! share stands in the `informer` crate (caches, queues, events, writing); [`workload`] has what controllers of pods share,
//! [`follow`] is for those that need no queue.

mod api;
mod autoscaler;
mod bootstrap_tokens;
mod certificates;
mod cron_job;
mod daemon_set;
mod definitions;
mod deployment;
mod disruption;
mod endpoints;
mod event_cleanup;
mod flow_schemas;
mod follow;
mod garbage;
mod job;
mod kubernetes_service;
mod namespaces;
mod node_lifecycle;
mod policy_types;
mod quotas;
mod replica_set;
mod role_aggregation;
mod root_ca;
mod service_account_tokens;
mod service_accounts;
mod service_cidrs;
mod stateful_set;
mod storage;
mod ttl_after_finished;
mod workload;

pub use certificates::{Sign, Usage};
pub use kubernetes_service::ApiAddress;

use informer::{Informers, Kind, kinds};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What controllers are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Authorities of the API server's certificate, PEM: what `kube-root-ca.crt` holds.
    pub root_ca: String,
    /// Where the API server is.
    pub api: ApiAddress,
    /// Who signs certificates that are asked for.
    pub signer: Arc<dyn Sign>,
}

/// The kinds that several controllers follow.
static SHARED: [&Kind; 20] = [
    &kinds::CLUSTER_ROLES,
    &kinds::CONTROLLER_REVISIONS,
    &kinds::CRON_JOBS,
    &kinds::DAEMON_SETS,
    &kinds::DEPLOYMENTS,
    &kinds::ENDPOINTS,
    &kinds::ENDPOINT_SLICES,
    &kinds::JOBS,
    &kinds::LEASES,
    &kinds::NAMESPACES,
    &kinds::NODES,
    &kinds::PERSISTENT_VOLUMES,
    &kinds::PERSISTENT_VOLUME_CLAIMS,
    &kinds::PODS,
    &kinds::POD_DISRUPTION_BUDGETS,
    &kinds::REPLICATION_CONTROLLERS,
    &kinds::REPLICA_SETS,
    &kinds::SERVICES,
    &kinds::SERVICE_ACCOUNTS,
    &kinds::STATEFUL_SETS,
];

/// Runs all controllers until stopped.
pub async fn run(informers: Informers, settings: Settings, stop: CancellationToken) {
    let client = informers.client();
    // Who only listens to what is followed anyway comes after those who follow.
    SHARED.iter().for_each(|kind| drop(informers.cache(kind)));
    let all = async {
        tokio::join!(
            service_accounts::run(informers.clone()),
            autoscaler::run(informers.clone()),
            root_ca::run(informers.clone(), settings.root_ca.clone()),
            namespaces::run(informers.clone()),
            role_aggregation::run(informers.clone()),
            quotas::run(informers.clone()),
            flow_schemas::run(client.clone()),
            policy_types::run(client.clone()),
            definitions::run(client.clone()),
            service_cidrs::run(client.clone()),
            kubernetes_service::run(client.clone(), settings.api),
            garbage::run(informers.clone()),
            bootstrap_tokens::run(client.clone()),
            certificates::run(informers.clone(), settings.signer.clone()),
            cron_job::run(informers.clone()),
            daemon_set::run(informers.clone()),
            deployment::run(informers.clone()),
            disruption::run(informers.clone()),
            endpoints::legacy::run(informers.clone()),
            endpoints::mirror::run(informers.clone()),
            endpoints::slices::run(informers.clone()),
            event_cleanup::run(client.clone()),
            job::run(informers.clone()),
            node_lifecycle::run(informers.clone()),
            replica_set::run(informers.clone()),
            replica_set::run_replication_controllers(informers.clone()),
            service_account_tokens::run(informers.clone(), settings.root_ca.clone()),
            stateful_set::run(informers.clone()),
            storage::run(informers.clone()),
            storage::ephemeral::run(informers.clone()),
            storage::protection::run(informers.clone()),
            ttl_after_finished::run(informers.clone()),
        )
    };
    stop.run_until_cancelled(all).await;
}

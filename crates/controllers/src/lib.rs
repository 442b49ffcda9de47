//! The controllers: one file each, all clients of the API through `kube::Client`.
//!
//! Reconcilers take a key, never a delta: work is the same whether an event, a timer or a restart caused it. What all
//! share stands in [`follow`] (a list and a watch, kept going) and [`api`] (paths and untyped objects).

mod api;
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
mod quotas;
mod replica_set;
mod role_aggregation;
mod root_ca;
mod service_accounts;
mod service_cidrs;
mod stateful_set;
mod storage;
mod ttl_after_finished;
mod workload;

pub use kubernetes_service::ApiAddress;

use informer::Informers;
use tokio_util::sync::CancellationToken;

/// What controllers are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Authorities of the API server's certificate, PEM: what `kube-root-ca.crt` holds.
    pub root_ca: String,
    /// Where the API server is.
    pub api: ApiAddress,
}

/// Runs all controllers until stopped.
pub async fn run(informers: Informers, settings: Settings, stop: CancellationToken) {
    let client = informers.client();
    let all = async {
        tokio::join!(
            service_accounts::run(client.clone()),
            root_ca::run(client.clone(), settings.root_ca.clone()),
            namespaces::run(client.clone()),
            role_aggregation::run(client.clone()),
            quotas::run(client.clone()),
            flow_schemas::run(client.clone()),
            definitions::run(client.clone()),
            service_cidrs::run(client.clone()),
            kubernetes_service::run(client.clone(), settings.api),
            garbage::run(client.clone()),
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
            stateful_set::run(informers.clone()),
            storage::run(informers.clone()),
            storage::ephemeral::run(informers.clone()),
            storage::protection::run(informers.clone()),
            ttl_after_finished::run(informers.clone()),
        )
    };
    stop.run_until_cancelled(all).await;
}

//! The kubelet's work: takes the pods that were given to this node from their spec to running containers, and tells
//! the API what became of them.
//!
//! [`core`] decides, on plain values; everything else acts. A pod has a task of its own ([`worker`]) that is woken by
//! the API, the runtime, probes and timers, looks at everything anew, and does what the plan says; [`pods`] hands news
//! to these tasks. [`register`] keeps the Node object, [`volumes`] what pods mount, [`probes`] asks containers how they
//! are, [`report`] writes statuses, [`server`] is the HTTPS server of the node, [`pressure`] tells who waits for what.
//!
//! What must outlive this process lies in the runtime and in the API, never here alone: a node that starts finds its
//! pods running and goes on with them.
//!
//! Deliberately absent: user namespaces, image volumes, in-place resize, eviction by bytes free, devices.

mod core;

mod config;
mod context;

mod pods;
mod worker;

mod assemble;
mod image_gc;
mod images;
mod observe;
mod probes;
mod report;
mod volumes;

mod cgroups;
mod dial;
mod events;
mod exec;
mod follow;
mod gc;
mod hooks;
mod http;
mod machine;
mod metrics;
mod objects;
mod pressure;
mod register;
mod server;
mod statics;
mod tokens;

pub mod local_path;

pub use config::{Config, Serving};
pub use server::ServerError;

use context::Context;
use events::Recorder;
use k8s_openapi::api::core::v1::Service;
use kube::api::Api;
use machine::Machine;
use metrics::Metrics;
use objects::Objects;
use pods::{News, Pods};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The control groups of pods cannot be made.
    #[error("cannot make the control groups of pods; is this machine's /sys/fs/cgroup writable, and are we root?")]
    Groups(#[source] cgroup::Error),
    /// The server cannot be had.
    #[error("cannot set up the node's server")]
    Server(#[source] ServerError),
    /// A folder cannot be made.
    #[error("cannot make the node's folder {path}")]
    Folder {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Runs a node until `stop`. Its containers go on after that, and the next run finds them.
pub async fn run(
    client: kube::Client,
    runtime: container::Runtime,
    network: network::PodNetwork,
    config: Config,
    stop: CancellationToken,
) -> Result<(), Error> {
    for folder in [config.data.join("pods"), config.logs(), config.seccomp()] {
        std::fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder, source })?;
    }
    let server = match &config.server {
        Some(serving) => Some(server::bind(serving).await.map_err(Error::Server)?),
        None => None,
    };
    let port = server.as_ref().map_or(0, server::Bound::port);
    let machine = Machine::look();
    let hosts = match config.addresses.is_empty() {
        true => vec![machine::address()],
        false => config.addresses.clone(),
    };
    let groups = cgroups::Groups::open(&config.cluster);
    let facts = register::Facts {
        config: config.clone(),
        machine: machine.clone(),
        hosts: hosts.clone(),
        ..Default::default()
    };
    let (node_tx, node_rx) = watch::channel(Arc::new(register::first_node(&facts, None)));
    let (services_tx, services_rx) = watch::channel(None);
    let (events, recording) = Recorder::new(client.clone(), config.name.clone(), stop.clone());
    let objects = Objects::new(client.clone(), stop.clone());
    let tasks = TaskTracker::new();
    let context = Arc::new(Context {
        client,
        runtime,
        network,
        hosts,
        machine,
        groups,
        events,
        objects,
        node_rx,
        services_rx,
        metrics: Metrics::default(),
        pressure: Arc::new(pressure::Watch::open()),
        contention: Arc::default(),
        tasks: tasks.clone(),
        stop: stop.clone(),
        config,
    });
    let memory = core::resources::amount(Some(&context.allocatable()), "memory").unwrap_or_default();
    context.groups.set_up(memory).map_err(Error::Groups)?;
    let pods = Pods::default();
    tokio::join!(
        recording,
        register::run(context.clone(), port, node_tx),
        serve(server, &context, &pods),
        follow_services(&context, services_tx),
        context.pressure.clone().run(&context),
        pressure::alerts::run(context.clone(), pods.clone()),
        run_pods(&context, &pods),
    );
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Serves, if there is a server.
async fn serve(server: Option<server::Bound>, context: &Arc<Context>, pods: &Pods) {
    if let Some(server) = server {
        server.serve(context.clone(), pods.clone()).await;
    }
}

/// Runs the pods: static ones first, so that nothing of theirs is taken for lost.
async fn run_pods(context: &Arc<Context>, pods: &Pods) {
    // news: watches, workers -> dispatcher
    let (news_tx, news_rx) = mpsc::unbounded_channel();
    let folder = context.config.static_pods.clone();
    if let Some(folder) = &folder {
        // The receiver is at hand, so this cannot fail.
        let _ = news_tx.send(News::Static(statics::read(folder, &context.config.name)));
    }
    let following_folder = async {
        if let Some(folder) = &folder {
            statics::run(context.clone(), folder, pods.clone(), news_tx.clone()).await;
        }
    };
    tokio::join!(
        pods::run(context.clone(), pods.clone(), news_tx.clone(), news_rx),
        gc::run(context.clone(), pods.clone(), news_tx.clone()),
        pressure::policy::run(context.clone(), pods.clone(), news_tx.clone()),
        following_folder,
    );
}

/// Follows all Services, for the variables of containers.
async fn follow_services(context: &Context, services_tx: watch::Sender<Option<Arc<HashMap<String, Service>>>>) {
    let api: Api<Service> = Api::all(context.client.clone());
    let uid = |service: &Service| service.metadata.uid.clone().unwrap_or_default();
    follow::follow(&api, "", &context.stop, |change| {
        services_tx.send_modify(|known| {
            let mut all = known.take().unwrap_or_default();
            let map = Arc::make_mut(&mut all);
            match change {
                follow::Change::All(list) => *map = list.into_iter().map(|one| (uid(&one), one)).collect(),
                follow::Change::Put(one) => drop(map.insert(uid(&one), one)),
                follow::Change::Gone(one) => drop(map.remove(&uid(&one))),
            }
            *known = Some(all);
        });
    })
    .await;
}

/// An error with its causes, as one line for messages.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

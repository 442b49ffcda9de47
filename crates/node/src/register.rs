//! The Node object: registered once, its status told when it changes and now and then, and a lease that says we live.
//!
//! [`describe`] says what the node is and has; it is pure but for the facts that come in.

mod describe;

pub(crate) use describe::{Facts, first_node};

use crate::context::Context;
use crate::follow::{self, Change};
use crate::machine;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{Node, NodeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{info, warn};
use value::{Value, json};

/// How often the node looks at itself, and renews its lease.
const PERIOD: Duration = Duration::from_secs(10);
/// How often it tells its status if nothing changed.
const REPORT: Duration = Duration::from_secs(300);
/// Seconds for which a lease is good.
const LEASE_SECONDS: i32 = 40;
/// The namespace of leases.
const LEASES: &str = "kube-node-lease";
/// The pause after the API did not take something.
const PAUSE: Duration = Duration::from_millis(300);

/// Registers the node and keeps its status and lease until the node stops.
pub(crate) async fn run(context: Arc<Context>, port: u16, node_tx: watch::Sender<Arc<Node>>) {
    let stop = context.stop.clone();
    if stop.run_until_cancelled(register(&context, port, &node_tx)).await.is_none() {
        return;
    }
    tokio::join!(keep_status(&context, port), keep_lease(&context), keep_node(&context, &node_tx));
}

/// Makes the Node, or brings its labels up to date, and tells a first status.
async fn register(context: &Arc<Context>, port: u16, node_tx: &watch::Sender<Arc<Node>>) {
    let api: Api<Node> = Api::all(context.client.clone());
    let name = &context.config.name;
    loop {
        match try_register(context, &api, port).await {
            Ok(node) => {
                node_tx.send_replace(Arc::new(node));
                info!(node = name, "the node is registered");
                return;
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, node = name, "cannot register the node; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn try_register(context: &Arc<Context>, api: &Api<Node>, port: u16) -> Result<Node, kube::Error> {
    let name = &context.config.name;
    let first = first_node(&facts(context, port).await, None);
    let node = match api.get_opt(name).await? {
        None => api.create(&PostParams::default(), &first).await?,
        Some(known) => {
            let labels =
                json!({"metadata": {"labels": first.metadata.labels, "annotations": first.metadata.annotations}});
            let mut node = api.patch(name, &PatchParams::default(), &Patch::Merge(labels)).await?;
            node.status = known.status;
            node
        }
    };
    let status = first_node(&facts(context, port).await, node.status.as_ref()).status.unwrap_or_default();
    let node = api.patch_status(name, &PatchParams::default(), &Patch::Strategic(patch(&status))).await?;
    context.events.node(name, crate::events::Severity::Normal, "Starting", "Starting kubelet.");
    Ok(node)
}

/// Follows the Node, for admission and the downward API.
async fn keep_node(context: &Arc<Context>, node_tx: &watch::Sender<Arc<Node>>) {
    let api: Api<Node> = Api::all(context.client.clone());
    let fields = format!("metadata.name={}", context.config.name);
    follow::follow(&api, &fields, &context.stop, |change| match change {
        Change::All(all) => all.into_iter().for_each(|node| drop(node_tx.send_replace(Arc::new(node)))),
        Change::Put(node) => drop(node_tx.send_replace(Arc::new(node))),
        Change::Gone(_) => {}
    })
    .await;
}

async fn keep_status(context: &Arc<Context>, port: u16) {
    let api: Api<Node> = Api::all(context.client.clone());
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<(NodeStatus, Instant)> = None;
    while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let old = told.as_ref().map(|(status, _)| status.clone()).or_else(|| context.node_rx.borrow().status.clone());
        let status = first_node(&facts(context, port).await, old.as_ref()).status.unwrap_or_default();
        let is_news = told.as_ref().is_none_or(|(last, at)| at.elapsed() >= REPORT || !same(last, &status));
        if !is_news {
            continue;
        }
        let params = PatchParams::default();
        match api.patch_status(&context.config.name, &params, &Patch::Strategic(patch(&status))).await {
            Ok(_) => told = Some((status, Instant::now())),
            Err(error) => warn!(error = &error as &dyn std::error::Error, "cannot tell the status of the node"),
        }
    }
}

/// Whether two statuses say the same, but for when they were said.
fn same(a: &NodeStatus, b: &NodeStatus) -> bool {
    let quiet = |status: &NodeStatus| {
        let mut status = status.clone();
        status.conditions.iter_mut().flatten().for_each(|condition| condition.last_heartbeat_time = None);
        status
    };
    quiet(a) == quiet(b)
}

/// The patch with a status; addresses are replaced as a whole, conditions by their type.
fn patch(status: &NodeStatus) -> Value {
    let mut value = value::to_value(status).unwrap_or_default();
    if let Some(addresses) = value.get_mut("addresses").and_then(Value::as_array_mut) {
        addresses.push(json!({"$patch": "replace"}));
    }
    json!({"status": value})
}

async fn keep_lease(context: &Arc<Context>) {
    let api: Api<Lease> = Api::namespaced(context.client.clone(), LEASES);
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = renew(context, &api).await {
            warn!(error = &error as &dyn std::error::Error, "cannot renew the node's lease");
            ticks.reset_after(PAUSE);
        }
    }
}

async fn renew(context: &Context, api: &Api<Lease>) -> Result<(), kube::Error> {
    let name = &context.config.name;
    let now = MicroTime(Timestamp::now());
    let renewal = json!({"spec": {"renewTime": now, "holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS}});
    match api.patch(name, &PatchParams::default(), &Patch::Merge(renewal)).await {
        Ok(_) => return Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error),
    }
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: name.clone(),
        uid: context.node_rx.borrow().metadata.uid.clone().unwrap_or_default(),
        ..OwnerReference::default()
    };
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(LEASES.to_owned()),
            owner_references: Some(vec![owner]).filter(|owners| !owners[0].uid.is_empty()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(name.clone()),
            lease_duration_seconds: Some(LEASE_SECONDS),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }),
    };
    api.create(&PostParams::default(), &lease).await.map(drop)
}

/// What the node is made of now.
async fn facts(context: &Arc<Context>, port: u16) -> Facts {
    let context = context.clone();
    let gathered = tokio::task::spawn_blocking(move || {
        let images = context.runtime.images().list();
        if let Err(error) = &images {
            warn!(error = error as &dyn std::error::Error, "the container runtime is down");
        }
        Facts {
            is_runtime_down: images.is_err(),
            config: context.config.clone(),
            machine: context.machine.clone(),
            hosts: context.hosts.clone(),
            images: images.iter().flatten().map(describe::image).collect(),
            port,
            disk: machine::disk(&context.config.data),
            available_memory: machine::available_memory(),
            processes: machine::processes(),
            contention: contention(&context),
            now: Timestamp::now(),
        }
    });
    gathered.await.unwrap_or_default()
}

/// What policies say of the node's pressure, in the order of the conditions' names.
fn contention(context: &Context) -> Vec<(&'static str, bool)> {
    let known = context.contention.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut all: Vec<_> = known.iter().map(|(name, holds)| (*name, *holds)).collect();
    all.sort_unstable();
    all
}

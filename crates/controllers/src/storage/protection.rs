//! What is in use is not deleted: claims wait for their pods, volumes for their claims.

use super::{CLAIMS, PARALLEL, VOLUMES};
use informer::{Cache, Index, Informers, Kind, Next, Object, Queue, Shared, kinds};
use object::{Value, json};
use std::sync::Arc;

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// Runs the protection of claims and of volumes.
pub(crate) async fn run(informers: Informers) {
    let (claims, volumes) = (informers.cache(CLAIMS), informers.cache(VOLUMES));
    let pods = informers.cache(&kinds::PODS);
    for cache in [&claims, &volumes, &pods] {
        cache.synced().await;
    }
    tokio::join!(protect_claims(&informers, claims, pods), protect_volumes(&informers, volumes));
}

async fn protect_claims(informers: &Informers, claims: Arc<Cache>, pods: Arc<Cache>) {
    let queue = Queue::new("pvc-protection");
    let waker = queue.clone();
    claims.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), claims.clone());
    pods.subscribe(move |change| {
        if change.new.is_some() {
            return;
        }
        let pod = change.object();
        let going = known.in_namespace(pod.namespace()).into_iter().filter(|claim| claim.is_going());
        going.for_each(|claim| waker.add(claim.key()));
    });
    queue
        .run(PARALLEL, |key| {
            let (informers, claims, pods) = (informers.clone(), claims.clone(), pods.clone());
            async move {
                let Some(claim) = claims.by_key(&key) else { return Ok(Next::Done) };
                // Pods without a node have not begun to use it, and will not any more.
                let is_used = || {
                    let users = pods.by(Index::Claim, &claim.key());
                    users.iter().any(|pod| !pod.spec().str("nodeName").is_empty())
                };
                keep(&informers, CLAIMS, &claim, CLAIM_FINALIZER, is_used).await
            }
        })
        .await;
}

async fn protect_volumes(informers: &Informers, volumes: Arc<Cache>) {
    let queue = Queue::new("pv-protection");
    let waker = queue.clone();
    volumes.subscribe(move |change| waker.add(change.object().key()));
    queue
        .run(PARALLEL, |key| {
            let (informers, volumes) = (informers.clone(), volumes.clone());
            async move {
                let Some(volume) = volumes.by_key(&key) else { return Ok(Next::Done) };
                let is_used = || volume.status().str("phase") == "Bound";
                keep(&informers, VOLUMES, &volume, VOLUME_FINALIZER, is_used).await
            }
        })
        .await;
}

/// Gives the finalizer to what stays, and takes it from what goes and is not in use.
async fn keep(
    informers: &Informers,
    kind: &Kind,
    object: &Shared,
    finalizer: &str,
    is_used: impl Fn() -> bool,
) -> Result<Next, kube::Error> {
    match (object.is_going(), has(object, finalizer)) {
        (true, true) if !is_used() => {
            let left: Vec<Value> =
                object.meta().strings("finalizers").filter(|name| *name != finalizer).map(Value::from).collect();
            change(informers, kind, object, left).await?;
        }
        (false, false) => {
            let more = object.meta().strings("finalizers").chain([finalizer]).map(Value::from).collect();
            change(informers, kind, object, more).await?;
        }
        _ => {}
    }
    Ok(Next::Done)
}

async fn change(
    informers: &Informers,
    kind: &Kind,
    object: &Object,
    finalizers: Vec<Value>,
) -> Result<(), kube::Error> {
    let patch = json!({"metadata": {
        "uid": object.uid(), "resourceVersion": object.meta().str("resourceVersion"), "finalizers": finalizers,
    }});
    match informers.merge(kind, object, &patch).await {
        Err(error) if informer::request::code(&error) == 404 => Ok(()),
        done => done.map(drop),
    }
}

fn has(object: &Object, finalizer: &str) -> bool {
    object.meta().strings("finalizers").any(|name| name == finalizer)
}

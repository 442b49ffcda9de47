//! Volumes for claims: found, ordered, given, kept while in use, and let go.
//!
//! [`claims`] and [`volumes`] are the two sides of the binder, [`bind`] what they do together; [`protection`] keeps what
//! is in use; [`ephemeral`] makes the claims of pods that bring their own.

mod bind;
mod claims;
pub(crate) mod ephemeral;
pub(crate) mod protection;
mod volumes;

use informer::{Cache, Informers, Kind, Object, Queue, Recorder, kinds};
use object::Value;
use std::sync::Arc;

const CLAIMS: &Kind = &kinds::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &Kind = &kinds::PERSISTENT_VOLUMES;
const PARALLEL: usize = 4;

/// The binding of a claim is done.
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The binding was not asked for by people.
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// Who made a volume.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// For which node a volume is to be made.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

struct Binder {
    informers: Informers,
    recorder: Recorder,
    claims: Arc<Cache>,
    volumes: Arc<Cache>,
    classes: Arc<Cache>,
    /// Claims, and volumes, to look at.
    claim_queue: Arc<Queue>,
    volume_queue: Arc<Queue>,
}

/// Runs the binder.
pub(crate) async fn run(informers: Informers) {
    let (claims, volumes) = (informers.cache(CLAIMS), informers.cache(VOLUMES));
    let classes = informers.cache(&kinds::STORAGE_CLASSES);
    for cache in [&claims, &volumes, &classes] {
        cache.synced().await;
    }
    let (claim_queue, volume_queue) = (Queue::new("persistentvolumeclaims"), Queue::new("persistentvolumes"));
    let recorder = informers.recorder("persistentvolume-controller");
    let binder = Arc::new(Binder { informers, recorder, claims, volumes, classes, claim_queue, volume_queue });
    binder.wire();
    let by_claim = binder.clone();
    let by_volume = binder.clone();
    tokio::join!(
        binder.claim_queue.run(PARALLEL, |key| {
            let binder = by_claim.clone();
            async move { binder.sync_claim(key).await }
        }),
        binder.volume_queue.run(PARALLEL, |key| {
            let binder = by_volume.clone();
            async move { binder.sync_volume(key).await }
        }),
    );
}

impl Binder {
    fn wire(&self) {
        let (claim_queue, volume_queue) = (self.claim_queue.clone(), self.volume_queue.clone());
        self.claims.subscribe(move |change| {
            let claim = change.object();
            claim_queue.add(claim.key());
            let volume = claim.spec().str("volumeName");
            if !volume.is_empty() {
                volume_queue.add(volume);
            }
        });
        let (claim_queue, volume_queue) = (self.claim_queue.clone(), self.volume_queue.clone());
        let claims = self.claims.clone();
        self.volumes.subscribe(move |change| {
            let volume = change.object();
            volume_queue.add(volume.key());
            for volume in change.old.iter().chain(&change.new) {
                let reference = volume.spec().get("claimRef");
                if reference.exists() {
                    claim_queue.add(format!("{}/{}", reference.str("namespace"), reference.str("name")));
                }
            }
            let is_free = change.new.as_ref().is_some_and(|volume| !volume.spec().has("claimRef"));
            if is_free {
                wake_unbound(&claim_queue, &claims);
            }
        });
        let (claim_queue, claims) = (self.claim_queue.clone(), self.claims.clone());
        self.classes.subscribe(move |_| wake_unbound(&claim_queue, &claims));
    }
}

fn wake_unbound(queue: &Queue, claims: &Cache) {
    let unbound = claims.all().into_iter().filter(|claim| claim.spec().str("volumeName").is_empty());
    unbound.for_each(|claim| queue.add(claim.key()));
}

fn has_note(object: &Object, name: &str) -> bool {
    object.meta().get("annotations").has(name)
}

fn note(object: &mut Value, name: &str, value: &str) {
    object["metadata"]["annotations"][name] = value.into();
}

fn unnote(object: &mut Value, name: &str) {
    if let Some(notes) = object["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
        notes.remove(name);
    }
}

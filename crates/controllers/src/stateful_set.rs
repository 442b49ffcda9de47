//! StatefulSets: pods with names and storage of their own, made and unmade in order.
//!
//! [`identity`] is what makes a pod the one of its number; [`claims`] keeps its storage; [`steps`] decides what is next;
//! [`status`] tells how far it is.

mod claims;
mod identity;
mod status;
mod steps;

use crate::workload::claim::{self, Claimer};
use crate::workload::history::History;
use crate::workload::pods;
use informer::{Cache, Index, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds, request};
use std::sync::Arc;

const SETS: &Kind = &kinds::STATEFUL_SETS;
const PARALLEL: usize = 5;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    sets: Arc<Cache>,
    pods: Arc<Cache>,
    claims: Arc<Cache>,
    revisions: Arc<Cache>,
}

/// A StatefulSet with the revisions between which it is.
pub(crate) struct Target<'a> {
    set: &'a Object,
    /// Where it comes from, and where it goes.
    current: &'a Object,
    update: &'a Object,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (sets, pods) = (informers.cache(SETS), informers.cache(&kinds::PODS));
    let claims = informers.cache(&kinds::PERSISTENT_VOLUME_CLAIMS);
    let revisions = informers.cache(&kinds::CONTROLLER_REVISIONS);
    for cache in [&sets, &pods, &claims, &revisions] {
        cache.synced().await;
    }
    let queue = Queue::new("statefulsets");
    let waker = queue.clone();
    sets.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), sets.clone());
    pods.subscribe(move |change| claim::wake_owners(&waker, &known, SETS, change, claim::selector_of));
    let (waker, known) = (queue.clone(), sets.clone());
    claims.subscribe(move |change| {
        if change.new.is_none() {
            wake_users(&waker, &known, change.object());
        }
    });
    let recorder = informers.recorder("statefulset-controller");
    let controller = Arc::new(Controller { informers, recorder, sets, pods, claims, revisions });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

/// Wakes the sets whose pods may have waited for a claim to go.
fn wake_users(queue: &Queue, sets: &Cache, claim: &Object) {
    for set in sets.in_namespace(claim.namespace()) {
        let mut templates = set.spec().list("volumeClaimTemplates");
        let is_of = templates.any(|template| {
            let name = template.get("metadata").str("name");
            claim.name().starts_with(&format!("{name}-{}-", set.name()))
        });
        if is_of {
            queue.add(set.key());
        }
    }
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(set) = self.sets.by_key(&key) else { return Ok(Next::Done) };
        let Some(selector) = claim::selector_of(set.view()) else { return Ok(Next::Done) };
        let claimer = Claimer { informers: &self.informers, kind: SETS, owner: &set, selector: &selector };
        let mut owned = claimer.claim(&kinds::PODS, &self.pods).await?;
        owned.retain(|pod| identity::parent_of(pod.name()) == Some(set.name()));
        let history = History { informers: &self.informers, kind: SETS, owner: &set };
        let known = self.revisions.by(Index::Controller, set.uid());
        let (update, revisions) = match history.current(known).await {
            Err(error) if request::is_namespace_going(&error) => return Ok(Next::Done),
            found => found?,
        };
        let from = set.status().str("currentRevision");
        let current = revisions.iter().find(|revision| revision.name() == from).unwrap_or(&update).clone();
        let target = Target { set: &set, current: &current, update: &update };
        let stepped = if set.is_going() { Ok(()) } else { self.step(&target, owned).await };
        // What was made or deleted is in the cache by now.
        let now: Vec<Shared> = self.owned(&set);
        self.write_status(&target, &now).await?;
        match stepped {
            Err(error) if request::is_namespace_going(&error) => return Ok(Next::Done),
            done => done?,
        }
        let is_used = |revision: &Object| {
            let name = revision.name();
            name == current.name() || name == update.name() || now.iter().any(|pod| identity::revision_of(pod) == name)
        };
        history.clean_up(&revisions, is_used).await?;
        let min_ready = set.spec().int("minReadySeconds");
        Ok(pods::next_available(&now, min_ready, clock::now()).map_or(Next::Done, Next::After))
    }

    fn owned(&self, set: &Object) -> Vec<Shared> {
        let mut owned = self.pods.by(Index::Controller, set.uid());
        owned.retain(|pod| identity::parent_of(pod.name()) == Some(set.name()));
        owned
    }
}

//! ReplicaSets and ReplicationControllers: so many pods, no more and no fewer.
//!
//! Both are one controller: they differ in the kind and in how they select.

use crate::workload::claim::{self, Claimer};
use crate::workload::conditions::{self, Condition};
use crate::workload::numbers::{count, set_count};
use crate::workload::pods::{self, BURST, PodControl};
use crate::workload::rank;
use informer::{Cache, Index, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds, request};
use object::View;
use object::selector::labels::Selector;
use std::sync::Arc;

const PARALLEL: usize = 5;
const REPLICA_FAILURE: &str = "ReplicaFailure";

struct Controller {
    informers: Informers,
    recorder: Recorder,
    kind: &'static Kind,
    selector: fn(View<'_>) -> Option<Selector>,
    /// Whether the status counts pods that are being deleted.
    counts_terminating: bool,
    owners: Arc<Cache>,
    pods: Arc<Cache>,
}

/// Runs the controller of ReplicaSets.
pub(crate) async fn run(informers: Informers) {
    let recorder = informers.recorder("replicaset-controller");
    run_kind(informers, recorder, &kinds::REPLICA_SETS, claim::selector_of, true).await;
}

/// Runs the controller of ReplicationControllers.
pub(crate) async fn run_replication_controllers(informers: Informers) {
    let recorder = informers.recorder("replication-controller");
    let selector = |owner: View<'_>| {
        let labels = owner.get("spec").get("selector");
        (!labels.is_empty()).then(|| Selector::from_map(labels))
    };
    run_kind(informers, recorder, &kinds::REPLICATION_CONTROLLERS, selector, false).await;
}

async fn run_kind(
    informers: Informers,
    recorder: Recorder,
    kind: &'static Kind,
    selector: fn(View<'_>) -> Option<Selector>,
    counts_terminating: bool,
) {
    let (owners, pods) = (informers.cache(kind), informers.cache(&kinds::PODS));
    owners.synced().await;
    pods.synced().await;
    let queue = Queue::new(kind.plural);
    let waker = queue.clone();
    owners.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), owners.clone());
    pods.subscribe(move |change| claim::wake_owners(&waker, &known, kind, change, selector));
    let controller = Arc::new(Controller { informers, recorder, kind, selector, counts_terminating, owners, pods });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(owner) = self.owners.by_key(&key) else { return Ok(Next::Done) };
        let Some(selector) = (self.selector)(owner.view()) else { return Ok(Next::Done) };
        let claimer = Claimer { informers: &self.informers, kind: self.kind, owner: &owner, selector: &selector };
        let claimed = claimer.claim(&kinds::PODS, &self.pods).await?;
        let active: Vec<Shared> = claimed.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let managed = if owner.is_going() { Ok(()) } else { self.manage(&owner, &active).await };
        // What was made or deleted is in the cache by now, and wakes this key again; the status tells of before.
        self.write_status(&owner, &active, &claimed, managed.as_ref().err()).await?;
        managed?;
        let min_ready = owner.spec().int("minReadySeconds");
        Ok(pods::next_available(&active, min_ready, clock::now()).map_or(Next::Done, Next::After))
    }

    async fn manage(&self, owner: &Object, active: &[Shared]) -> Result<(), kube::Error> {
        let wanted = usize::try_from(owner.spec().int("replicas")).unwrap_or_default();
        let control = PodControl { informers: &self.informers, recorder: &self.recorder, kind: self.kind, owner };
        if active.len() < wanted {
            let pod = pods::from_template(owner.spec().get("template"), self.kind, owner);
            let missing = (wanted - active.len()).min(BURST);
            return control.create_all(vec![pod; missing]).await.map(drop);
        }
        let excess = (active.len() - wanted).min(BURST);
        if excess == 0 {
            return Ok(());
        }
        let chosen = rank::to_delete(active, &self.related(owner), excess, clock::now());
        control.delete_all(&chosen).await
    }

    /// Pods of all owners that have the same owner as this one: those of a Deployment's other ReplicaSets.
    fn related(&self, owner: &Object) -> Vec<Shared> {
        let origin = owner.controller().str("uid");
        if origin.is_empty() {
            return self.pods.by(Index::Controller, owner.uid());
        }
        let siblings = self.owners.by(Index::Controller, origin);
        siblings.iter().flat_map(|sibling| self.pods.by(Index::Controller, sibling.uid())).collect()
    }

    async fn write_status(
        &self,
        owner: &Object,
        active: &[Shared],
        claimed: &[Shared],
        failure: Option<&kube::Error>,
    ) -> Result<(), kube::Error> {
        let (now, min_ready) = (clock::now(), owner.spec().int("minReadySeconds"));
        let template_labels = Selector::from_map(owner.spec().at(&["template", "metadata", "labels"]));
        let how_many = |fits: &dyn Fn(&Object) -> bool| count(active.iter().filter(|pod| fits(pod)).count());
        let mut status = owner.status().to_value();
        status["replicas"] = count(active.len()).into();
        set_count(&mut status, "fullyLabeledReplicas", how_many(&|pod| template_labels.matches(&pod.labels())));
        set_count(&mut status, "readyReplicas", how_many(&pods::is_ready));
        set_count(&mut status, "availableReplicas", how_many(&|pod| pods::is_available(pod, min_ready, now)));
        if self.counts_terminating {
            status["terminatingReplicas"] =
                count(claimed.iter().filter(|pod| pods::is_terminating(pod)).count()).into();
        }
        match failure {
            Some(error) if !conditions::get(&status, REPLICA_FAILURE).exists() => {
                let is_short = count(active.len()) < owner.spec().int("replicas");
                conditions::set(
                    &mut status,
                    &Condition {
                        kind: REPLICA_FAILURE,
                        status: "True",
                        reason: if is_short { "FailedCreate" } else { "FailedDelete" },
                        message: request::message(error),
                    },
                );
            }
            Some(_) => {}
            None => conditions::remove(&mut status, REPLICA_FAILURE),
        }
        set_count(&mut status, "observedGeneration", owner.meta().int("generation"));
        if View::from(&status).same(owner.status()) {
            return Ok(());
        }
        let mut changed = owner.to_value();
        changed["status"] = status;
        self.informers.replace_status(self.kind, &changed).await.map(drop)
    }
}

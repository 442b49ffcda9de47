//! Deployments: ReplicaSets, one for each template, and the way from one to the next.
//!
//! [`sets`] reads ReplicaSets, [`revision`] finds or makes the one of the current template, [`rolling`] and
//! [`recreate`] are the two ways, [`scale`] changes sizes, [`status`] tells how far it is.

mod recreate;
mod revision;
mod rolling;
mod scale;
mod sets;
mod status;

use crate::workload::claim::{self, Claimer};
use crate::workload::conditions::{self, Condition};
use crate::workload::pods;
use informer::{Cache, Change, Index, Informers, Key, Next, Queue, Recorder, Shared, kinds};
use object::Value;
use sets::{Plan, Sets};
use std::sync::Arc;

const PARALLEL: usize = 5;
const PROGRESSING: &str = "Progressing";

struct Controller {
    informers: Informers,
    recorder: Recorder,
    deployments: Arc<Cache>,
    sets: Arc<Cache>,
    pods: Arc<Cache>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let deployments = informers.cache(&kinds::DEPLOYMENTS);
    let (sets, pods) = (informers.cache(&kinds::REPLICA_SETS), informers.cache(&kinds::PODS));
    for cache in [&deployments, &sets, &pods] {
        cache.synced().await;
    }
    let queue = Queue::new("deployments");
    let waker = queue.clone();
    deployments.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), deployments.clone());
    sets.subscribe(move |change| {
        claim::wake_owners(&waker, &known, &kinds::DEPLOYMENTS, change, claim::selector_of);
    });
    let (waker, known) = (queue.clone(), sets.clone());
    pods.subscribe(move |change| wake_when_last_pod_goes(&waker, &known, change));
    let recorder = informers.recorder("deployment-controller");
    let controller = Arc::new(Controller { informers, recorder, deployments, sets, pods });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

/// A Deployment that is made anew waits for the last of its old pods.
fn wake_when_last_pod_goes(queue: &Queue, sets: &Cache, change: &Change) {
    let Change { old: Some(pod), new } = change else { return };
    if new.as_ref().is_some_and(|new| !pods::is_terminal(new)) {
        return;
    }
    if let Some(set) = claim::owner_key(pod, &kinds::REPLICA_SETS).and_then(|key| sets.by_key(&key))
        && let Some(key) = claim::owner_key(&set, &kinds::DEPLOYMENTS)
    {
        queue.add(key);
    }
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(deployment) = self.deployments.by_key(&key) else { return Ok(Next::Done) };
        let Some(selector) = claim::selector_of(deployment.view()) else {
            let why = "This deployment is selecting all pods. A non-empty selector is required.";
            self.recorder.warning(&kinds::DEPLOYMENTS, &deployment, "SelectingAll", why);
            return Ok(Next::Done);
        };
        let claimer =
            Claimer { informers: &self.informers, kind: &kinds::DEPLOYMENTS, owner: &deployment, selector: &selector };
        let claimed = claimer.claim(&kinds::REPLICA_SETS, &self.sets).await?;
        if deployment.is_going() {
            let sets = Sets::new(&deployment, claimed);
            return self.write_plain_status(&deployment, &sets).await;
        }
        let deployment = self.mark_pause(deployment).await?;
        if deployment.spec().bool("paused") {
            return self.only_scale(deployment, claimed).await;
        }
        let (deployment, sets) = self.revise(deployment, claimed, false).await?;
        let plan = Plan::of(&deployment);
        if sets.are_of_another_size(plan.replicas) {
            return self.only_scale(deployment, sets.all()).await;
        }
        if plan.is_rolling {
            self.roll(deployment, sets.all()).await
        } else {
            self.recreate(deployment, sets.all()).await
        }
    }

    /// Changes sizes, and nothing else: the Deployment is paused, or was scaled.
    async fn only_scale(&self, deployment: Shared, sets: Vec<Shared>) -> Result<Next, kube::Error> {
        let (deployment, mut sets) = self.revise(deployment, sets, false).await?;
        self.scale_all(&deployment, &mut sets).await?;
        if deployment.spec().bool("paused") {
            self.clean_up(&deployment, &sets).await?;
        }
        self.write_plain_status(&deployment, &sets).await
    }

    /// Notes in the conditions that the Deployment was paused or resumed.
    async fn mark_pause(&self, deployment: Shared) -> Result<Shared, kube::Error> {
        let condition = deployment.condition(PROGRESSING);
        if Plan::of(&deployment).deadline.is_none() || condition.str("reason") == "ProgressDeadlineExceeded" {
            return Ok(deployment);
        }
        let (is_paused, is_marked) = (deployment.spec().bool("paused"), condition.str("reason") == "DeploymentPaused");
        let (reason, message) = match (is_paused, is_marked) {
            (true, false) => ("DeploymentPaused", "Deployment is paused"),
            (false, true) => ("DeploymentResumed", "Deployment is resumed"),
            _ => return Ok(deployment),
        };
        let mut changed = deployment.to_value();
        set_condition(&mut changed["status"], PROGRESSING, "Unknown", reason, message.to_owned());
        self.informers.replace_status(&kinds::DEPLOYMENTS, &changed).await
    }

    /// Pods of the Deployment's ReplicaSets but for one.
    fn pods_of_others(&self, sets: &Sets) -> Vec<Shared> {
        sets.old.iter().flat_map(|set| self.pods.by(Index::Controller, set.uid())).collect()
    }
}

/// Conditions of Deployments also tell when they were last looked at.
fn set_condition(status: &mut Value, kind: &str, value: &str, reason: &str, message: String) {
    let current = conditions::get(status, kind);
    if current.str("status") == value && current.str("reason") == reason {
        return;
    }
    let since = (current.str("status") == value).then(|| current.get("lastTransitionTime").to_value());
    let mut condition = Condition { kind, status: value, reason, message }.to_value();
    condition["lastUpdateTime"] = condition["lastTransitionTime"].clone();
    if let Some(since) = since {
        condition["lastTransitionTime"] = since;
    }
    conditions::put(status, condition);
}

//! How far a StatefulSet is.

use super::{Controller, SETS, Target, identity};
use crate::workload::numbers::{count, set_count};
use crate::workload::pods;
use informer::{Object, Shared, clock};
use object::{Value, View};

impl Controller {
    /// Writes counts and revisions.
    pub(super) async fn write_status(&self, target: &Target<'_>, owned: &[Shared]) -> Result<(), kube::Error> {
        let status = calculate(target, owned, clock::now());
        if View::from(&status).same(target.set.status()) {
            return Ok(());
        }
        let mut changed = target.set.to_value();
        changed["status"] = status;
        self.informers.replace_status(SETS, &changed).await.map(drop)
    }
}

fn calculate(target: &Target<'_>, owned: &[Shared], now: i64) -> Value {
    let set = target.set;
    let min_ready = set.spec().int("minReadySeconds");
    let how_many = |fits: &dyn Fn(&Object) -> bool| count(owned.iter().filter(|pod| fits(pod)).count());
    let is_ready = |pod: &Object| pods::phase(pod) == "Running" && pods::is_ready(pod);
    let is_of = |pod: &Object, revision: &Object| !pod.is_going() && identity::revision_of(pod) == revision.name();
    let (replicas, ready) = (how_many(&|_| true), how_many(&is_ready));
    let updated = how_many(&|pod| is_of(pod, target.update));
    let (mut current, mut revision) = (how_many(&|pod| is_of(pod, target.current)), target.current);
    let wanted = set.spec().int("replicas");
    if identity::is_rolling(set) && updated == wanted && ready == wanted && replicas == wanted {
        (current, revision) = (updated, target.update);
    }
    let mut status = set.status().to_value();
    status["replicas"] = replicas.into();
    status["availableReplicas"] = how_many(&|pod| is_ready(pod) && pods::is_available(pod, min_ready, now)).into();
    for (name, count) in [
        ("observedGeneration", set.meta().int("generation")),
        ("readyReplicas", ready),
        ("currentReplicas", current),
        ("updatedReplicas", updated),
    ] {
        set_count(&mut status, name, count);
    }
    status["currentRevision"] = revision.name().into();
    status["updateRevision"] = target.update.name().into();
    status["collisionCount"] = set.status().int("collisionCount").into();
    status
}

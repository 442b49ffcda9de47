//! Nodes that live and die: [`health`] notices when a node stops giving signs of life, [`taints`] keeps pods away from
//! nodes that are not well, [`eviction`] takes pods from nodes that they do not tolerate, [`collection`] removes pods
//! that nobody will ever look after again.

mod collection;
mod eviction;
mod health;
mod taints;

use informer::{Informers, Object, Shared, clock, kinds};
use object::{Value, json};

/// Runs all of it.
pub(crate) async fn run(informers: Informers) {
    tokio::join!(
        health::run(informers.clone()),
        taints::run(informers.clone()),
        eviction::run(informers.clone()),
        collection::run(informers),
    );
}

/// Notes in a pod's status that it goes, and why.
async fn mark_disrupted(
    informers: &Informers,
    pod: &Object,
    phase: Option<&str>,
    reason: &str,
    message: &str,
) -> Result<Shared, kube::Error> {
    let mut status = json!({"conditions": [{
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
        "observedGeneration": pod.meta().int("generation"), "lastTransitionTime": clock::now_text(),
    }]});
    if let Some(phase) = phase {
        status["phase"] = phase.into();
    }
    patch_status(informers, pod, status).await
}

async fn patch_status(informers: &Informers, pod: &Object, status: Value) -> Result<Shared, kube::Error> {
    let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
    informers.strategic(&kinds::PODS, pod, "status", &patch).await
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(informer::request::code(error), 404 | 409)
}

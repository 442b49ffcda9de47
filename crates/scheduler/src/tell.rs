//! Tells why a pod has no node, and takes pods away that make room for it.

use informer::{Informers, Object, Recorder, Shared, clock, kinds};
use object::{Value, json};
use tracing::debug;

/// Notes in a pod that no node will do, and where room was made for it.
pub(crate) async fn refused(
    informers: &Informers,
    recorder: &Recorder,
    pod: &Object,
    message: String,
    nominated: Option<&str>,
) {
    recorder.warning(&kinds::PODS, pod, "FailedScheduling", message.clone());
    let known = pod.condition("PodScheduled");
    let is_known =
        known.str("status") == "False" && known.str("reason") == "Unschedulable" && known.str("message") == message;
    let is_same_room = nominated.is_none_or(|node| node == pod.status().str("nominatedNodeName"));
    if is_known && is_same_room {
        return;
    }
    let since = if known.str("status") == "False" {
        known.get("lastTransitionTime").to_value()
    } else {
        clock::now_text().into()
    };
    let mut status = json!({"conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "observedGeneration": pod.meta().int("generation"), "lastProbeTime": null, "lastTransitionTime": since,
    }]});
    if let Some(node) = nominated {
        status["nominatedNodeName"] = node.into();
    }
    patch_status(informers, pod, status).await;
}

/// Takes pods away so that another fits.
pub(crate) async fn make_room(
    informers: &Informers,
    recorder: &Recorder,
    preemptor: &Object,
    victims: &[Shared],
    node: &str,
) {
    for victim in victims.iter().filter(|victim| !victim.is_going()) {
        let status = json!({"conditions": [{
            "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
            "message": "default-scheduler: preempting to accommodate a higher priority pod",
            "observedGeneration": victim.meta().int("generation"), "lastTransitionTime": clock::now_text(),
        }]});
        patch_status(informers, victim, status).await;
        match informers.delete(&kinds::PODS, victim, Value::Null).await {
            Ok(()) => {
                let message = format!("Preempted by pod {} on node {node}", preemptor.uid());
                recorder.normal(&kinds::PODS, victim, "Preempted", message);
            }
            Err(error) => debug!(%error, pod = victim.key(), "cannot take a pod away"),
        }
    }
}

async fn patch_status(informers: &Informers, pod: &Object, status: Value) {
    let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
    if let Err(error) = informers.strategic(&kinds::PODS, pod, "status", &patch).await {
        debug!(%error, pod = pod.key(), "cannot write a pod's status");
    }
}

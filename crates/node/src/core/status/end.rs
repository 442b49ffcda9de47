//! What a status becomes when its pod is over, and the limit on the messages of containers.

use super::conditions;
use super::containers::{STATUS_UNKNOWN, lost};
use super::whole_seconds;
use crate::core::model::{ephemerals, inits, is_static, spec};
use crate::core::qos;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodSpec, PodStatus};
use k8s_openapi::jiff::Timestamp;

/// The message of containers of which nothing was found at the end.
pub(super) const NOT_LOCATED: &str = "The container could not be located when the pod was terminated";
/// Bytes of termination messages that all containers of a pod share.
const MESSAGES: usize = 12 * 1024;

/// Whether a pod never leaves this phase.
pub(crate) fn is_terminal(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

/// The last status of a pod of which nothing runs any more.
pub(crate) fn finish(pod: &Pod, status: &PodStatus) -> PodStatus {
    let mut status = status.clone();
    let regular = status.container_statuses.as_deref_mut().unwrap_or_default();
    let has_run = regular.iter().any(touched);
    let initialised = status.init_container_statuses.iter().flatten().all(|container| container.ready);
    if has_run || initialised {
        regular.iter_mut().for_each(close);
    }
    let init = status.init_container_statuses.as_deref_mut().unwrap_or_default();
    let begun = init.iter().rposition(touched).map_or(0, |last| last + 1);
    init[..begun].iter_mut().for_each(close);
    if !is_static(pod) && !status.phase.as_deref().is_some_and(is_terminal) {
        status.phase = Some("Failed".to_owned());
    }
    settle(pod, &mut status);
    status
}

/// Whether a container was ever started.
fn touched(container: &ContainerStatus) -> bool {
    let any = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
    };
    any(container.state.as_ref()) || any(container.last_state.as_ref())
}

fn close(container: &mut ContainerStatus) {
    if container.state.as_ref().is_none_or(|state| state.terminated.is_none()) {
        container.state = Some(lost(STATUS_UNKNOWN, NOT_LOCATED));
    }
}

/// A terminal phase and ready conditions exclude each other.
fn settle(pod: &Pod, status: &mut PodStatus) {
    let Some(phase) = status.phase.clone().filter(|phase| is_terminal(phase)) else { return };
    for condition in status.conditions.iter_mut().flatten() {
        if matches!(condition.type_.as_str(), "Ready" | "ContainersReady") && condition.status == "True" {
            conditions::over(pod.metadata.generation, &phase, condition);
        }
    }
}

/// The status of a pod that this node does not take.
pub(crate) fn reject(pod: &Pod, reason: &str, message: &str, now: Timestamp) -> PodStatus {
    PodStatus {
        phase: Some("Failed".to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        qos_class: Some(qos::class(spec(pod)).to_owned()),
        start_time: Some(whole_seconds(now)),
        observed_generation: pod.metadata.generation,
        ..pod.status.clone().unwrap_or_default()
    }
}

/// Cuts termination messages so that the status stays small.
pub(super) fn limit_messages(spec: &PodSpec, status: &mut PodStatus) {
    let count = spec.containers.len() + inits(spec).len() + ephemerals(spec).len();
    let limit = MESSAGES / count.max(1);
    let lists =
        [&mut status.container_statuses, &mut status.init_container_statuses, &mut status.ephemeral_container_statuses];
    for container in lists.into_iter().flatten().flatten() {
        for state in [&mut container.state, &mut container.last_state].into_iter().flatten() {
            if let Some(message) = state.terminated.as_mut().and_then(|ended| ended.message.as_mut()) {
                cut(message, limit);
            }
        }
    }
}

fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        text.truncate(end);
    }
}

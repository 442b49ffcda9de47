//! Whether containers have started and are ready, from what their probes found.
//!
//! A probe that has no result yet leaves what the last status of the same container says, so that a restart of the
//! node changes nothing until a probe does.

use super::Seen;
use super::phase::find;
use crate::core::model::{Outcome, SCHEME, Verdict, inits, is_sidecar, spec};
use k8s_openapi::api::core::v1::{Container, ContainerStatus, PodStatus};

/// Fills `started` and `ready` of regular and initialising containers.
pub(super) fn fill(seen: &Seen<'_>, status: &mut PodStatus) {
    let spec = spec(seen.pod);
    let old = seen.old.container_statuses.as_deref().unwrap_or_default();
    for status in status.container_statuses.iter_mut().flatten() {
        if let Some(container) = spec.containers.iter().find(|container| container.name == status.name) {
            judge(seen, container, status, find(old, &container.name));
        }
    }
    let old = seen.old.init_container_statuses.as_deref().unwrap_or_default();
    for (container, status) in inits(spec).iter().zip(status.init_container_statuses.iter_mut().flatten()) {
        if is_sidecar(container) {
            judge(seen, container, status, find(old, &container.name));
            continue;
        }
        let state = status.state.as_ref();
        status.started = Some(state.is_some_and(|state| state.running.is_some()));
        status.ready = state.and_then(|state| state.terminated.as_ref()).is_some_and(|ended| ended.exit_code == 0);
    }
}

fn judge(seen: &Seen<'_>, container: &Container, status: &mut ContainerStatus, old: Option<&ContainerStatus>) {
    let running = status.state.as_ref().is_some_and(|state| state.running.is_some());
    let id = status.container_id.as_deref().and_then(|id| id.strip_prefix(SCHEME)).unwrap_or_default();
    let verdict = seen.verdicts.get(id).copied().unwrap_or_default();
    let same = old.filter(|old| old.container_id == status.container_id);
    let started = running && has_started(container, verdict, same);
    status.started = Some(started);
    status.ready = started && is_ready(container, verdict, same);
}

fn has_started(container: &Container, verdict: Verdict, same: Option<&ContainerStatus>) -> bool {
    match verdict.startup {
        _ if container.startup_probe.is_none() => true,
        Some(outcome) => outcome == Outcome::Success,
        None => same.is_some_and(|old| old.started == Some(true)),
    }
}

fn is_ready(container: &Container, verdict: Verdict, same: Option<&ContainerStatus>) -> bool {
    match verdict.readiness {
        _ if container.readiness_probe.is_none() => true,
        Some(outcome) => outcome == Outcome::Success,
        None => same.is_some_and(|old| old.ready),
    }
}

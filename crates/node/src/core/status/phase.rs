//! The phase of a pod from the states of its containers.

use super::Seen;
use crate::core::model::{PodState, Run, inits, is_sidecar, is_static, spec};
use crate::core::restart;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, PodSpec, PodStatus};

/// The reason of containers that go because all are started again.
pub(super) const RESTARTING_ALL: &str = "RestartingAllContainers";

/// How many containers are in which state.
#[derive(Debug, Default)]
struct Counts {
    pending_init: usize,
    pending_sidecars: usize,
    init_failed_for_good: usize,
    unknown: usize,
    running: usize,
    waiting: usize,
    stopped: usize,
    stopped_for_good: usize,
    succeeded: usize,
}

/// Decides upon the phase.
pub(super) fn of(seen: &Seen<'_>, status: &PodStatus) -> &'static str {
    let spec = spec(seen.pod);
    let counts = count(spec, status);
    if counts.init_failed_for_good > 0 {
        return "Failed";
    }
    let has_run = regular_has_started(spec, seen.state);
    if counts.pending_init > 0 || (counts.pending_sidecars > 0 && !has_run) || counts.waiting > 0 {
        return "Pending";
    }
    if counts.unknown > 0 {
        return "Pending";
    }
    if counts.running > 0 {
        return "Running";
    }
    if counts.stopped == 0 {
        return "Pending";
    }
    let ended = if counts.stopped == counts.succeeded { "Succeeded" } else { "Failed" };
    if seen.terminal && !is_static(seen.pod) {
        return ended;
    }
    if counts.stopped != counts.stopped_for_good { "Running" } else { ended }
}

fn count(spec: &PodSpec, status: &PodStatus) -> Counts {
    let mut counts = Counts::default();
    let init_statuses = status.init_container_statuses.as_deref().unwrap_or_default();
    for container in inits(spec) {
        let found = find(init_statuses, &container.name);
        if is_sidecar(container) { counts.sidecar(found) } else { counts.init(container, spec, found) }
    }
    let statuses = status.container_statuses.as_deref().unwrap_or_default();
    for container in &spec.containers {
        counts.regular(container, spec, find(statuses, &container.name));
    }
    counts
}

impl Counts {
    fn init(&mut self, container: &Container, spec: &PodSpec, status: Option<&ContainerStatus>) {
        match ended(status) {
            Ended::No | Ended::Running | Ended::Unknown => self.pending_init += 1,
            Ended::With(code, reason) => {
                if code != 0 && !goes_on(container, spec, code, reason) {
                    self.init_failed_for_good += 1;
                }
            }
        }
    }

    fn sidecar(&mut self, status: Option<&ContainerStatus>) {
        match ended(status) {
            Ended::Running => {
                self.running += 1;
                if status.and_then(|status| status.started) != Some(true) {
                    self.pending_sidecars += 1;
                }
            }
            Ended::With(..) => {}
            Ended::No => {
                self.pending_sidecars += 1;
                self.waiting += 1;
            }
            Ended::Unknown => {
                self.pending_sidecars += usize::from(status.is_some());
                self.unknown += 1;
            }
        }
    }

    fn regular(&mut self, container: &Container, spec: &PodSpec, status: Option<&ContainerStatus>) {
        match ended(status) {
            Ended::Running => self.running += 1,
            Ended::No => self.waiting += 1,
            Ended::Unknown => self.unknown += 1,
            Ended::With(code, reason) => {
                self.stopped += 1;
                self.stopped_for_good += usize::from(!goes_on(container, spec, code, reason));
                let terminated = status.and_then(|status| status.state.as_ref()?.terminated.as_ref());
                self.succeeded += usize::from(terminated.is_some_and(|ended| ended.exit_code == 0));
            }
        }
    }
}

/// Whether a container has ended, by its state or, if it waits, by its last.
enum Ended<'a> {
    With(i32, &'a str),
    Running,
    No,
    Unknown,
}

fn ended(status: Option<&ContainerStatus>) -> Ended<'_> {
    let Some(status) = status else { return Ended::Unknown };
    let state = status.state.as_ref();
    if state.is_some_and(|state| state.running.is_some()) {
        return Ended::Running;
    }
    let waits = state.is_some_and(|state| state.waiting.is_some());
    let last = status.last_state.as_ref().filter(|_| waits);
    match state.and_then(|state| state.terminated.as_ref()).or_else(|| last?.terminated.as_ref()) {
        Some(terminated) => Ended::With(terminated.exit_code, terminated.reason.as_deref().unwrap_or_default()),
        None if waits => Ended::No,
        None => Ended::Unknown,
    }
}

fn goes_on(container: &Container, spec: &PodSpec, code: i32, reason: &str) -> bool {
    restart::after_exit(container, spec, code) || reason == RESTARTING_ALL
}

/// The status of a name.
pub(super) fn find<'a>(statuses: &'a [ContainerStatus], name: &str) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|status| status.name == name)
}

/// Whether a regular container of the present sandbox was ever made.
fn regular_has_started(spec: &PodSpec, state: &PodState) -> bool {
    let sandbox_lives = state.sandbox.as_ref().is_some_and(|sandbox| sandbox.ready);
    sandbox_lives
        && spec
            .containers
            .iter()
            .any(|container| state.latest(&container.name).is_some_and(|latest| latest.run != Run::Unknown))
}

//! Initialising containers: one after the other, and those that stay beside the regular ones.
//!
//! They are looked at from the last to the first, because the finished ones may be gone from the runtime: the last one
//! of which anything is known tells how far the pod has come.

use super::{Plan, UNKNOWN, Why, has_changed};
use crate::core::model::{ContainerState, Outcome, Place, PodState, Run, Verdict, Verdicts, inits, is_sidecar, spec};
use crate::core::restart;
use k8s_openapi::api::core::v1::{Container, Pod};

/// What a look at one container leads to.
enum Next {
    /// It is in its place; go on with the one before.
    Stay,
    /// Nothing can follow: the pod is over.
    Fail,
}

/// Where the walk stands.
struct Walk<'a> {
    pod: &'a Pod,
    state: &'a PodState,
    /// How many initialising containers there are.
    count: usize,
    /// Something later than this container has run.
    passed: bool,
    /// The regular containers may run.
    initialized: bool,
    /// Those to start, the last first.
    start: Vec<usize>,
}

/// Adds what is to be done for initialising containers; whether the regular ones may be looked at.
pub(super) fn plan(pod: &Pod, state: &PodState, verdicts: &Verdicts, plan: &mut Plan) -> bool {
    let containers = inits(spec(pod));
    if containers.is_empty() {
        return true;
    }
    let has_run = spec(pod).containers.iter().any(|container| {
        state.latest(&container.name).is_some_and(|latest| matches!(latest.run, Run::Created | Run::Running { .. }))
    });
    let mut walk =
        Walk { pod, state, count: containers.len(), passed: has_run, initialized: has_run, start: Vec::new() };
    for (index, container) in containers.iter().enumerate().rev() {
        let Some(latest) = state.latest(&container.name) else {
            if walk.passed && is_sidecar(container) {
                walk.start.push(index);
            }
            continue;
        };
        if walk.passed && !is_sidecar(container) {
            continue;
        }
        let verdict = verdicts.get(&latest.id).copied().unwrap_or_default();
        if let Next::Fail = walk.look(index, container, latest, verdict, plan) {
            plan.kill_pod = true;
            return false;
        }
        walk.passed = true;
    }
    if !walk.passed {
        walk.start.push(0);
    }
    walk.start.iter().rev().for_each(|&index| plan.start(Place::Init, index));
    walk.initialized
}

impl Walk<'_> {
    fn look(
        &mut self,
        index: usize,
        container: &Container,
        latest: &ContainerState,
        verdict: Verdict,
        plan: &mut Plan,
    ) -> Next {
        match &latest.run {
            Run::Created => self.start.push(index),
            Run::Running { .. } if is_sidecar(container) => self.sidecar(index, container, latest, verdict, plan),
            Run::Running { .. } => {}
            Run::Exited(_) if is_sidecar(container) => self.start.push(index),
            Run::Exited(_) if latest.has_failed() => {
                if !restart::is_due(container, self.pod, self.state) {
                    return Next::Fail;
                }
                self.start.push(index);
            }
            Run::Exited(_) => self.finished(index),
            Run::Unknown => {
                let policy = container.restart_policy.as_deref().unwrap_or_else(|| restart::policy(spec(self.pod)));
                if policy == "Never" {
                    return Next::Fail;
                }
                plan.kill(latest, UNKNOWN.replace("{}", "Init container"), Why::Other);
                self.start.push(index);
            }
        }
        Next::Stay
    }

    /// This one is through: the next may begin, or the regular ones.
    fn finished(&mut self, index: usize) {
        if index + 1 == self.count {
            self.initialized = true;
        } else if !self.passed {
            self.start.push(index + 1);
        }
    }

    fn sidecar(
        &mut self,
        index: usize,
        container: &Container,
        latest: &ContainerState,
        verdict: Verdict,
        plan: &mut Plan,
    ) {
        if container.startup_probe.is_some() {
            match verdict.startup {
                Some(Outcome::Success) => {}
                Some(Outcome::Failure) => {
                    let message = format!("Init container {} failed startup probe", container.name);
                    plan.kill(latest, message, Why::StartupProbe);
                    self.start.push(index);
                    return;
                }
                None => return,
            }
        }
        self.finished(index);
        let (message, why) = if has_changed(container, latest) {
            (format!("Init container {} definition changed", container.name), Why::Other)
        } else if container.liveness_probe.is_some() && verdict.liveness == Some(Outcome::Failure) {
            (format!("Init container {} failed liveness probe", container.name), Why::LivenessProbe)
        } else {
            return;
        };
        plan.kill(latest, message, why);
        self.start.push(index);
    }
}

//! What to do next for a pod: its spec and what is seen of it in, actions out.
//!
//! Nothing is done here and no clock is read; back-off is looked at when a container is about to be started
//! (`crate::worker`). Initialising containers have their own file, [`init`].

mod init;
#[cfg(test)]
mod tests;

use super::model::{ContainerState, Outcome, Place, PodState, Run, Verdicts, ephemerals, inits, spec};
use super::restart;
use k8s_openapi::api::core::v1::{Container, Pod};

/// What to do next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Stop everything first.
    pub(crate) kill_pod: bool,
    /// Make a sandbox; this is its number.
    pub(crate) sandbox: Option<u32>,
    /// Another sandbox was there before.
    pub(crate) sandbox_changed: bool,
    /// Containers to stop.
    pub(crate) kill: Vec<Kill>,
    /// Containers to stop and forget, in this order, because all are started again.
    pub(crate) reset: Vec<Reset>,
    /// Containers to start, in this order.
    pub(crate) start: Vec<Start>,
}

/// A container to start: where it stands in the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) place: Place,
    pub(crate) index: usize,
}

/// A container to stop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kill {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) why: Why,
}

/// Why a container is stopped; probes may bring a grace period of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    StartupProbe,
    LivenessProbe,
    Other,
}

/// A container to forget.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reset {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) running: bool,
}

impl Plan {
    fn start(&mut self, place: Place, index: usize) {
        self.start.push(Start { place, index });
    }

    fn kill(&mut self, container: &ContainerState, message: String, why: Why) {
        self.kill.push(Kill { id: container.id.clone(), name: container.name.clone(), message, why });
    }
}

/// Decides what to do for a pod that is to run.
pub(crate) fn plan(pod: &Pod, state: &PodState, verdicts: &Verdicts, restart_all: bool) -> Plan {
    if restart_all {
        return reset(pod, state);
    }
    match &state.sandbox {
        Some(sandbox) if sandbox.ready => keep(pod, state, verdicts),
        other => renew(pod, state, other.as_ref().map(|sandbox| sandbox.attempt)),
    }
}

/// There is no sandbox, or it is dead: everything begins anew.
fn renew(pod: &Pod, state: &PodState, previous: Option<u32>) -> Plan {
    let spec = spec(pod);
    let attempt = previous.map_or(0, |attempt| attempt + 1);
    let mut plan =
        Plan { kill_pod: true, sandbox: Some(attempt), sandbox_changed: previous.is_some(), ..Plan::default() };
    let ran_once = !restart::restarts_on_failure(spec) && attempt != 0 && !state.containers.is_empty();
    if ran_once {
        plan.sandbox = None;
        return plan;
    }
    let due: Vec<usize> = (0..spec.containers.len()).filter(|&i| !is_done(pod, &spec.containers[i], state)).collect();
    if due.is_empty() && spec.containers.iter().any(|container| state.latest(&container.name).is_some()) {
        plan.sandbox = None;
        return plan;
    }
    if inits(spec).is_empty() {
        due.into_iter().for_each(|index| plan.start(Place::Regular, index));
    } else {
        plan.start(Place::Init, 0);
    }
    plan
}

/// Whether a container has succeeded and is to run only until then.
fn is_done(pod: &Pod, container: &Container, state: &PodState) -> bool {
    let policy = container.restart_policy.as_deref().unwrap_or_else(|| restart::policy(spec(pod)));
    let exit = state.latest(&container.name).and_then(ContainerState::exit);
    policy == "OnFailure" && exit.is_some_and(|exit| exit.code == 0)
}

/// The sandbox lives: look at each container.
fn keep(pod: &Pod, state: &PodState, verdicts: &Verdicts) -> Plan {
    let spec = spec(pod);
    let mut plan = Plan::default();
    for (index, ephemeral) in ephemerals(spec).iter().enumerate() {
        if state.latest(&ephemeral.name).is_none() {
            plan.start(Place::Ephemeral, index);
        }
    }
    if !init::plan(pod, state, verdicts, &mut plan) {
        return plan;
    }
    let mut kept = 0;
    let before = plan.start.iter().filter(|start| start.place == Place::Regular).count();
    for (index, container) in spec.containers.iter().enumerate() {
        if regular(pod, container, index, state, verdicts, &mut plan) {
            kept += 1;
        }
    }
    let started = plan.start.iter().filter(|start| start.place == Place::Regular).count() - before;
    if kept == 0 && started == 0 {
        plan.kill_pod = true;
        plan.start.retain(|start| start.place != Place::Init);
    }
    plan
}

/// Decides upon a regular container; whether it goes on as it is.
fn regular(
    pod: &Pod,
    container: &Container,
    index: usize,
    state: &PodState,
    verdicts: &Verdicts,
    plan: &mut Plan,
) -> bool {
    let Some(latest) = state.latest(&container.name).filter(|latest| latest.is_running()) else {
        if restart::is_due(container, pod, state) {
            plan.start(Place::Regular, index);
            if let Some(latest) = state.latest(&container.name).filter(|latest| latest.run == Run::Unknown) {
                plan.kill(latest, UNKNOWN.replace("{}", "Container"), Why::Other);
            }
        }
        return false;
    };
    let verdict = verdicts.get(&latest.id).copied().unwrap_or_default();
    let (reason, why, always) = if has_changed(container, latest) {
        ("definition changed", Why::Other, true)
    } else if verdict.liveness == Some(Outcome::Failure) {
        ("failed liveness probe", Why::LivenessProbe, false)
    } else if verdict.startup == Some(Outcome::Failure) {
        ("failed startup probe", Why::StartupProbe, false)
    } else {
        return true;
    };
    let policy = container.restart_policy.as_deref().unwrap_or_else(|| restart::policy(spec(pod)));
    let restart = always || policy != "Never";
    let mut message = format!("Container {} {reason}", container.name);
    if restart {
        message.push_str(", will be restarted");
        plan.start(Place::Regular, index);
    }
    plan.kill(latest, message, why);
    false
}

/// The message about a container that the runtime cannot tell about.
const UNKNOWN: &str = "{} is in \"unknown\" state, try killing it before restart";

/// Whether the spec is not what the container was made from.
fn has_changed(container: &Container, latest: &ContainerState) -> bool {
    !latest.hash.is_empty() && latest.hash != hash(container)
}

/// What of a container's spec makes it another container when it changes: its name and its image.
pub(crate) fn hash(container: &Container) -> String {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    digest.update(container.name.as_bytes());
    digest.update([0]);
    digest.update(container.image.as_deref().unwrap_or_default().as_bytes());
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// All containers are stopped and forgotten in reverse order; those that asked for it come last.
fn reset(pod: &Pod, state: &PodState) -> Plan {
    let spec = spec(pod);
    let mut plan = Plan::default();
    let (mut sources, mut others) = (Vec::new(), Vec::new());
    for container in spec.containers.iter().rev().chain(inits(spec).iter().rev()) {
        let of_name = state.containers.iter().filter(|known| known.name == container.name);
        let list = if restart::is_source(container, state) { &mut sources } else { &mut others };
        list.extend(of_name.map(|known| Reset {
            id: known.id.clone(),
            name: known.name.clone(),
            running: known.is_running() || known.run == Run::Unknown,
        }));
    }
    plan.reset = others.into_iter().chain(sources).collect();
    plan
}

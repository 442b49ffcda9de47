//! The conditions that the node owns. Those of others are kept as they are.

use super::phase::find;
use super::{Seen, whole_seconds};
use crate::core::model::{inits, is_sidecar, spec};
use crate::core::restart;
use k8s_openapi::api::core::v1::{ContainerStatus, PodCondition, PodStatus};

/// What the node writes.
pub(super) const OWN: [&str; 8] = [
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
    restart::ALL_RESTARTING,
    "PodResizePending",
    "PodResizeInProgress",
];

/// A verdict on one condition.
struct Said {
    status: bool,
    reason: &'static str,
    message: String,
}

impl Said {
    fn yes() -> Said {
        Said { status: true, reason: "", message: String::new() }
    }

    fn no(reason: &'static str, message: String) -> Said {
        Said { status: false, reason, message }
    }
}

/// Fills the conditions.
pub(super) fn fill(seen: &Seen<'_>, status: &mut PodStatus) {
    let of_pod = seen.pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let others = of_pod.iter().filter(|condition| !OWN.contains(&condition.type_.as_str()));
    let mut all: Vec<PodCondition> = others.cloned().collect();
    let ready = containers_ready(seen, status);
    let sandbox = seen.state.sandbox.as_ref().is_some_and(|sandbox| sandbox.ready);
    let to_start = if sandbox { Said::yes() } else { Said::no("", String::new()) };
    let pod_ready = pod_ready(seen, &all, &ready);
    all.push(condition(seen, "PodReadyToStartContainers", &to_start));
    all.push(condition(seen, "Initialized", &initialized(seen, status)));
    all.push(condition(seen, "Ready", &pod_ready));
    all.push(condition(seen, "ContainersReady", &ready));
    all.push(condition(seen, "PodScheduled", &Said::yes()));
    if restart::all_could_restart(spec(seen.pod)) {
        all.push(condition(seen, restart::ALL_RESTARTING, &restarting(seen, status)));
    }
    status.conditions = Some(all);
}

/// A condition with the time of its last change.
fn condition(seen: &Seen<'_>, name: &str, said: &Said) -> PodCondition {
    let status = if said.status { "True" } else { "False" };
    let old = seen.old.conditions.iter().flatten().find(|old| old.type_ == name && old.status == status);
    let changed = old.and_then(|old| old.last_transition_time.clone());
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    PodCondition {
        type_: name.to_owned(),
        status: status.to_owned(),
        reason: text(said.reason),
        message: text(&said.message),
        last_transition_time: Some(changed.unwrap_or_else(|| whole_seconds(seen.now))),
        last_probe_time: None,
        observed_generation: seen.pod.metadata.generation,
    }
}

/// The same condition where a pod is over, whatever its containers said.
pub(super) fn over(seen_generation: Option<i64>, phase: &str, condition: &mut PodCondition) {
    condition.status = "False".to_owned();
    condition.reason = Some(if phase == "Failed" { "PodFailed" } else { "PodCompleted" }.to_owned());
    condition.message = None;
    condition.observed_generation = seen_generation;
}

fn containers_ready(seen: &Seen<'_>, status: &PodStatus) -> Said {
    let spec = spec(seen.pod);
    let (mut unknown, mut unready) = (Vec::new(), Vec::new());
    let init = status.init_container_statuses.as_deref().unwrap_or_default();
    let regular = status.container_statuses.as_deref().unwrap_or_default();
    let sidecars = inits(spec).iter().filter(|container| is_sidecar(container)).map(|container| (container, init));
    for (container, list) in sidecars.chain(spec.containers.iter().map(|container| (container, regular))) {
        match find(list, &container.name) {
            None => unknown.push(container.name.as_str()),
            Some(status) if !status.ready => unready.push(container.name.as_str()),
            Some(_) => {}
        }
    }
    match status.phase.as_deref() {
        Some("Succeeded") if unknown.is_empty() => return Said::no("PodCompleted", String::new()),
        Some("Failed") => return Said::no("PodFailed", String::new()),
        _ => {}
    }
    let message = lists(&[("unknown", &unknown), ("unready", &unready)]);
    if message.is_empty() { Said::yes() } else { Said::no("ContainersNotReady", message) }
}

fn lists(groups: &[(&str, &Vec<&str>)]) -> String {
    let named = groups.iter().filter(|(_, names)| !names.is_empty());
    let texts: Vec<String> =
        named.map(|(what, names)| format!("containers with {what} status: [{}]", names.join(" "))).collect();
    texts.join(", ")
}

fn pod_ready(seen: &Seen<'_>, others: &[PodCondition], containers: &Said) -> Said {
    if !containers.status {
        return Said::no(containers.reason, containers.message.clone());
    }
    let gates = spec(seen.pod).readiness_gates.as_deref().unwrap_or_default();
    let complaints: Vec<String> = gates
        .iter()
        .filter_map(|gate| {
            let name = &gate.condition_type;
            match others.iter().find(|condition| condition.type_ == *name) {
                None => Some(format!("corresponding condition of pod readiness gate {name:?} does not exist.")),
                Some(condition) if condition.status != "True" => {
                    Some(format!("the status of pod readiness gate {name:?} is not \"True\", but {}", condition.status))
                }
                Some(_) => None,
            }
        })
        .collect();
    if complaints.is_empty() { Said::yes() } else { Said::no("ReadinessGatesNotReady", complaints.join(", ")) }
}

fn initialized(seen: &Seen<'_>, status: &PodStatus) -> Said {
    let spec = spec(seen.pod);
    let statuses = status.init_container_statuses.as_deref().unwrap_or_default();
    let (mut unknown, mut incomplete) = (Vec::new(), Vec::new());
    for container in inits(spec) {
        let done = |status: &ContainerStatus| {
            if is_sidecar(container) { status.started == Some(true) } else { status.ready }
        };
        match find(statuses, &container.name) {
            None => unknown.push(container.name.as_str()),
            Some(status) if !done(status) => incomplete.push(container.name.as_str()),
            Some(_) => {}
        }
    }
    if status.phase.as_deref() == Some("Succeeded") && unknown.is_empty() {
        return Said { status: true, reason: "PodCompleted", message: String::new() };
    }
    let has_run =
        status.container_statuses.iter().flatten().any(|status| {
            status.state.as_ref().is_some_and(|state| state.running.is_some() || state.terminated.is_some())
        });
    let message = lists(&[("unknown", &unknown), ("incomplete", &incomplete)]);
    let was = seen.old.conditions.iter().flatten().any(|old| old.type_ == "Initialized" && old.status == "True");
    if has_run || message.is_empty() || was { Said::yes() } else { Said::no("ContainersNotInitialized", message) }
}

fn restarting(seen: &Seen<'_>, status: &PodStatus) -> Said {
    match status.phase.as_deref() {
        Some("Succeeded") => return Said::no("PodCompleted", String::new()),
        Some("Failed") => return Said::no("PodFailed", String::new()),
        _ => {}
    }
    let due = super::restarts_all(seen) && !restart::all_cleared(seen.pod, seen.state);
    if !due {
        return Said::no("", String::new());
    }
    let message = "container exited with restart policy rule".to_owned();
    Said { status: true, reason: "RestartAllContainersStarted", message }
}

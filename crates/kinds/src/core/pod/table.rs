//! Pods as rows of a table, and the fields by which they are selected.

use crate::columns::age;
use crate::strategy::Column;
use object::{Value, View, json, time};
use std::collections::HashMap;

/// Why a pod with scheduling gates is not scheduled.
pub(super) const GATED: &str = "SchedulingGated";

/// Reason of a pod on a node that is gone.
const NODE_LOST: &str = "NodeLost";

/// Fields that a selector may use; the last two are old names.
pub(super) const SELECTABLE: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
    "spec.host",
];

/// The value of a selectable field.
pub(super) fn selectable(pod: View<'_>, name: &str) -> String {
    let (spec, status) = (pod.get("spec"), pod.get("status"));
    match name {
        "spec.host" | "spec.nodeName" => spec.str("nodeName").to_owned(),
        "spec.hostNetwork" => spec.bool("hostNetwork").to_string(),
        "status.podIP" => first_ip(status).to_owned(),
        "status.podIPs" => String::new(),
        _ => match name.split_once('.') {
            Some(("spec", field)) => spec.str(field).to_owned(),
            Some(("status", field)) => status.str(field).to_owned(),
            _ => String::new(),
        },
    }
}

/// The columns of pods.
pub(super) const COLUMNS: &[Column] = &[
    Column::NAME,
    column("Ready", "The aggregate readiness state of this pod for accepting traffic.", 0),
    column("Status", "The aggregate status of the containers in this pod.", 0),
    column(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
        0,
    ),
    Column::AGE,
    column("IP", "@status.podIP", 1),
    column("Node", "@spec.nodeName", 1),
    column("Nominated Node", "@status.nominatedNodeName", 1),
    column("Readiness Gates", "@spec.readinessGates", 1),
];

const fn column(name: &'static str, description: &'static str, priority: u8) -> Column {
    Column { name, kind: "string", format: "", description, priority }
}

/// A pod that has ended says so.
pub(super) fn conditions(pod: View<'_>) -> Vec<Value> {
    let phase = pod.get("status").str("phase");
    let message = match phase {
        "Succeeded" => "The pod has completed successfully.",
        "Failed" => "The pod failed.",
        _ => return Vec::new(),
    };
    vec![json!({"type": "Completed", "status": "True", "reason": phase, "message": message})]
}

/// The row of a pod.
pub(super) fn row(pod: View<'_>, now: i64) -> Vec<Value> {
    let (meta, spec, status) = (pod.get("metadata"), pod.get("spec"), pod.get("status"));
    let summary = Summary::of(pod);
    let or_none = |text: &str| Value::from(if text.is_empty() { "<none>" } else { text });
    let total = spec.get("containers").len() + spec.list("initContainers").filter(|c| is_sidecar(*c)).count();
    vec![
        meta.str("name").into(),
        format!("{}/{total}", summary.ready).into(),
        summary.reason_of(pod).into(),
        summary.restarts(now).into(),
        age(meta.str("creationTimestamp"), now).into(),
        or_none(first_ip(status)),
        or_none(spec.str("nodeName")),
        or_none(status.str("nominatedNodeName")),
        or_none(&readiness_gates(spec, status)),
    ]
}

fn first_ip(status: View<'_>) -> &str {
    status.list("podIPs").next().map(|ip| ip.str("ip")).unwrap_or_default()
}

fn is_sidecar(container: View<'_>) -> bool {
    container.str("restartPolicy") == "Always"
}

fn readiness_gates(spec: View<'_>, status: View<'_>) -> String {
    let gates = spec.list("readinessGates");
    if gates.len() == 0 {
        return String::new();
    }
    let mut states: HashMap<&str, &str> = HashMap::new();
    for condition in status.list("conditions") {
        states.entry(condition.str("type")).or_insert(condition.str("status"));
    }
    let total = gates.len();
    let passed = gates.filter(|gate| states.get(gate.str("conditionType")) == Some(&"True")).count();
    format!("{passed}/{total}")
}

/// What the containers of a pod add up to.
#[derive(Default)]
struct Summary {
    ready: usize,
    restarts: i64,
    /// When a container last ended that was restarted, in seconds.
    last_restart: Option<i64>,
    /// What keeps the pod from running, or what its containers say.
    reason: Option<String>,
}

impl Summary {
    fn of(pod: View<'_>) -> Summary {
        let status = pod.get("status");
        let (mut all, mut sidecars) = (Summary::default(), Summary::default());
        let initializing = all.add_init_containers(pod, &mut sidecars);
        if initializing && !has_condition(status, "Initialized") {
            return all;
        }
        all.restarts = sidecars.restarts;
        all.last_restart = sidecars.last_restart;
        all.add_containers(status);
        all
    }

    /// Goes through init containers up to the first that is not done, and tells whether there is one.
    fn add_init_containers(&mut self, pod: View<'_>, sidecars: &mut Summary) -> bool {
        let spec = pod.get("spec");
        let by_name: HashMap<&str, View<'_>> = spec.list("initContainers").map(|c| (c.str("name"), c)).collect();
        for (index, container) in pod.get("status").list("initContainerStatuses").enumerate() {
            self.count_restarts(container);
            let sidecar = by_name.get(container.str("name")).is_some_and(|spec| is_sidecar(*spec));
            if sidecar {
                sidecars.count_restarts(container);
            }
            let state = container.get("state");
            let (ended, waits) = (state.get("terminated"), state.get("waiting").str("reason"));
            if ended.exists() && ended.int("exitCode") == 0 {
                continue;
            }
            if sidecar && container.bool("started") {
                self.ready += usize::from(container.bool("ready"));
                continue;
            }
            let text = match waits {
                _ if ended.exists() => ended_reason(ended),
                "" | "PodInitializing" => format!("{index}/{}", spec.get("initContainers").len()),
                reason => reason.to_owned(),
            };
            self.reason = Some(format!("Init:{text}"));
            return true;
        }
        false
    }

    fn add_containers(&mut self, status: View<'_>) {
        let mut running = false;
        let mut failure = None;
        for container in status.list("containerStatuses").rev() {
            self.count_restarts(container);
            let state = container.get("state");
            let (ended, waits) = (state.get("terminated"), state.get("waiting").str("reason"));
            if !waits.is_empty() {
                self.reason = Some(waits.to_owned());
            } else if ended.exists() {
                let reason = ended_reason(ended);
                if ended.int("exitCode") != 0 {
                    failure = Some(reason.clone());
                }
                self.reason = Some(reason);
            } else if container.bool("ready") && state.has("running") {
                running = true;
                self.ready += 1;
            }
        }
        if base_or(self.reason.as_deref(), status) != "Completed" {
            return;
        }
        if running && has_condition(status, "Ready") {
            self.reason = Some("Running".to_owned());
        } else if failure.is_some() {
            self.reason = failure;
        } else if running {
            self.reason = Some("NotReady".to_owned());
        }
    }

    fn count_restarts(&mut self, container: View<'_>) {
        self.restarts += container.int("restartCount");
        let ended = container.at(&["lastState", "terminated"]).str("finishedAt");
        self.last_restart = self.last_restart.max(time::parse_seconds(ended));
    }

    fn reason_of(&self, pod: View<'_>) -> String {
        let status = pod.get("status");
        let phase = status.str("phase");
        if pod.get("metadata").has("deletionTimestamp") {
            if status.str("reason") == NODE_LOST {
                return "Unknown".to_owned();
            }
            if !matches!(phase, "Failed" | "Succeeded") {
                return "Terminating".to_owned();
            }
        }
        base_or(self.reason.as_deref(), status).to_owned()
    }

    fn restarts(&self, now: i64) -> String {
        match self.last_restart {
            Some(last) if self.restarts != 0 => {
                format!("{} ({} ago)", self.restarts, time::human_duration(now - last))
            }
            _ => self.restarts.to_string(),
        }
    }
}

/// The reason of the containers, else that of the pod.
fn base_or<'a>(reason: Option<&'a str>, status: View<'a>) -> &'a str {
    let gated = |condition: View<'_>| condition.str("type") == "PodScheduled" && condition.str("reason") == GATED;
    match (reason, status.str("reason")) {
        (Some(reason), _) => reason,
        _ if status.list("conditions").any(gated) => GATED,
        (None, "") => status.str("phase"),
        (None, reason) => reason,
    }
}

fn has_condition(status: View<'_>, kind: &str) -> bool {
    status.list("conditions").any(|condition| condition.str("type") == kind && condition.str("status") == "True")
}

fn ended_reason(ended: View<'_>) -> String {
    match (ended.str("reason"), ended.int("signal")) {
        ("", 0) => format!("ExitCode:{}", ended.int("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

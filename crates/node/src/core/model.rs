//! What the node sees of a pod: its sandbox and its containers as the runtime tells them.
//!
//! Plain values without a clock; [`super::plan`] and [`super::status`] decide upon them. How they are read from the
//! runtime stands in `crate::observe`.

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, Pod, PodSpec};
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// What the runtime has of one pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PodState {
    /// The sandbox, if one was made.
    pub(crate) sandbox: Option<Sandbox>,
    /// Containers, the newest first.
    pub(crate) containers: Vec<ContainerState>,
    /// Addresses in the pod's network; empty in the host's.
    pub(crate) addresses: Vec<IpAddr>,
}

/// The namespaces that the containers of a pod share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sandbox {
    /// Whether containers can be started in it.
    pub(crate) ready: bool,
    /// How many sandboxes the pod had before.
    pub(crate) attempt: u32,
}

/// One container of a pod, running or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ContainerState {
    /// The runtime's identifier, without the scheme.
    pub(crate) id: String,
    /// The name in the spec.
    pub(crate) name: String,
    /// How many of that name there were before.
    pub(crate) attempt: u32,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// The image as the spec names it.
    pub(crate) image: String,
    /// The image as its content names it.
    pub(crate) image_ref: String,
    /// What the spec was when it was made, as a hash; empty if unknown.
    pub(crate) hash: String,
    /// What it is doing.
    pub(crate) run: Run,
    /// As whom its first process began.
    pub(crate) user: Option<User>,
}

/// As whom a process runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct User {
    pub(crate) uid: i64,
    pub(crate) gid: i64,
    pub(crate) groups: Vec<i64>,
}

/// What a container is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Run {
    /// Made, not started; starting it leads to [`Run::Running`].
    Created,
    /// Its first process lives; leads to [`Run::Exited`].
    Running { started_at: Timestamp },
    /// Final.
    Exited(Exit),
    /// The runtime cannot tell.
    Unknown,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

impl PodState {
    /// The newest container of a name.
    pub(crate) fn latest(&self, name: &str) -> Option<&ContainerState> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Whether a container's first process lives.
    pub(crate) fn any_running(&self) -> bool {
        self.containers.iter().any(|container| container.is_running())
    }

    /// Puts the newest first.
    pub(crate) fn sort(&mut self) {
        self.containers.sort_by_key(|container| std::cmp::Reverse((container.created_at, container.attempt)));
    }
}

impl ContainerState {
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.run, Run::Running { .. })
    }

    pub(crate) fn exit(&self) -> Option<&Exit> {
        match &self.run {
            Run::Exited(exit) => Some(exit),
            _ => None,
        }
    }

    /// Whether an initialising container of this state has failed.
    pub(crate) fn has_failed(&self) -> bool {
        match &self.run {
            Run::Exited(exit) => exit.code != 0 || exit.reason == "OOMKilled",
            Run::Unknown => true,
            Run::Created | Run::Running { .. } => false,
        }
    }

    /// The identifier with its scheme, as the API shows it.
    pub(crate) fn api_id(&self) -> String {
        api_id(&self.id)
    }
}

/// The scheme in front of container identifiers, which names the runtime.
pub(crate) const SCHEME: &str = "hakata://";

/// An identifier as the API shows it.
pub(crate) fn api_id(id: &str) -> String {
    format!("{SCHEME}{id}")
}

/// What probes found, by the runtime's container identifier.
pub(crate) type Verdicts = HashMap<String, Verdict>;

/// What the probes of one container found last; `None` is a probe without a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) startup: Option<Outcome>,
    pub(crate) liveness: Option<Outcome>,
    pub(crate) readiness: Option<Outcome>,
}

/// What a probe found, after thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
}

/// Which list of the spec a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Init,
    Regular,
    Ephemeral,
}

/// The initialising and the regular containers.
pub(crate) fn lasting(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    inits(spec).iter().chain(&spec.containers)
}

/// The initialising containers.
pub(crate) fn inits(spec: &PodSpec) -> &[Container] {
    spec.init_containers.as_deref().unwrap_or_default()
}

/// The containers that were added to look around.
pub(crate) fn ephemerals(spec: &PodSpec) -> &[EphemeralContainer] {
    spec.ephemeral_containers.as_deref().unwrap_or_default()
}

/// An ephemeral container in the form of the others.
pub(crate) fn as_container(ephemeral: &EphemeralContainer) -> Container {
    let from = ephemeral.clone();
    Container {
        args: from.args,
        command: from.command,
        env: from.env,
        env_from: from.env_from,
        image: from.image,
        image_pull_policy: from.image_pull_policy,
        name: from.name,
        security_context: from.security_context,
        stdin: from.stdin,
        stdin_once: from.stdin_once,
        termination_message_path: from.termination_message_path,
        termination_message_policy: from.termination_message_policy,
        tty: from.tty,
        volume_devices: from.volume_devices,
        volume_mounts: from.volume_mounts,
        working_dir: from.working_dir,
        ..Container::default()
    }
}

/// Whether an initialising container goes on beside the regular ones.
pub(crate) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// The spec; a pod from the API always has one.
pub(crate) fn spec(pod: &Pod) -> &PodSpec {
    static EMPTY: std::sync::LazyLock<PodSpec> = std::sync::LazyLock::new(PodSpec::default);
    pod.spec.as_ref().unwrap_or(&EMPTY)
}

/// `name_namespace(uid)`, as messages name a pod.
pub(crate) fn described(pod: &Pod) -> String {
    let meta = &pod.metadata;
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!("{}_{}({})", text(&meta.name), text(&meta.namespace), text(&meta.uid))
}

/// Whether the pod shares the host's network.
pub(crate) fn on_host_network(pod: &Pod) -> bool {
    spec(pod).host_network == Some(true)
}

/// Whether the pod came from a file of this node, not from the API.
pub(crate) fn is_static(pod: &Pod) -> bool {
    let annotations = pod.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get("kubernetes.io/config.source")).is_some_and(|source| source != "api")
}

/// Whether the pod in the API stands for a file of a node.
pub(crate) fn is_mirror(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|all| all.contains_key("kubernetes.io/config.mirror"))
}

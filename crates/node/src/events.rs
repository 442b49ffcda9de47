//! Events about pods and the node, as `kubectl describe` shows them: repeated ones are counted, floods are held back.
//!
//! Deciding stands in [`tally`]; this file sends. Losing an event never hurts a pod.

mod tally;

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use tally::{Tally, Verdict};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use value::json;

/// Events that may wait to be sent.
const QUEUE: usize = 1000;

/// Whether an event is one to worry about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        }
    }
}

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    about: ObjectReference,
    severity: Severity,
    reason: &'static str,
    message: String,
    at: Timestamp,
}

/// Takes events. Clones send to the same task.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    /// events: pod workers, probes -> sender
    events_tx: mpsc::Sender<Happening>,
}

impl Recorder {
    /// A recorder, and the task that sends what it takes until `stop` and then what is left.
    pub(crate) fn new(
        client: kube::Client,
        node: String,
        stop: CancellationToken,
    ) -> (Recorder, impl Future<Output = ()>) {
        let (events_tx, events_rx) = mpsc::channel(QUEUE);
        (Recorder { events_tx }, send_all(client, node, events_rx, stop))
    }

    /// Tells something about a pod.
    pub(crate) fn pod(&self, pod: &Pod, severity: Severity, reason: &'static str, message: impl Into<String>) {
        self.tell(reference(pod, None), severity, reason, message.into());
    }

    /// Tells something about a container of a pod; `path` is where it stands in the spec.
    pub(crate) fn container(
        &self,
        pod: &Pod,
        path: &str,
        severity: Severity,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        self.tell(reference(pod, Some(path)), severity, reason, message.into());
    }

    /// Tells something about the node.
    pub(crate) fn node(&self, name: &str, severity: Severity, reason: &'static str, message: impl Into<String>) {
        let about = ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(name.to_owned()),
            uid: Some(name.to_owned()),
            ..ObjectReference::default()
        };
        self.tell(about, severity, reason, message.into());
    }

    fn tell(&self, about: ObjectReference, severity: Severity, reason: &'static str, message: String) {
        let happening = Happening { about, severity, reason, message, at: Timestamp::now() };
        if self.events_tx.try_send(happening).is_err() {
            debug!(reason, "too many events are waiting; one is lost");
        }
    }
}

/// The name of a field of the spec that holds a container.
pub(crate) fn container_path(pod: &Pod, name: &str) -> String {
    let spec = crate::core::model::spec(pod);
    let list = if crate::core::model::inits(spec).iter().any(|container| container.name == name) {
        "initContainers"
    } else if crate::core::model::ephemerals(spec).iter().any(|container| container.name == name) {
        "ephemeralContainers"
    } else {
        "containers"
    };
    format!("spec.{list}{{{name}}}")
}

fn reference(pod: &Pod, path: Option<&str>) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: pod.metadata.name.clone(),
        namespace: pod.metadata.namespace.clone(),
        uid: pod.metadata.uid.clone(),
        resource_version: pod.metadata.resource_version.clone(),
        field_path: path.map(str::to_owned),
    }
}

async fn send_all(
    client: kube::Client,
    node: String,
    mut events_rx: mpsc::Receiver<Happening>,
    stop: CancellationToken,
) {
    let mut tally = Tally::default();
    while let Some(Some(happening)) = stop.run_until_cancelled(events_rx.recv()).await {
        send(&client, &node, &mut tally, happening).await;
    }
    while let Ok(happening) = events_rx.try_recv() {
        send(&client, &node, &mut tally, happening).await;
    }
}

async fn send(client: &kube::Client, node: &str, tally: &mut Tally, happening: Happening) {
    let namespace = happening.about.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    let done = match tally.judge(&happening) {
        Verdict::Drop => return,
        Verdict::Create { key, message } => {
            let event = event(&happening, node, &namespace, message);
            let name = event.metadata.name.clone().unwrap_or_default();
            let created = api.create(&PostParams::default(), &event).await;
            if created.is_ok() {
                tally.created(&key, name, happening.at);
            }
            created.map(drop)
        }
        Verdict::Count { key, name, count, message } => {
            let patch = json!({"count": count, "message": message, "lastTimestamp": seconds(happening.at)});
            let patched = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
            if patched.is_err() {
                tally.forget(&key);
            }
            patched.map(drop)
        }
    };
    if let Err(error) = done {
        debug!(%error, reason = happening.reason, "an event is lost");
    }
}

fn seconds(at: Timestamp) -> Time {
    crate::core::status::whole_seconds(at)
}

fn event(happening: &Happening, node: &str, namespace: &str, message: String) -> Event {
    let about = happening.about.name.as_deref().unwrap_or_default();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{about}.{:x}", happening.at.as_nanosecond())),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: happening.about.clone(),
        reason: Some(happening.reason.to_owned()),
        message: Some(message),
        type_: Some(happening.severity.name().to_owned()),
        source: Some(EventSource { component: Some("kubelet".to_owned()), host: Some(node.to_owned()) }),
        first_timestamp: Some(seconds(happening.at)),
        last_timestamp: Some(seconds(happening.at)),
        count: Some(1),
        reporting_component: Some("kubelet".to_owned()),
        reporting_instance: Some(node.to_owned()),
        ..Event::default()
    }
}

//! Events about objects: what people read in `kubectl describe`.
//!
//! What recurs is counted in one event, many similar ones are combined, and an object that causes too many is cut
//! short; [`correlate`] decides that. Events are best effort: nobody waits for them, and some may be lost.

mod correlate;

use crate::clock;
use crate::kind::{Kind, kinds};
use crate::object::Object;
use crate::request;
use correlate::{Correlator, Verdict};
use http::Method;
use kube::Client;
use object::{Value, json};
use tokio::sync::mpsc;
use tracing::debug;

/// Events that may wait to be written; more are dropped.
pub(crate) const WAITING: usize = 4096;

/// How an event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// All is well.
    Normal,
    /// Something is wrong.
    Warning,
}

impl EventType {
    fn text(self) -> &'static str {
        match self {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        }
    }
}

/// What somebody has to say about an object.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    component: &'static str,
    involved: Value,
    kind: EventType,
    reason: &'static str,
    message: String,
}

/// Writes events in the name of a component. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    component: &'static str,
    // events: whoever reconciles -> the writer
    said: mpsc::Sender<Said>,
}

impl Recorder {
    pub(crate) fn new(component: &'static str, said: mpsc::Sender<Said>) -> Recorder {
        Recorder { component, said }
    }

    /// Records an event about an object of a kind.
    pub fn event(&self, kind: &Kind, object: &Object, meant: EventType, reason: &'static str, message: String) {
        let involved = json!({
            "kind": kind.kind, "apiVersion": kind.api_version(), "namespace": object.namespace(),
            "name": object.name(), "uid": object.uid(),
            "resourceVersion": object.meta().str("resourceVersion"),
        });
        let said = Said { component: self.component, involved, kind: meant, reason, message };
        if self.said.try_send(said).is_err() {
            debug!(reason, "an event is lost: too many wait");
        }
    }

    /// Records that all is well.
    pub fn normal(&self, kind: &Kind, object: &Object, reason: &'static str, message: impl Into<String>) {
        self.event(kind, object, EventType::Normal, reason, message.into());
    }

    /// Records that something is wrong.
    pub fn warning(&self, kind: &Kind, object: &Object, reason: &'static str, message: impl Into<String>) {
        self.event(kind, object, EventType::Warning, reason, message.into());
    }
}

/// Writes events, for ever.
pub(crate) async fn write_all(client: Client, mut said: mpsc::Receiver<Said>) {
    let mut correlator = Correlator::default();
    while let Some(said) = said.recv().await {
        let verdict = correlator.judge(&said, clock::now());
        if let Err(error) = write(&client, &mut correlator, said, verdict).await {
            debug!(%error, "an event is lost");
        }
    }
}

async fn write(client: &Client, correlator: &mut Correlator, said: Said, verdict: Verdict) -> Result<(), kube::Error> {
    let namespace = said.involved["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
    let collection = kinds::EVENTS.path_in(namespace);
    match verdict {
        Verdict::Drop => return Ok(()),
        Verdict::Count { name, count, message } => {
            let patch = json!({"count": count, "lastTimestamp": clock::now_text(), "message": message});
            match request::send(client, Method::PATCH, &format!("{collection}/{name}"), &patch).await {
                // It has expired: begin anew.
                Err(error) if request::code(&error) == 404 => {}
                done => return done.map(drop),
            }
        }
        Verdict::New => {}
    }
    let event = new_event(&said, &correlator.message_of(&said), namespace);
    request::send(client, Method::POST, &collection, &event).await?;
    let name = event["metadata"]["name"].as_str().unwrap_or_default();
    correlator.wrote(&said, name);
    Ok(())
}

fn new_event(said: &Said, message: &str, namespace: &str) -> Value {
    let name = format!("{}.{:x}", said.involved["name"].as_str().unwrap_or_default(), clock::now_nanos());
    let now = clock::now_text();
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": said.involved, "reason": said.reason, "message": message, "type": said.kind.text(),
        "source": {"component": said.component}, "reportingComponent": said.component, "reportingInstance": "",
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
    })
}

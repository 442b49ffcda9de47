//! What controllers want to know of pods, and making and deleting them.

use futures_util::future::join_all;
use informer::{Informers, Kind, Object, Recorder, Shared, clock, kinds, request};
use object::{Value, View, json};
use std::time::Duration;

/// Most pods that one reconciliation makes or deletes.
pub(crate) const BURST: usize = 500;

/// A pod that neither has ended nor is being deleted.
pub(crate) fn is_active(pod: &Object) -> bool {
    !is_terminal(pod) && !pod.is_going()
}

/// A pod that has ended, well or badly.
pub(crate) fn is_terminal(pod: &Object) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// A pod that has not ended and is being deleted.
pub(crate) fn is_terminating(pod: &Object) -> bool {
    !is_terminal(pod) && pod.is_going()
}

/// The phase of a pod.
pub(crate) fn phase(pod: &Object) -> &str {
    pod.status().str("phase")
}

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Object) -> bool {
    pod.is("Ready")
}

/// Since when a pod is ready.
pub(crate) fn ready_since(pod: &Object) -> Option<i64> {
    let condition = pod.condition("Ready");
    if condition.str("status") == "True" { clock::seconds(condition.str("lastTransitionTime")) } else { None }
}

/// Whether a pod has been ready for long enough.
pub(crate) fn is_available(pod: &Object, min_ready: i64, now: i64) -> bool {
    is_ready(pod) && (min_ready == 0 || ready_since(pod).is_some_and(|since| since + min_ready <= now))
}

/// When the next of these pods becomes available.
pub(crate) fn next_available(pods: &[Shared], min_ready: i64, now: i64) -> Option<Duration> {
    let waiting = pods.iter().filter(|pod| !is_available(pod, min_ready, now)).filter_map(|pod| ready_since(pod));
    waiting.min().map(|since| clock::until(since + min_ready).max(Duration::from_millis(10)))
}

/// How often containers of a pod were started again, at most: ordinary ones, and sidecars.
pub(crate) fn restarts(pod: &Object) -> (i64, i64) {
    let most =
        |statuses: &mut dyn Iterator<Item = View<'_>>| statuses.map(|s| s.int("restartCount")).max().unwrap_or(0);
    let spec = pod.spec();
    let is_sidecar =
        |name: &str| spec.list("initContainers").any(|c| c.str("name") == name && c.str("restartPolicy") == "Always");
    let ordinary = most(&mut pod.status().list("containerStatuses"));
    let sidecars =
        most(&mut pod.status().list("initContainerStatuses").filter(|status| is_sidecar(status.str("name"))));
    (ordinary, sidecars)
}

/// The reference by which an owner controls others.
pub(crate) fn controller_reference(kind: &Kind, owner: &Object) -> Value {
    json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "name": owner.name(), "uid": owner.uid(),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// A pod as a template describes it, controlled by its owner, with a generated name.
pub(crate) fn from_template(template: View<'_>, kind: &Kind, owner: &Object) -> Value {
    let mut metadata = json!({
        "generateName": format!("{}-", owner.name()), "namespace": owner.namespace(),
        "ownerReferences": [controller_reference(kind, owner)],
    });
    for name in ["labels", "annotations", "finalizers"] {
        let given = template.get("metadata").get(name);
        if !given.is_empty() {
            metadata[name] = given.to_value();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec").to_value()})
}

/// Makes and deletes pods for an owner, and says so in events about it.
#[derive(Clone, Copy)]
pub(crate) struct PodControl<'a> {
    /// Where pods are made.
    pub(crate) informers: &'a Informers,
    /// Who says so.
    pub(crate) recorder: &'a Recorder,
    /// What kind the owner is.
    pub(crate) kind: &'static Kind,
    /// The owner.
    pub(crate) owner: &'a Object,
}

impl PodControl<'_> {
    /// Makes a pod. That its namespace is being deleted is not worth an event.
    pub(crate) async fn create(&self, pod: &Value) -> Result<Shared, kube::Error> {
        match self.informers.create(&kinds::PODS, self.owner.namespace(), pod).await {
            Ok(made) => {
                let message = format!("Created pod: {}", made.name());
                self.recorder.normal(self.kind, self.owner, "SuccessfulCreate", message);
                Ok(made)
            }
            Err(error) => {
                if !request::is_namespace_going(&error) {
                    let message = format!("Error creating: {}", request::message(&error));
                    self.recorder.warning(self.kind, self.owner, "FailedCreate", message);
                }
                Err(error)
            }
        }
    }

    /// Makes pods, few at first, then ever more at once; stops when one cannot be made.
    pub(crate) async fn create_all(&self, pods: Vec<Value>) -> Result<Vec<Shared>, kube::Error> {
        let mut made = Vec::with_capacity(pods.len());
        let (mut rest, mut batch) = (&pods[..], 1);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            for done in join_all(now.iter().map(|pod| self.create(pod))).await {
                match done {
                    Ok(pod) => made.push(pod),
                    Err(error) if request::is_namespace_going(&error) => return Ok(made),
                    Err(error) => return Err(error),
                }
            }
            (rest, batch) = (later, batch * 2);
        }
        Ok(made)
    }

    /// Deletes a pod.
    pub(crate) async fn delete(&self, pod: &Object) -> Result<(), kube::Error> {
        match self.informers.delete(&kinds::PODS, pod, Value::Null).await {
            Ok(()) => {
                let message = format!("Deleted pod: {}", pod.name());
                self.recorder.normal(self.kind, self.owner, "SuccessfulDelete", message);
                Ok(())
            }
            Err(error) => {
                let message = format!("Error deleting: {}", request::message(&error));
                self.recorder.warning(self.kind, self.owner, "FailedDelete", message);
                Err(error)
            }
        }
    }

    /// Deletes pods, all at once.
    pub(crate) async fn delete_all(&self, pods: &[Shared]) -> Result<(), kube::Error> {
        join_all(pods.iter().map(|pod| self.delete(pod))).await.into_iter().collect()
    }
}

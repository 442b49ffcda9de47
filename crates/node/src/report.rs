//! Writes the status of a pod to the API, once per real change, until the API has it.
//!
//! A status goes as a strategic merge patch of what changed since the last one that the API took, with the pod's uid as
//! a guard. [`patch`] makes it.

mod patch;

use crate::core::model::is_static;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, Patch, PatchParams};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{debug, warn};

/// The first pause after a write that failed; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// Where a pod's status goes.
#[derive(Debug)]
pub(crate) struct Reporter {
    /// statuses: pod worker -> writer
    wanted_tx: watch::Sender<Arc<PodStatus>>,
    /// What the API has: writer -> pod worker
    written_rx: watch::Receiver<Arc<PodStatus>>,
}

impl Reporter {
    /// A reporter for a pod whose status the API knows as `known`, and the task that writes.
    pub(crate) fn new(
        client: kube::Client,
        pod: &Pod,
        known: PodStatus,
    ) -> (Reporter, impl Future<Output = ()> + use<>) {
        let known = Arc::new(known);
        let (wanted_tx, wanted_rx) = watch::channel(known.clone());
        let (written_tx, written_rx) = watch::channel(known);
        let api: Api<Pod> = Api::namespaced(client, pod.metadata.namespace.as_deref().unwrap_or_default());
        let name = pod.metadata.name.clone().unwrap_or_default();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let place = Place { api, name, uid, mirrored: is_static(pod) };
        (Reporter { wanted_tx, written_rx }, write_all(place, wanted_rx, written_tx))
    }

    /// Writes the last status once more: the object that it stands in is a new one.
    pub(crate) fn again(&self) {
        self.wanted_tx.send_modify(|_| {});
    }

    /// The status that was reported last.
    pub(crate) fn last(&self) -> Arc<PodStatus> {
        self.wanted_tx.borrow().clone()
    }

    /// Reports a status; whether it is another than the last.
    pub(crate) fn report(&self, status: PodStatus) -> bool {
        self.wanted_tx.send_if_modified(|last| {
            let changed = **last != status;
            if changed {
                *last = Arc::new(status);
            }
            changed
        })
    }

    /// Waits until the API has the last status, or no longer has the pod.
    pub(crate) async fn settled(&self) {
        let wanted = self.last();
        let mut written = self.written_rx.clone();
        // An error says that the writer is gone, and then there is nothing to wait for.
        let _ = written.wait_for(|written| Arc::ptr_eq(written, &wanted)).await;
    }
}

/// The object that a status stands in.
struct Place {
    api: Api<Pod>,
    name: String,
    uid: String,
    /// The pod is static: its status stands in its mirror, whose uid is another and may change.
    mirrored: bool,
}

async fn write_all(
    place: Place,
    mut wanted_rx: watch::Receiver<Arc<PodStatus>>,
    written_tx: watch::Sender<Arc<PodStatus>>,
) {
    let mut pause = PAUSE;
    while wanted_rx.changed().await.is_ok() {
        loop {
            let wanted = wanted_rx.borrow_and_update().clone();
            let written = written_tx.borrow().clone();
            match place.write(&written, &wanted).await {
                Ok(()) => {
                    pause = PAUSE;
                    written_tx.send_replace(wanted);
                    break;
                }
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
                    debug!(pod = place.name, "the pod is gone or another has its name; its status is not needed");
                    written_tx.send_replace(wanted);
                    break;
                }
                Err(error) if wanted_rx.has_changed().is_err() => {
                    warn!(why = crate::chain(&error), pod = place.name, "the node stops before a status was written");
                    return;
                }
                Err(error) => {
                    let why = crate::chain(&error);
                    warn!(why, pod = place.name, "cannot write a status; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONG_PAUSE);
                }
            }
        }
    }
}

impl Place {
    async fn write(&self, written: &PodStatus, wanted: &PodStatus) -> Result<(), kube::Error> {
        let patch = match self.mirrored {
            false => patch::between(&self.uid, written, wanted),
            true => {
                // Without a mirror there is nowhere to write; a new one asks for it again.
                let Some(mirror) = self.api.get_opt(&self.name).await? else { return Ok(()) };
                let uid = mirror.metadata.uid.unwrap_or_default();
                patch::between(&uid, &mirror.status.unwrap_or_default(), wanted)
            }
        };
        let Some(patch) = patch else { return Ok(()) };
        self.api.patch_status(&self.name, &PatchParams::default(), &Patch::Strategic(patch)).await.map(drop)
    }
}

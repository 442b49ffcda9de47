//! The way out: containers stop, everything that was made for the pod goes, and the API is told.

use super::stop::grace_of;
use super::{Order, Worker};
use crate::assemble;
use crate::core::model::{is_static, spec};
use crate::core::plan::Why;
use crate::core::status;
use crate::events::Severity;
use crate::volumes;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, DeleteParams, Preconditions};
use std::sync::Arc;
use std::time::Duration;

/// The pause after something could not be taken away.
const PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Ends the pod, waits until nobody needs it any more, and removes what is left.
    pub(super) async fn end(&mut self) {
        match self.order() {
            Order::Refuse(_, status) => self.tell(*status),
            Order::Evict(pod, why) => {
                self.context.events.pod(&pod, Severity::Warning, "Evicted", why.clone());
                self.tell(evicted(&self.reporter.last(), why));
                self.stop_containers().await;
            }
            Order::Run(_) | Order::Gone(_) => self.stop_containers().await,
        }
        self.clean_up().await;
        let mut orders = self.orders_rx.clone();
        // An error says that the node stops; then the pod is found again by the next one.
        if orders.wait_for(Order::leaves).await.is_err() {
            return;
        }
        self.leave().await;
    }

    /// Stops all containers, and tells the last status.
    async fn stop_containers(&mut self) {
        let pod = self.pod();
        let over = self.reporter.last().phase.as_deref().is_some_and(status::is_terminal);
        let state = self.observe();
        if over && state.sandbox.is_none() && state.containers.is_empty() {
            return;
        }
        if !over && state.any_running() {
            let status = self.status(&pod, &state, false);
            if !status.phase.as_deref().is_some_and(status::is_terminal) {
                self.tell(status);
            }
        }
        self.probes.readiness_only();
        self.kill_within_grace().await;
        self.probes.stop();
        let pod = self.pod();
        let state = self.observe();
        let mut last = self.status(&pod, &state, true);
        if over {
            let kept: PodStatus = (*self.reporter.last()).clone();
            last = PodStatus { phase: kept.phase, reason: kept.reason, message: kept.message, ..last };
        }
        self.tell(status::finish(&pod, &last));
    }

    /// Kills until nothing runs. A shorter grace period that comes meanwhile counts at once.
    async fn kill_within_grace(&mut self) {
        loop {
            let pod = self.pod();
            let grace = self.grace(&pod);
            let state = self.observe();
            let mut orders = self.orders_rx.clone();
            orders.mark_unchanged();
            let shorter = orders.wait_for(|order| order_grace(order).is_some_and(|seconds| seconds < grace));
            tokio::select! {
                () = self.kill_running(&pod, &state, Some(grace)) => {}
                changed = shorter => if changed.is_ok() { continue },
            }
            if !self.observe().any_running() {
                return;
            }
            let message = "error killing pod: containers are still running";
            self.context.events.pod(&pod, Severity::Warning, "FailedKillPod", message);
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn grace(&self, pod: &Pod) -> u64 {
        let own = order_grace(&self.order());
        own.unwrap_or_else(|| spec(pod).containers.first().map_or(30, |first| grace_of(pod, &first.name, Why::Other)))
    }

    /// Takes away everything but the logs.
    async fn clean_up(&mut self) {
        let pod = self.pod();
        self.reporter.settled().await;
        self.live = None;
        loop {
            match self.try_clean_up(&pod).await {
                Ok(()) => return,
                Err(why) => {
                    tracing::warn!(pod = self.uid, why, "cannot take away all that a pod had; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn try_clean_up(&self, pod: &Arc<Pod>) -> Result<(), String> {
        let context = &self.context;
        context.runtime.stop_pod(&self.uid, Duration::ZERO).await.map_err(|error| crate::chain(&error))?;
        context.runtime.remove_pod(&self.uid).await.map_err(|error| crate::chain(&error))?;
        context.network.detach(&self.uid).await.map_err(|error| crate::chain(&error))?;
        let folder = context.config.pod_folder(&self.uid);
        volumes::tear_down(folder).await.map_err(|error| crate::chain(&error))?;
        let (shared, of) = (context.clone(), pod.clone());
        let removed = tokio::task::spawn_blocking(move || shared.groups.remove(&of)).await;
        match removed {
            Ok(Err(error)) => Err(crate::chain(&error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// The pod is deleted: lets the API forget it, and forgets it here.
    async fn leave(&mut self) {
        let order = self.order();
        let pod = order.pod();
        self.context.metrics.forget(&self.uid);
        if !matches!(order, Order::Gone(_)) && !is_static(pod) {
            self.reporter.settled().await;
            self.delete(pod).await;
        }
        let logs = assemble::log_folder(&self.context, pod);
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(logs)).await;
        if let Ok(Err(error)) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, pod = self.uid, "cannot remove the logs of a pod");
        }
    }

    async fn delete(&self, pod: &Pod) {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), namespace);
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: pod.metadata.uid.clone(), resource_version: None }),
            ..DeleteParams::default()
        };
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        loop {
            match api.delete(name, &params).await {
                Ok(_) => return,
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        pod = name,
                        "cannot delete a pod that is over"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// The status of a pod that uses more than it may.
fn evicted(last: &PodStatus, why: String) -> PodStatus {
    PodStatus {
        phase: Some("Failed".to_owned()),
        reason: Some("Evicted".to_owned()),
        message: Some(why),
        ..last.clone()
    }
}

/// Seconds that an order leaves to the containers, if it says so.
fn order_grace(order: &Order) -> Option<u64> {
    let seconds = order.pod().metadata.deletion_grace_period_seconds?;
    u64::try_from(seconds).ok()
}

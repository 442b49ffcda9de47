//! Stops containers: hooks first, then their turn, then a signal, and in the end force.

use super::Worker;
use crate::context::Context;
use crate::core::model::{ContainerState, PodState, inits, is_sidecar, lasting, spec};
use crate::core::plan::{Kill, Reset, Why};
use crate::core::probe::Kind;
use crate::events::{Severity, container_path};
use crate::hooks;
use k8s_openapi::api::core::v1::{Container, Pod};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A container always gets this long.
const LEAST: u64 = 2;

/// What it takes to stop one container.
struct Stop<'a> {
    context: &'a Context,
    pod: &'a Pod,
    name: &'a str,
    id: &'a str,
    address: &'a str,
    grace: u64,
    order: Option<&'a Order>,
}

/// Who waits for whom: sidecars end after all that came later in the spec, the last first.
struct Order {
    /// Cancelled when the container has ended.
    ended: HashMap<String, CancellationToken>,
    /// For each sidecar, those that end before it.
    before: HashMap<String, Vec<String>>,
}

impl Order {
    fn of(pod: &Pod, running: &[&ContainerState]) -> Option<Order> {
        let spec = spec(pod);
        if !inits(spec).iter().any(is_sidecar) {
            return None;
        }
        let mut before = HashMap::new();
        let mut later: Vec<String> = spec.containers.iter().map(|container| container.name.clone()).collect();
        for sidecar in inits(spec).iter().rev().filter(|container| is_sidecar(container)) {
            before.insert(sidecar.name.clone(), later.clone());
            later.push(sidecar.name.clone());
        }
        let ended = running.iter().map(|container| (container.name.clone(), CancellationToken::new())).collect();
        Some(Order { ended, before })
    }

    async fn turn(&self, name: &str) {
        for other in self.before.get(name).into_iter().flatten() {
            if let Some(ended) = self.ended.get(other) {
                ended.cancelled().await;
            }
        }
    }
}

impl Worker {
    /// Stops all running containers of the pod at once.
    pub(super) async fn kill_running(&self, pod: &Arc<Pod>, state: &PodState, grace: Option<u64>) {
        let running: Vec<&ContainerState> =
            state.containers.iter().filter(|container| container.exit().is_none()).collect();
        let order = Order::of(pod, &running);
        let address = self.address(pod);
        let stops = running.iter().map(|container| {
            let stop = Stop {
                context: &self.context,
                pod,
                name: &container.name,
                id: &container.id,
                address: &address,
                grace: grace.unwrap_or_else(|| grace_of(pod, &container.name, Why::Other)),
                order: order.as_ref(),
            };
            async move {
                if container.is_running() {
                    stop.tell(&format!("Stopping container {}", container.name));
                }
                stop.run().await;
            }
        });
        futures_util::future::join_all(stops).await;
    }

    /// Stops one container, for a reason.
    pub(super) async fn kill_one(&self, pod: &Arc<Pod>, kill: &Kill) {
        let address = self.address(pod);
        let grace = grace_of(pod, &kill.name, kill.why);
        let stop =
            Stop { context: &self.context, pod, name: &kill.name, id: &kill.id, address: &address, grace, order: None };
        stop.tell(&kill.message);
        stop.run().await;
    }

    /// Stops a container whose first hook failed.
    pub(super) async fn kill_after_hook(&self, pod: &Arc<Pod>, container: &Container, id: &str) {
        let message = "FailedPostStartHook".to_owned();
        let kill = Kill { id: id.to_owned(), name: container.name.clone(), message, why: Why::Other };
        self.kill_one(pod, &kill).await;
    }

    /// Stops a container at once and forgets it.
    pub(super) async fn forget(&self, pod: &Arc<Pod>, reset: &Reset) -> Result<(), ()> {
        if reset.running {
            let address = self.address(pod);
            let stop = Stop {
                context: &self.context,
                pod,
                name: &reset.name,
                id: &reset.id,
                address: &address,
                grace: 0,
                order: None,
            };
            stop.tell("killing");
            stop.run().await;
        }
        self.context.runtime.remove(&reset.id).await.map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, id = reset.id, "cannot remove a container");
        })
    }
}

impl Stop<'_> {
    fn tell(&self, message: &str) {
        let path = container_path(self.pod, self.name);
        self.context.events.container(self.pod, &path, Severity::Normal, "Killing", message);
    }

    async fn run(&self) {
        let begun = Instant::now();
        let whole = Duration::from_secs(self.grace);
        self.pre_stop().await;
        if let Some(order) = self.order {
            // Whose turn does not come in time ends all the same.
            let _ = tokio::time::timeout(whole.saturating_sub(begun.elapsed()), order.turn(self.name)).await;
        }
        let used = Duration::from_secs(begun.elapsed().as_secs());
        let left = whole.saturating_sub(used).max(Duration::from_secs(LEAST));
        if let Err(error) = self.context.runtime.stop(self.id, None, left).await {
            tracing::warn!(error = &error as &dyn std::error::Error, id = self.id, "cannot stop a container");
        }
        if let Some(ended) = self.order.and_then(|order| order.ended.get(self.name)) {
            ended.cancel();
        }
    }

    async fn pre_stop(&self) {
        let Some(container) = container(self.pod, self.name) else { return };
        let hook = container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.as_ref());
        let Some(hook) = hook.filter(|_| self.grace > 0) else { return };
        let work = hooks::run(self.context, self.pod, container, self.id, self.address, hook);
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(self.grace), work).await {
            tracing::debug!(%error, "a preStop hook failed");
            let path = container_path(self.pod, self.name);
            let warn = Severity::Warning;
            self.context.events.container(self.pod, &path, warn, "FailedPreStopHook", "PreStopHook failed");
        }
    }
}

fn container<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    lasting(spec(pod)).find(|container| container.name == name)
}

/// Seconds that a container gets.
pub(super) fn grace_of(pod: &Pod, name: &str, why: Why) -> u64 {
    let kind = match why {
        Why::StartupProbe => Some(Kind::Startup),
        Why::LivenessProbe => Some(Kind::Liveness),
        Why::Other => None,
    };
    let of_probe = kind.and_then(|kind| kind.of(container(pod, name)?)?.termination_grace_period_seconds);
    let seconds = pod
        .metadata
        .deletion_grace_period_seconds
        .or(of_probe)
        .or(spec(pod).termination_grace_period_seconds)
        .unwrap_or(30);
    u64::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn pod() -> Pod {
        let probe = json!({"terminationGracePeriodSeconds": 3, "exec": {"command": []}});
        value::from_value(json!({"metadata": {"name": "p"}, "spec": {
            "terminationGracePeriodSeconds": 20,
            "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}, {"name": "t", "restartPolicy": "Always"}],
            "containers": [{"name": "a", "livenessProbe": probe}]}}))
        .unwrap()
    }

    #[test]
    fn a_probe_may_bring_its_own_grace() {
        let mut pod = pod();
        assert_eq!(grace_of(&pod, "a", Why::Other), 20);
        assert_eq!(grace_of(&pod, "a", Why::LivenessProbe), 3);
        assert_eq!(grace_of(&pod, "a", Why::StartupProbe), 20);
        pod.metadata.deletion_grace_period_seconds = Some(7);
        assert_eq!(grace_of(&pod, "a", Why::LivenessProbe), 7);
    }

    #[test]
    fn sidecars_end_last_in_reverse() {
        let order = Order::of(&pod(), &[]).unwrap();
        assert_eq!(order.before["t"], ["a"]);
        assert_eq!(order.before["s"], ["a", "t"]);
        assert!(!order.before.contains_key("a"));
    }
}

//! What becomes of a trigger that fired: an event, a condition of the pod, a number for Prometheus, a webhook, and a
//! word in the PressureAlert. After that nothing is told for as long as the rule says; then the condition goes back.

use super::{Told, Wish, resource, webhook};
use crate::context::Context;
use crate::core::status::whole_seconds;
use crate::events::Severity;
use crate::pods::Pods;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use pressure::alert::GROUP;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, warn};
use value::json;

/// How often conditions are looked at that may go back.
const PERIOD: Duration = Duration::from_secs(1);

/// Delivers what fires.
pub(super) struct Delivery {
    context: Arc<Context>,
    pods: Pods,
    told: Told,
    /// Conditions that are true, by the pod's uid and their type, and until when.
    raised: HashMap<(String, String), Instant>,
}

impl Delivery {
    pub(super) fn new(context: Arc<Context>, pods: Pods) -> Delivery {
        Delivery { context, pods, told: HashMap::new(), raised: HashMap::new() }
    }

    /// Delivers until the node stops.
    pub(super) async fn run(mut self, mut fired_rx: mpsc::UnboundedReceiver<Arc<Wish>>) {
        let stop = self.context.stop.clone();
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(wish) = fired_rx.recv() => self.fired(&wish).await,
                _ = ticks.tick() => self.calm_down().await,
            }
        }
    }

    async fn fired(&mut self, wish: &Arc<Wish>) {
        let now = Instant::now();
        let key = (wish.uid.clone(), condition_of(wish));
        // The condition stays while it goes on, whether or not it is told again.
        let until = now + wish.rule.cooldown;
        self.raised.entry(key.clone()).and_modify(|known| *known = until.max(*known));
        if self.told.get(wish).is_some_and(|at| at.elapsed() < wish.rule.cooldown) {
            return;
        }
        let pods = self.pods.all();
        let Some(known) = pods.iter().find(|known| known.pod.metadata.uid.as_deref() == Some(wish.uid.as_str())) else {
            return;
        };
        self.told.retain(|wish, at| at.elapsed() < wish.rule.cooldown);
        self.told.insert(wish.clone(), now);
        self.raised.entry(key).and_modify(|known| *known = until.max(*known)).or_insert(until);
        let message = message(wish);
        self.context.events.pod(&known.pod, Severity::Warning, "PressureAlert", message.clone());
        self.context.metrics.alerted(&known.pod, &wish.container, &wish.rule);
        self.set_condition(&known.pod, &condition_of(wish), "True", &message).await;
        self.tell_alert(&known.pod, wish).await;
        self.call_webhook(&known.pod, wish, &message);
    }

    /// Takes back conditions that nothing has kept up.
    async fn calm_down(&mut self) {
        let now = Instant::now();
        let over: Vec<(String, String)> =
            self.raised.iter().filter(|(_, until)| **until <= now).map(|(key, _)| key.clone()).collect();
        if over.is_empty() {
            return;
        }
        let pods = self.pods.all();
        for key in over {
            self.raised.remove(&key);
            if let Some(known) = pods.iter().find(|known| known.pod.metadata.uid.as_deref() == Some(key.0.as_str())) {
                self.set_condition(&known.pod, &key.1, "False", "").await;
            }
        }
    }

    async fn set_condition(&self, pod: &Pod, kind: &str, status: &str, message: &str) {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else { return };
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), namespace);
        let reason = if status == "True" { "PressureAlert" } else { "PressureOver" };
        let condition = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": whole_seconds(Timestamp::now()),
        });
        let patch = json!({"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [condition]}});
        if let Err(error) = api.patch_status(name, &PatchParams::default(), &Patch::Strategic(patch)).await {
            debug!(%error, pod = name, "cannot set a pod's condition of pressure");
        }
    }

    async fn tell_alert(&self, pod: &Pod, wish: &Wish) {
        let (Some(namespace), false) = (&pod.metadata.namespace, wish.alert.is_empty()) else { return };
        let kind = resource("PressureAlert", "pressurealerts");
        let api: Api<DynamicObject> = Api::namespaced_with(self.context.client.clone(), namespace, &kind);
        let status = json!({"lastFired": whole_seconds(Timestamp::now()), "lastPod": pod.metadata.name});
        let patch = Patch::Merge(json!({"status": status}));
        if let Err(error) = api.patch_status(&wish.alert, &PatchParams::default(), &patch).await {
            debug!(%error, alert = wish.alert, "cannot tell a PressureAlert that it fired");
        }
    }

    /// Without waiting: a slow listener does not hold up the others.
    fn call_webhook(&self, pod: &Pod, wish: &Wish, message: &str) {
        if wish.webhook.url.is_empty() {
            return;
        }
        let (target, stop) = (wish.webhook.clone(), self.context.stop.clone());
        let body = webhook::body(pod, wish, message, &self.context.config.name);
        self.context.tasks.spawn(async move {
            if let Some(Err(why)) = stop.run_until_cancelled(webhook::deliver(&target, &body)).await {
                warn!(why, url = target.url, "a webhook for pressure was not told");
            }
        });
    }
}

/// One condition for each resource.
fn condition_of(wish: &Wish) -> String {
    format!("{GROUP}/{}", wish.rule.condition.resource.name())
}

fn message(wish: &Wish) -> String {
    let condition = &wish.rule.condition;
    let who = if wish.container.is_empty() { String::new() } else { format!("Container {} of it ", wish.container) };
    let who = if who.is_empty() { "The pod ".to_owned() } else { who };
    let tasks = match condition.line {
        pressure::trigger::LineKind::Some => "some tasks",
        pressure::trigger::LineKind::Full => "all tasks",
    };
    let by = if wish.alert.is_empty() { String::new() } else { format!(" (PressureAlert {})", wish.alert) };
    format!(
        "{who}waited for {}: {tasks} for {:?} or more within {:?}{by}",
        condition.resource.name(),
        condition.threshold,
        condition.window
    )
}

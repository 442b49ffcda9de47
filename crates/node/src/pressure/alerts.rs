//! Tells when a pod waits too long: rules of annotations and of PressureAlerts become triggers of the kernel, and what
//! fires is delivered.
//!
//! Each second the wishes are compared with what is set. A cluster that has no PressureAlerts is asked for them anew
//! now and then, since they are defined by hand.

mod deliver;
mod webhook;

use crate::context::Context;
use crate::events::Severity;
use crate::follow::{self, Change};
use crate::pods::{Known, Pods};
use deliver::Delivery;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use object::View;
use object::selector::labels::Selector;
use pressure::alert::{ANNOTATION, Alert, GROUP, Rule, Webhook, parse_alert, parse_rules};
use pressure::trigger::{TriggerError, Triggers};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;
use value::Value;

/// How often wishes are compared with what is set.
const PERIOD: Duration = Duration::from_secs(1);
/// Triggers that one pod may have.
const MOST: usize = 32;

/// Who wants to know of whose waiting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wish {
    uid: String,
    /// The control group.
    group: String,
    /// The container; empty for the whole pod.
    container: String,
    rule: Rule,
    /// The PressureAlert; empty for an annotation.
    alert: String,
    webhook: Webhook,
}

/// PressureAlerts by namespace and name.
type Alerts = Arc<Mutex<HashMap<String, Result<Alert, String>>>>;

/// Watches until the node stops.
pub(crate) async fn run(context: Arc<Context>, pods: Pods) {
    // fired: the thread of triggers -> delivery
    let (fired_tx, fired_rx) = mpsc::unbounded_channel();
    // The receiver lives as long as this function.
    let triggers = match Triggers::start(move |wish: &Arc<Wish>| drop(fired_tx.send(wish.clone()))) {
        Ok(triggers) => triggers,
        Err(error) => return warn!(error = &error as &dyn std::error::Error, "pressure is not watched for alerts"),
    };
    let alerts = Alerts::default();
    let keeper = Keeper { context: &context, triggers, alerts: alerts.clone(), complained: HashSet::new() };
    tokio::join!(
        follow_alerts(&context, &alerts),
        keeper.keep(&pods),
        Delivery::new(context.clone(), pods.clone()).run(fired_rx),
    );
}

/// The resource of a kind of ours.
pub(super) fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1", kind), plural)
}

async fn follow_alerts(context: &Context, alerts: &Alerts) {
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &resource("PressureAlert", "pressurealerts"));
    let key = |object: &DynamicObject| {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        format!("{}/{}", text(&object.metadata.namespace), text(&object.metadata.name))
    };
    let read = |object: &DynamicObject| parse_alert(&value::to_value(object).unwrap_or_default());
    follow::follow(&api, "", &context.stop, |change| {
        let mut known = alerts.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::All(all) => *known = all.iter().map(|object| (key(object), read(object))).collect(),
            Change::Put(object) => drop(known.insert(key(&object), read(&object))),
            Change::Gone(object) => drop(known.remove(&key(&object))),
        }
    })
    .await;
}

struct Keeper<'a> {
    context: &'a Context,
    triggers: Triggers<Arc<Wish>>,
    alerts: Alerts,
    /// What was said already, so that it is said once.
    complained: HashSet<(String, String)>,
}

impl Keeper<'_> {
    async fn keep(mut self, pods: &Pods) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.compare(&pods.all());
        }
    }

    fn compare(&mut self, pods: &[Known]) {
        let running: Vec<&Known> =
            pods.iter().filter(|known| known.status.phase.as_deref() == Some("Running")).collect();
        self.complained.retain(|(uid, _)| running.iter().any(|known| known.pod.metadata.uid.as_ref() == Some(uid)));
        let mut wishes: HashSet<Arc<Wish>> = HashSet::new();
        for known in running {
            wishes.extend(self.wishes(&known.pod).into_iter().take(MOST).map(Arc::new));
        }
        let set: HashSet<Arc<Wish>> = self.triggers.keys().into_iter().collect();
        if set.iter().any(|wish| !wishes.contains(wish)) {
            self.triggers.retain(|wish| wishes.contains(wish));
        }
        for wish in wishes.difference(&set) {
            self.set(wish, pods);
        }
    }

    fn set(&mut self, wish: &Arc<Wish>, pods: &[Known]) {
        let Some(group) = self.context.groups.named(&wish.group) else { return };
        match self.triggers.set(wish.clone(), &group, &wish.rule.condition) {
            // Its group is not there yet, or not any more.
            Ok(()) | Err(TriggerError::Absent { .. }) => {}
            Err(error) => {
                let pod = pods.iter().find(|known| known.pod.metadata.uid.as_deref() == Some(wish.uid.as_str()));
                if let Some(known) = pod {
                    self.complain(&known.pod, crate::chain(&error));
                }
            }
        }
    }

    /// What is wished for a pod.
    fn wishes(&mut self, pod: &Pod) -> Vec<Wish> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let uid = text(&pod.metadata.uid);
        let whole = self.context.groups.name_of(pod);
        let base = |rule: Rule| Wish {
            uid: uid.clone(),
            group: whole.clone(),
            container: String::new(),
            rule,
            alert: String::new(),
            webhook: Webhook::default(),
        };
        let mut wishes = Vec::new();
        let annotation = pod.metadata.annotations.as_ref().and_then(|all| all.get(ANNOTATION));
        match annotation.map_or(Ok(Vec::new()), |text| parse_rules(text)) {
            Ok(rules) => wishes.extend(rules.into_iter().map(base)),
            Err(why) => self.complain(pod, format!("annotation {ANNOTATION}: {why}")),
        }
        let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, alert) in alerts {
            let in_namespace =
                key.split_once('/').is_some_and(|(namespace, _)| namespace == text(&pod.metadata.namespace));
            match alert {
                Ok(alert) if in_namespace && covers(&alert.selector, pod) => {
                    wishes.extend(self.of_alert(pod, &alert, base(alert.rule.clone())));
                }
                Err(why) if in_namespace => self.complain(pod, format!("PressureAlert {key}: {why}")),
                _ => {}
            }
        }
        wishes
    }

    /// For the whole pod, or for the container that is named, while it runs.
    fn of_alert(&self, pod: &Pod, alert: &Alert, base: Wish) -> Option<Wish> {
        let wish = Wish { alert: alert.name.clone(), webhook: alert.webhook.clone(), ..base };
        if alert.container.is_empty() {
            return Some(wish);
        }
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        let containers = self.context.runtime.list();
        let running = containers.into_iter().find(|container| {
            container.config.pod == uid && container.config.name == alert.container && container.pid.is_some()
        })?;
        Some(Wish { group: running.cgroup, container: alert.container.clone(), ..wish })
    }

    fn complain(&mut self, pod: &Pod, why: String) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if self.complained.insert((uid, why.clone())) {
            self.context.events.pod(pod, Severity::Warning, "InvalidPressureAlert", why);
        }
    }
}

fn covers(selector: &Value, pod: &Pod) -> bool {
    if selector.is_null() {
        return true;
    }
    let labels = value::to_value(&pod.metadata.labels).unwrap_or_default();
    Selector::from_object(View::from(selector)).is_ok_and(|selector| selector.matches(&View::from(&labels)))
}

/// When something was told last, by what it was.
type Told = HashMap<Arc<Wish>, Instant>;

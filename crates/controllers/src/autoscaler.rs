//! Horizontal pod autoscalers: as many replicas as their metrics ask for, changed no faster than their behavior allows.
//!
//! A key is looked at when its spec changes and every [`PERIOD`] after that. [`target`] reads and writes the scale of
//! the target, [`metrics`] asks for measurements, [`group`] and [`replicas`] reckon from them, [`proposal`] does that
//! for each metric of a spec, [`behavior`] slows it down, [`status`] tells what was found. What is remembered between
//! two looks (earlier recommendations, earlier changes) is forgotten by a restart, as it is upstream.

mod behavior;
mod group;
mod metrics;
mod proposal;
mod replicas;
mod status;
mod target;

use crate::workload::numbers::count;
use behavior::{Limits, Past};
use informer::{Cache, Informers, Key, Kind, Next, Object, Queue, Recorder, kinds};
use object::Value;
use object::selector::labels::Selector;
use proposal::{Metrics, Proposals};
use status::Draft;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use target::{Scale, Targets};

const AUTOSCALERS: &Kind = &kinds::HORIZONTAL_POD_AUTOSCALERS;
/// How long until an autoscaler is looked at again.
const PERIOD: Duration = Duration::from_secs(15);
/// Autoscalers that are looked at at once.
const PARALLEL: usize = 5;
/// How often a scale is written anew that somebody else has changed meanwhile.
const TRIES: u32 = 5;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    autoscalers: Arc<Cache>,
    pods: Arc<Cache>,
    targets: Targets,
    past: Mutex<HashMap<Key, Past>>,
    /// Whose pods each autoscaler scales, to see that no two scale the same.
    selectors: Mutex<HashMap<Key, Selector>>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (autoscalers, pods) = (informers.cache(AUTOSCALERS), informers.cache(&kinds::PODS));
    autoscalers.synced().await;
    pods.synced().await;
    let queue = Queue::new("horizontalpodautoscalers");
    let waker = queue.clone();
    autoscalers.subscribe(move |change| {
        let is_same = change.old.as_ref().zip(change.new.as_ref()).is_some_and(|(a, b)| a.spec().same(b.spec()));
        if !is_same {
            waker.add(change.object().key());
        }
    });
    let controller = Arc::new(Controller {
        recorder: informers.recorder("horizontal-pod-autoscaler"),
        targets: Targets::new(informers.client().clone()),
        informers,
        autoscalers,
        pods,
        past: Mutex::default(),
        selectors: Mutex::default(),
    });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(autoscaler) = self.autoscalers.by_key(&key) else {
            self.past.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            self.selectors.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            return Ok(Next::Done);
        };
        let mut draft = Draft::of(&autoscaler);
        self.reconcile(&key, &autoscaler, &mut draft).await;
        if let Some(changed) = draft.changed(&autoscaler) {
            match self.informers.replace_status(AUTOSCALERS, &changed).await {
                // Another look follows soon, at what it is by then.
                Err(error) if matches!(informer::request::code(&error), 404 | 409) => {}
                Err(error) => {
                    let why = informer::request::message(&error);
                    self.recorder.warning(AUTOSCALERS, &autoscaler, "FailedUpdateStatus", why);
                }
                Ok(_) => {}
            }
        }
        Ok(Next::After(PERIOD))
    }

    /// Looks at an autoscaler, scales its target if need be, and writes into the draft what there is to tell.
    async fn reconcile(&self, key: &Key, autoscaler: &Object, draft: &mut Draft) {
        let scale = match self.targets.scale(autoscaler).await {
            Ok(scale) => scale,
            Err(why) => {
                self.warn(autoscaler, "FailedGetScale", &why);
                let message = format!("the HPA controller was unable to get the target's current scale: {why}");
                return draft.condition("AbleToScale", "False", "FailedGetScale", message);
            }
        };
        let message = "the HPA controller was able to get the target's current scale";
        draft.condition("AbleToScale", "True", "SucceededGetScale", message);
        self.remember(key, |past| past.begin(scale.replicas, Instant::now()));
        let limits = Limits::of(autoscaler);
        let Some(wish) = self.wish(key, autoscaler, &scale, &limits, draft).await else {
            return draft.current(scale.replicas);
        };
        if wish.replicas == scale.replicas {
            return draft.finish(scale.replicas, scale.replicas, false);
        }
        self.rescale(key, autoscaler, scale, &wish, draft).await;
    }

    /// How many replicas there shall be; nothing if that cannot be said.
    async fn wish(
        &self,
        key: &Key,
        autoscaler: &Object,
        scale: &Scale,
        limits: &Limits,
        draft: &mut Draft,
    ) -> Option<Wish> {
        let now = scale.replicas;
        if now == 0 && limits.least != 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            draft.condition("ScalingActive", "False", "ScalingDisabled", message);
            return Some(Wish { replicas: 0, reason: String::new() });
        }
        if now > limits.most {
            let reason = "Current number of replicas above Spec.MaxReplicas".to_owned();
            return Some(Wish { replicas: limits.most, reason });
        }
        if now < limits.least {
            let reason = "Current number of replicas below Spec.MinReplicas".to_owned();
            return Some(Wish { replicas: limits.least, reason });
        }
        let found = self.proposals(key, autoscaler, scale, limits, draft).await;
        let (asked, metric) = match found {
            Ok(found) => found,
            Err(why) => {
                self.warn(autoscaler, "FailedComputeMetricsReplicas", &why);
                return None;
            }
        };
        let reason = match asked.cmp(&now) {
            std::cmp::Ordering::Greater => format!("{metric} above target"),
            std::cmp::Ordering::Less => "All metrics below target".to_owned(),
            std::cmp::Ordering::Equal => String::new(),
        };
        let replicas = self.remember(key, |past| {
            let decision = behavior::decide(past, limits, now, asked, Instant::now());
            let (reason, message) = decision.able;
            draft.condition("AbleToScale", "True", reason, message);
            let (reason, message) = decision.limit;
            let is_limited = if decision.limited { "True" } else { "False" };
            draft.condition("ScalingLimited", is_limited, reason, message);
            decision.replicas
        });
        Some(Wish { replicas, reason })
    }

    /// What the metrics ask for, and which of them asks for most.
    async fn proposals(
        &self,
        key: &Key,
        autoscaler: &Object,
        scale: &Scale,
        limits: &Limits,
        draft: &mut Draft,
    ) -> Result<(i64, String), String> {
        let selector = self.selector(key, autoscaler, scale, draft)?;
        let pods = self.pods.in_namespace(autoscaler.namespace());
        let metrics = Metrics {
            client: self.informers.client(),
            targets: &self.targets,
            namespace: autoscaler.namespace(),
            selector_text: &scale.selector,
            pods: pods.into_iter().filter(|pod| selector.matches(&pod.labels())).collect(),
            tolerances: limits.tolerances,
            now: informer::clock::now(),
            scale,
        };
        let Proposals { best, statuses, failures, all } = metrics.proposals(autoscaler.spec().list("metrics")).await;
        draft.metrics(statuses);
        for failure in &failures {
            self.warn(autoscaler, failure.reason, &failure.cause);
        }
        let enough = best.as_ref().filter(|best| failures.is_empty() || best.replicas >= scale.replicas);
        match (enough, failures.first()) {
            (Some(best), first) => {
                let message =
                    format!("the HPA was able to successfully calculate a replica count from {}", best.metric);
                draft.condition("ScalingActive", "True", "ValidMetricFound", message);
                if let Some(first) = first {
                    tracing::debug!(why = first.error, "some metrics of an autoscaler are not known");
                }
                Ok((best.replicas, best.metric.clone()))
            }
            (None, Some(first)) => {
                let message = format!("the HPA was unable to compute the replica count: {}", first.cause);
                draft.condition("ScalingActive", "False", first.reason, message);
                let invalid = failures.len();
                Err(format!("invalid metrics ({invalid} invalid out of {all}), first error is: {}", first.error))
            }
            (None, None) => Err("invalid metrics (0 invalid out of 0)".to_owned()),
        }
    }

    /// Which pods the target has.
    fn selector(&self, key: &Key, autoscaler: &Object, scale: &Scale, draft: &mut Draft) -> Result<Selector, String> {
        let mut refuse = |event: &'static str, reason: &'static str, message: String, why: String| {
            self.warn(autoscaler, event, &why);
            draft.condition("ScalingActive", "False", reason, message);
            Err(why)
        };
        if scale.selector.is_empty() {
            let message = "the HPA target's scale is missing a selector".to_owned();
            return refuse("SelectorRequired", "InvalidSelector", message, "selector is required".to_owned());
        }
        let selector = match Selector::parse(&scale.selector) {
            Ok(selector) => selector,
            Err(error) => {
                let why = format!("couldn't convert selector into a corresponding internal selector object: {error}");
                return refuse("InvalidSelector", "InvalidSelector", why.clone(), why);
            }
        };
        let sharing = self.sharing(key, autoscaler, &selector);
        if sharing.len() > 1 {
            let why =
                format!("pods by selector {} are controlled by multiple HPAs: [{}]", scale.selector, sharing.join(" "));
            return refuse("AmbiguousSelector", "AmbiguousSelector", why.clone(), why);
        }
        Ok(selector)
    }

    /// The autoscalers that scale some of the pods that this one does, itself among them.
    fn sharing(&self, key: &Key, autoscaler: &Object, selector: &Selector) -> Vec<String> {
        let mut selectors = self.selectors.lock().unwrap_or_else(PoisonError::into_inner);
        selectors.insert(key.clone(), selector.clone());
        let prefix = format!("{}/", autoscaler.namespace());
        let others: Vec<_> = selectors.iter().filter(|(other, _)| other.starts_with(&prefix)).collect();
        let pods = self.pods.in_namespace(autoscaler.namespace());
        let own: Vec<_> = pods.iter().filter(|pod| selector.matches(&pod.labels())).collect();
        let shares = |other: &Selector| own.iter().any(|pod| other.matches(&pod.labels()));
        let mut sharing: Vec<String> =
            others.iter().filter(|(_, other)| shares(other)).map(|(key, _)| key.to_string()).collect();
        sharing.sort();
        sharing
    }

    async fn rescale(&self, key: &Key, autoscaler: &Object, scale: Scale, wish: &Wish, draft: &mut Draft) {
        let (before, wanted) = (scale.replicas, wish.replicas);
        let written = self.write(autoscaler, scale, wanted).await;
        if let Err(why) = written {
            let message = format!("New size: {wanted}; reason: {}; error: {why}", wish.reason);
            self.warn(autoscaler, "FailedRescale", &message);
            let message = format!("the HPA controller was unable to update the target scale: {why}");
            draft.condition("AbleToScale", "False", "FailedUpdateScale", message);
            return draft.current(before);
        }
        let message = format!("the HPA controller was able to update the target scale to {wanted}");
        draft.condition("AbleToScale", "True", "SucceededRescale", message);
        let message = format!("New size: {wanted}; reason: {}", wish.reason);
        self.recorder.normal(AUTOSCALERS, autoscaler, "SuccessfulRescale", message);
        if autoscaler.spec().has("behavior") {
            self.remember(key, |past| past.changed(before, wanted, Instant::now()));
        }
        draft.finish(before, wanted, true);
    }

    /// Writes a scale, again if somebody else was quicker.
    async fn write(&self, autoscaler: &Object, mut scale: Scale, replicas: i64) -> Result<(), String> {
        let mut tries = 1;
        loop {
            match self.targets.write(&scale, replicas).await {
                Ok(()) => return Ok(()),
                Err(error) if informer::request::code(&error) == 409 && tries < TRIES => {
                    tries += 1;
                    scale = self.targets.scale(autoscaler).await?;
                }
                Err(error) => return Err(informer::request::message(&error)),
            }
        }
    }

    fn remember<T>(&self, key: &Key, change: impl FnOnce(&mut Past) -> T) -> T {
        change(self.past.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default())
    }

    fn warn(&self, autoscaler: &Object, reason: &'static str, message: &str) {
        self.recorder.warning(AUTOSCALERS, autoscaler, reason, message);
    }
}

/// How many replicas there shall be, and why.
struct Wish {
    replicas: i64,
    reason: String,
}

/// A count of replicas from a number that may be large.
fn replicas_from(number: f64) -> i64 {
    if number >= f64::from(i32::MAX) { i64::from(i32::MAX) } else { number.ceil() as i64 }
}

/// A list's length as a count, for arithmetic.
fn len(items: &[impl Sized]) -> i64 {
    count(items.len())
}

/// A field as text, for messages.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

//! What a node does when it waits too much as a whole: NodePressurePolicies turn the last minute's pressure on all of
//! its pods into conditions, and, where they say so, have the pod evicted that matters least.
//!
//! Conditions have the names that Kubernetes' own proposal for this gives them (KEP 4205).

use super::alerts::resource;
use crate::context::Context;
use crate::core::model::spec;
use crate::core::qos;
use crate::events::Severity;
use crate::follow::{self, Change};
use crate::pods::{Known, News, Pods};
use cgroup::Resource;
use kube::api::{Api, DynamicObject};
use pressure::alert::{Policy, parse_policy};
use pressure::trigger::LineKind;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

/// How often policies are looked at.
const PERIOD: Duration = Duration::from_secs(5);
/// How long nothing is evicted after something was, so that it can help.
const REST: Duration = Duration::from_secs(60);

/// What the node says of its pressure, for its status: type of the condition, and whether it holds.
pub(crate) type Conditions = Arc<Mutex<HashMap<&'static str, bool>>>;

/// Follows policies until the node stops.
pub(crate) async fn run(context: Arc<Context>, pods: Pods, news_tx: mpsc::UnboundedSender<News>) {
    let policies: Arc<Mutex<HashMap<String, Policy>>> = Arc::default();
    tokio::join!(follow_policies(&context, &policies), act(&context, &pods, &policies, &news_tx));
}

async fn follow_policies(context: &Context, policies: &Mutex<HashMap<String, Policy>>) {
    let kind = resource("NodePressurePolicy", "nodepressurepolicies");
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &kind);
    let read = |object: &DynamicObject| {
        let name = object.metadata.name.clone().unwrap_or_default();
        match parse_policy(&value::to_value(object).unwrap_or_default()) {
            Ok(policy) => Some((name, policy)),
            Err(why) => {
                warn!(policy = name, why, "a NodePressurePolicy is of no use");
                None
            }
        }
    };
    follow::follow(&api, "", &context.stop, |change| {
        let mut known = policies.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::All(all) => *known = all.iter().filter_map(read).collect(),
            Change::Put(object) => {
                known.remove(object.metadata.name.as_deref().unwrap_or_default());
                known.extend(read(&object));
            }
            Change::Gone(object) => drop(known.remove(object.metadata.name.as_deref().unwrap_or_default())),
        }
    })
    .await;
}

async fn act(
    context: &Arc<Context>,
    pods: &Pods,
    policies: &Mutex<HashMap<String, Policy>>,
    news_tx: &mpsc::UnboundedSender<News>,
) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since: HashMap<String, Instant> = HashMap::new();
    let mut evicted: Option<Instant> = None;
    while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let all: Vec<Policy> = policies.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        // What a policy has told once stays, as not holding, when the policy is gone.
        let mut conditions = context.contention.lock().unwrap_or_else(PoisonError::into_inner).clone();
        conditions.values_mut().for_each(|holds| *holds = false);
        since.retain(|name, _| all.iter().any(|policy| policy.name == *name));
        for policy in &all {
            let holds = share(context, policy).is_some_and(|share| share >= policy.threshold);
            *conditions.entry(condition(policy.resource)).or_insert(false) |= holds;
            if !holds {
                since.remove(&policy.name);
                continue;
            }
            let begun = *since.entry(policy.name.clone()).or_insert_with(Instant::now);
            let is_due = policy.evict_after.is_some_and(|grace| begun.elapsed() >= grace);
            if is_due && evicted.is_none_or(|at| at.elapsed() >= REST) && evict(context, pods, policy, news_tx) {
                evicted = Some(Instant::now());
            }
        }
        *context.contention.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }
}

/// The share of the last minute in which the pods waited, in percent.
fn share(context: &Context, policy: &Policy) -> Option<f64> {
    let pressure = context.groups.root()?.pressure(policy.resource).ok().flatten()?;
    Some(match policy.line {
        LineKind::Some => pressure.some.avg60,
        LineKind::Full => pressure.full.avg60,
    })
}

fn condition(resource: Resource) -> &'static str {
    match resource {
        Resource::Cpu | Resource::Irq => "KubepodsCPUContentionPressure",
        Resource::Memory => "KubepodsMemoryContentionPressure",
        Resource::Io => "KubepodsDiskContentionPressure",
    }
}

/// Has the pod evicted that matters least. Whether there is one.
fn evict(context: &Context, pods: &Pods, policy: &Policy, news_tx: &mpsc::UnboundedSender<News>) -> bool {
    let all = pods.all();
    let mut candidates: Vec<(Rank, &Known)> =
        all.iter().filter(|known| is_candidate(known)).map(|known| (rank(context, policy, known), known)).collect();
    candidates.sort_by_key(|(rank, _)| *rank);
    let Some((_, known)) = candidates.first() else { return false };
    let message = format!(
        "The node was under pressure: its pods waited for {} {}% of the last minute or more (NodePressurePolicy {}). ",
        policy.resource.name(),
        policy.threshold,
        policy.name
    );
    let name = known.pod.metadata.name.clone().unwrap_or_default();
    context.events.node(&context.config.name, Severity::Warning, "EvictionThresholdMet", message.clone());
    warn!(pod = name, policy = policy.name, "evicting a pod, since the node is under pressure");
    // The dispatcher ends only with the node.
    let _ = news_tx.send(News::Evict(known.pod.metadata.uid.clone().unwrap_or_default(), message));
    true
}

/// Static and critical pods stay.
fn is_candidate(known: &Known) -> bool {
    /// From this priority on a pod is critical for its node.
    const CRITICAL: i32 = 2_000_000_000;
    let is_running =
        known.status.phase.as_deref() == Some("Running") && known.pod.metadata.deletion_timestamp.is_none();
    let is_critical = spec(&known.pod).priority.unwrap_or_default() >= CRITICAL;
    is_running && !is_critical && !crate::core::model::is_static(&known.pod)
}

/// The lowest priority first; among equals best effort before burstable before guaranteed; then the largest use.
type Rank = (i32, u8, std::cmp::Reverse<u64>);

fn rank(context: &Context, policy: &Policy, known: &Known) -> Rank {
    let spec = spec(&known.pod);
    let class = match qos::class(spec) {
        "BestEffort" => 0,
        "Burstable" => 1,
        _ => 2,
    };
    let used = context.groups.of(&known.pod).and_then(|group| group.statistics().ok()).unwrap_or_default();
    let used = match policy.resource {
        Resource::Memory => used.memory.working_set(),
        Resource::Io => used.io.iter().map(|io| io.read_bytes + io.written_bytes).sum(),
        Resource::Cpu | Resource::Irq => used.cpu.usage,
    };
    (spec.priority.unwrap_or_default(), class, std::cmp::Reverse(used))
}

//! How many pods may be disrupted: the status of PodDisruptionBudgets, by which evictions are allowed.

use crate::workload::numbers::{count, scaled, set_count};
use crate::workload::pods;
use informer::{Cache, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds};
use object::selector::labels::Selector;
use object::{Map, Value, View, json};
use std::collections::HashMap;
use std::sync::Arc;

const BUDGETS: &Kind = &kinds::POD_DISRUPTION_BUDGETS;
const ALLOWED: &str = "DisruptionAllowed";
/// How long a pod that was disrupted may take to go.
const DELETION_TIME: i64 = 120;
const PARALLEL: usize = 2;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    budgets: Arc<Cache>,
    pods: Arc<Cache>,
    owners: HashMap<&'static str, Arc<Cache>>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (budgets, pods) = (informers.cache(BUDGETS), informers.cache(&kinds::PODS));
    let kinds: [&'static Kind; 4] =
        [&kinds::DEPLOYMENTS, &kinds::REPLICA_SETS, &kinds::REPLICATION_CONTROLLERS, &kinds::STATEFUL_SETS];
    let owners: HashMap<_, _> = kinds.into_iter().map(|kind| (kind.kind, informers.cache(kind))).collect();
    for cache in [&budgets, &pods].into_iter().chain(owners.values()) {
        cache.synced().await;
    }
    let queue = Queue::new("poddisruptionbudgets");
    let waker = queue.clone();
    budgets.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), budgets.clone());
    pods.subscribe(move |change| {
        for budget in known.in_namespace(change.object().namespace()) {
            let selector = selector(&budget);
            let covers = change.old.iter().chain(&change.new).any(|pod| selector.matches(&pod.labels()));
            if covers {
                waker.add(budget.key());
            }
        }
    });
    let recorder = informers.recorder("controllermanager");
    let controller = Arc::new(Controller { informers, recorder, budgets, pods, owners });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

fn selector(budget: &Object) -> Selector {
    Selector::from_object(budget.spec().get("selector")).unwrap_or_else(|_| Selector::nothing())
}

/// What a budget expects.
struct Expected {
    pods: i64,
    healthy: i64,
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(budget) = self.budgets.by_key(&key) else { return Ok(Next::Done) };
        let selector = selector(&budget);
        let mut pods = self.pods.in_namespace(budget.namespace());
        pods.retain(|pod| selector.matches(&pod.labels()));
        if pods.is_empty() {
            self.recorder.normal(BUDGETS, &budget, "NoPods", "No matching pods found");
        }
        let now = clock::now();
        let expected = match self.expected(&budget, &pods) {
            Ok(expected) => expected,
            Err(why) => {
                let message = format!("Failed to calculate the number of expected pods: {why}");
                self.recorder.warning(BUDGETS, &budget, "CalculateExpectedPodCountFailed", message);
                return self.write_failure(&budget, &why).await.map(|()| Next::Done);
            }
        };
        let (disrupted, next) = still_disrupted(&budget, &pods, now);
        let is_healthy = |pod: &&Shared| !pod.is_going() && !disrupted.contains_key(pod.name()) && pods::is_ready(pod);
        let healthy = count(pods.iter().filter(is_healthy).count());
        self.write(&budget, healthy, &expected, disrupted).await?;
        Ok(next)
    }

    /// How many pods there shall be, and how many of them healthy.
    fn expected(&self, budget: &Object, pods: &[Shared]) -> Result<Expected, String> {
        let (least, most_out) = (budget.spec().get("minAvailable"), budget.spec().get("maxUnavailable"));
        if most_out.exists() {
            let pods = self.scale_of(budget, pods)?;
            return Ok(Expected { pods, healthy: (pods - scaled(most_out, pods, true)).max(0) });
        }
        if least.as_str().is_empty() {
            return Ok(Expected { pods: count(pods.len()), healthy: least.as_int() });
        }
        let pods = self.scale_of(budget, pods)?;
        Ok(Expected { pods, healthy: scaled(least, pods, true) })
    }

    /// How many pods the owners of these pods shall have in all.
    fn scale_of(&self, budget: &Object, pods: &[Shared]) -> Result<i64, String> {
        let (mut scales, mut unmanaged) = (HashMap::new(), false);
        for pod in pods {
            let owner = pod.controller();
            if !owner.exists() {
                unmanaged = true;
                continue;
            }
            let Some((uid, replicas)) = self.scale_of_owner(pod.namespace(), owner) else {
                return Err(format!("found no controllers for pod {:?}", pod.name()));
            };
            scales.insert(uid, replicas);
        }
        if unmanaged {
            let message = format!(
                "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
                budget.spec().get("selector").to_value()
            );
            self.recorder.warning(BUDGETS, budget, "UnmanagedPods", message);
        }
        Ok(scales.values().sum())
    }

    fn scale_of_owner(&self, namespace: &str, owner: View<'_>) -> Option<(String, i64)> {
        let found = self.owners.get(owner.str("kind"))?.get(namespace, owner.str("name"))?;
        if found.uid() != owner.str("uid") {
            return None;
        }
        let above = found.controller();
        if owner.str("kind") == "ReplicaSet" && above.str("kind") == "Deployment" {
            return self.scale_of_owner(namespace, above);
        }
        Some((found.uid().to_owned(), found.spec().opt_int("replicas").unwrap_or(1)))
    }

    async fn write(
        &self,
        budget: &Object,
        healthy: i64,
        expected: &Expected,
        disrupted: Map,
    ) -> Result<(), kube::Error> {
        let spare = if expected.pods > 0 { (healthy - expected.healthy).max(0) } else { 0 };
        let mut status = json!({
            "currentHealthy": healthy, "desiredHealthy": expected.healthy, "expectedPods": expected.pods,
            "disruptionsAllowed": spare,
        });
        set_count(&mut status, "observedGeneration", budget.meta().int("generation"));
        if !disrupted.is_empty() {
            status["disruptedPods"] = disrupted.into();
        }
        let (value, reason) = if spare > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        status["conditions"] = conditions(budget, value, reason, "").into();
        self.replace(budget, status).await
    }

    async fn write_failure(&self, budget: &Object, why: &str) -> Result<(), kube::Error> {
        let mut status = budget.status().to_value();
        status["disruptionsAllowed"] = 0.into();
        for name in ["currentHealthy", "desiredHealthy", "expectedPods"] {
            status[name] = budget.status().int(name).into();
        }
        status["conditions"] = conditions(budget, "False", "SyncFailed", why).into();
        self.replace(budget, status).await
    }

    async fn replace(&self, budget: &Object, status: Value) -> Result<(), kube::Error> {
        if View::from(&status).same(budget.status()) {
            return Ok(());
        }
        let mut changed = budget.to_value();
        changed["status"] = status;
        self.informers.replace_status(BUDGETS, &changed).await.map(drop)
    }
}

/// Pods that were disrupted, and are expected to go; and when to look whether they have.
fn still_disrupted(budget: &Object, pods: &[Shared], now: i64) -> (Map, Next) {
    let (mut still, mut next) = (Map::new(), Next::Done);
    for (name, since) in budget.status().get("disruptedPods").entries() {
        let is_there = pods.iter().any(|pod| pod.name() == name && !pod.is_going());
        let end = clock::seconds(since.as_str()).unwrap_or_default() + DELETION_TIME;
        if is_there && end >= now {
            still.insert(name.to_owned(), since.to_value());
            next = next.sooner(Next::After(clock::until(end + 1)));
        }
    }
    (still, next)
}

/// The conditions of a budget with whether disruptions are allowed.
fn conditions(budget: &Object, value: &str, reason: &str, message: &str) -> Vec<Value> {
    let known = budget.condition(ALLOWED);
    let since = if known.str("status") == value {
        known.get("lastTransitionTime").to_value()
    } else {
        clock::now_text().into()
    };
    let generation = if reason == "SyncFailed" {
        budget.status().int("observedGeneration")
    } else {
        budget.meta().int("generation")
    };
    let mut condition = json!({
        "type": ALLOWED, "status": value, "reason": reason, "message": message, "lastTransitionTime": since,
    });
    set_count(&mut condition, "observedGeneration", generation);
    let mut conditions = budget.status().get("conditions").to_items();
    match conditions.iter_mut().find(|known| known["type"] == ALLOWED) {
        Some(place) => *place = condition,
        None => conditions.push(condition),
    }
    conditions
}

//! DaemonSets: a pod on every node that will have it.
//!
//! [`fit`] tells which nodes will; [`plan`] which pods come and go; [`template`] what they look like.

mod fit;
mod plan;
mod template;

use crate::workload::claim::{self, Claimer};
use crate::workload::history::{HASH, History};
use crate::workload::numbers::{count, set_count};
use crate::workload::pods::{self, BURST, PodControl};
use fit::Fit;
use informer::{Cache, Change, Index, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds};
use object::View;
use plan::{Plan, State};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SETS: &Kind = &kinds::DAEMON_SETS;
const PARALLEL: usize = 2;
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

struct Controller {
    informers: Informers,
    recorder: Recorder,
    sets: Arc<Cache>,
    pods: Arc<Cache>,
    nodes: Arc<Cache>,
    revisions: Arc<Cache>,
    /// When failed pods were last replaced, by set and node, and how long to rest after that.
    rests: Mutex<HashMap<String, (Instant, Duration)>>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (sets, pods) = (informers.cache(SETS), informers.cache(&kinds::PODS));
    let (nodes, revisions) = (informers.cache(&kinds::NODES), informers.cache(&kinds::CONTROLLER_REVISIONS));
    for cache in [&sets, &pods, &nodes, &revisions] {
        cache.synced().await;
    }
    let queue = Queue::new("daemonsets");
    let waker = queue.clone();
    sets.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), sets.clone());
    pods.subscribe(move |change| claim::wake_owners(&waker, &known, SETS, change, claim::selector_of));
    let (waker, known) = (queue.clone(), sets.clone());
    nodes.subscribe(move |change| {
        if node_matters(change) {
            known.all().iter().for_each(|set| waker.add(set.key()));
        }
    });
    let recorder = informers.recorder("daemonset-controller");
    let rests = Mutex::default();
    let controller = Arc::new(Controller { informers, recorder, sets, pods, nodes, revisions, rests });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

/// Signs of life do not matter.
fn node_matters(change: &Change) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return true };
    let differs = |path: &[&str]| !old.view().at(path).same(new.view().at(path));
    differs(&["metadata", "labels"]) || differs(&["spec", "taints"]) || differs(&["spec", "unschedulable"])
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(set) = self.sets.by_key(&key).filter(|set| !set.is_going()) else { return Ok(Next::Done) };
        let Some(selector) = claim::selector_of(set.view()) else {
            let why = "This daemon set is selecting all pods. A non-empty selector is required.";
            self.recorder.warning(SETS, &set, "SelectingAll", why);
            return Ok(Next::Done);
        };
        let claimer = Claimer { informers: &self.informers, kind: SETS, owner: &set, selector: &selector };
        claimer.claim(&kinds::PODS, &self.pods).await?;
        let history = History { informers: &self.informers, kind: SETS, owner: &set };
        let known = self.revisions.by(Index::Controller, set.uid());
        let (current, revisions) = match history.current(known).await {
            Err(error) if informer::request::is_namespace_going(&error) => return Ok(Next::Done),
            found => found?,
        };
        let hash = current.labels().str(HASH).to_owned();
        let mut next = Next::Done;
        let managed = self.manage(&set, &hash, &mut next).await;
        self.write_status(&set, &hash).await?;
        managed?;
        let all = self.pods.by(Index::Controller, set.uid());
        let is_used = |revision: &Object| {
            let hash = revision.labels().str(HASH);
            revision.uid() == current.uid() || all.iter().any(|pod| pod.labels().str(HASH) == hash)
        };
        history.clean_up(&revisions, is_used).await?;
        let soon = pods::next_available(&all, set.spec().int("minReadySeconds"), clock::now());
        Ok(next.sooner(soon.map_or(Next::Done, Next::After)))
    }

    /// Makes and deletes pods; then, when all is in place, replaces old ones.
    async fn manage(&self, set: &Object, hash: &str, next: &mut Next) -> Result<(), kube::Error> {
        let state = self.state(set, hash);
        let mut plan = state.keep();
        self.add_ended(set, &state, &mut plan, next);
        let is_settled = plan.is_empty();
        self.carry_out(set, hash, plan).await?;
        let is_rolling = set.spec().get("updateStrategy").str("type") == "RollingUpdate";
        if !is_rolling || !is_settled {
            return Ok(());
        }
        self.carry_out(set, hash, self.state(set, hash).update()).await
    }

    fn state<'s>(&self, set: &'s Object, hash: &'s str) -> State<'s> {
        let fit = Fit::of(set);
        let mut on_node: BTreeMap<String, Vec<Shared>> = BTreeMap::new();
        for pod in self.pods.by(Index::Controller, set.uid()) {
            on_node.entry(template::node_of(&pod).to_owned()).or_default().push(pod);
        }
        let nodes = self.nodes.all();
        let fits = nodes.iter().map(|node| (node.name().to_owned(), fit.judge(node))).collect();
        State { set, hash, fits, on_node, now: clock::now() }
    }

    /// Pods that have ended are replaced, after a rest.
    fn add_ended(&self, set: &Object, state: &State<'_>, plan: &mut Plan, next: &mut Next) {
        for (node, pod) in state.ended() {
            let (namespace, name) = (pod.namespace(), pod.name());
            if pods::phase(&pod) == "Succeeded" {
                let message =
                    format!("Found succeeded daemon pod {namespace}/{name} on node {node}, will try to delete it");
                self.recorder.normal(SETS, set, "SucceededDaemonPod", message);
                plan.delete.push(pod);
                continue;
            }
            if let Some(rest) = self.rest(&format!("{}/{}/{node}", set.uid(), set.meta().int("generation"))) {
                *next = next.sooner(Next::After(rest));
                continue;
            }
            let message = format!("Found failed daemon pod {namespace}/{name} on node {node}, will try to kill it");
            self.recorder.warning(SETS, set, "FailedDaemonPod", message);
            plan.delete.push(pod);
        }
    }

    /// How long a failed pod has to wait yet; if it has not, the next will have to wait longer.
    fn rest(&self, key: &str) -> Option<Duration> {
        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.retain(|_, (last, _)| last.elapsed() < LONGEST_REST * 2);
        let Some((last, rest)) = rests.get_mut(key) else {
            rests.insert(key.to_owned(), (Instant::now(), FIRST_REST));
            return None;
        };
        if last.elapsed() < *rest {
            return Some(*rest - last.elapsed());
        }
        (*last, *rest) = (Instant::now(), (*rest * 2).min(LONGEST_REST));
        None
    }

    async fn carry_out(&self, set: &Object, hash: &str, mut plan: Plan) -> Result<(), kube::Error> {
        let control = PodControl { informers: &self.informers, recorder: &self.recorder, kind: SETS, owner: set };
        plan.create.truncate(BURST);
        plan.delete.truncate(BURST);
        let pods = plan.create.iter().map(|node| template::pod(set, hash, node)).collect();
        let made = control.create_all(pods).await;
        control.delete_all(&plan.delete).await?;
        made.map(drop)
    }

    async fn write_status(&self, set: &Object, hash: &str) -> Result<(), kube::Error> {
        let counts = self.state(set, hash).counts();
        let mut status = set.status().to_value();
        for (name, number) in [
            ("desiredNumberScheduled", counts.desired),
            ("currentNumberScheduled", counts.current),
            ("numberMisscheduled", counts.misplaced),
            ("numberReady", counts.ready),
        ] {
            status[name] = count(number).into();
        }
        for (name, number) in [
            ("updatedNumberScheduled", counts.updated),
            ("numberAvailable", counts.available),
            ("numberUnavailable", counts.desired - counts.available.min(counts.desired)),
        ] {
            set_count(&mut status, name, count(number));
        }
        set_count(&mut status, "observedGeneration", set.meta().int("generation"));
        if View::from(&status).same(set.status()) {
            return Ok(());
        }
        let mut changed = set.to_value();
        changed["status"] = status;
        self.informers.replace_status(SETS, &changed).await.map(drop)
    }
}

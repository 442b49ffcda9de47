//! Pods that wait for a node: those to try, those that rest after a failure, and those for which something has to
//! happen first. Pure: the time comes in, as milliseconds.

use crate::model::pod::Pod;
use crate::plugins::Plugin;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

const FIRST_REST: u64 = 1_000;
const LONGEST_REST: u64 = 10_000;
/// After so long a pod is tried again, even if nothing happened that might help.
const FLUSH: u64 = 300_000;

/// Something that may help pods that found no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum News {
    /// A node came.
    NodeCame,
    /// A node has other amounts of something.
    NodeAmounts,
    /// A node has other labels.
    NodeLabels,
    /// A node has other taints.
    NodeTaints,
    /// A pod went, or needs less.
    PodWent,
    /// A pod got a node, or other labels.
    PodCame,
    /// Claims, volumes or storage classes changed.
    Storage,
    /// A namespace has other labels.
    Namespace,
}

impl News {
    /// Whether this may change what a plug-in says.
    fn helps(self, plugin: Plugin) -> bool {
        use News::{Namespace, NodeAmounts, NodeCame, NodeLabels, NodeTaints, PodCame, PodWent, Storage};
        match plugin {
            Plugin::NodeUnschedulable | Plugin::TaintToleration => matches!(self, NodeCame | NodeTaints),
            Plugin::NodeName => matches!(self, NodeCame),
            Plugin::NodeAffinity => matches!(self, NodeCame | NodeLabels),
            Plugin::NodePorts => matches!(self, NodeCame | PodWent),
            Plugin::NodeResources => matches!(self, NodeCame | NodeAmounts | PodWent),
            Plugin::VolumeRestrictions => matches!(self, NodeCame | PodWent | Storage),
            Plugin::VolumeBinding => matches!(self, NodeCame | NodeLabels | Storage),
            Plugin::TopologySpread => matches!(self, NodeCame | NodeLabels | NodeTaints | PodWent | PodCame),
            Plugin::InterPodAffinity => matches!(self, NodeCame | NodeLabels | PodWent | PodCame | Namespace),
        }
    }
}

/// A pod that is to be placed.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) pod: Arc<Pod>,
    /// How often it was tried.
    attempts: u32,
    /// When it was last given back.
    last: u64,
    /// Its place among those of its priority.
    order: u64,
    /// What refused nodes when it was last tried.
    refused_by: HashSet<Plugin>,
}

type Uid = Box<str>;
type Rank = (Reverse<i64>, u64, Uid);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Active,
    Resting {
        until: u64,
    },
    /// Something went wrong with it: it rests, whatever happens.
    Failed {
        until: u64,
    },
    Stuck,
    Gated,
}

/// Pods that wait for a node.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pods: HashMap<Uid, (Waiting, Place)>,
    active: BTreeSet<Rank>,
    resting: BTreeSet<(u64, Uid)>,
    failed: BTreeSet<(u64, Uid)>,
    stuck: HashSet<Uid>,
    counter: u64,
}

impl Queue {
    /// Takes in a pod that waits, new or changed. `matters` tells whether the change may help it.
    pub(crate) fn put(&mut self, pod: Arc<Pod>, matters: bool, now: u64) {
        let uid = pod.uid.clone();
        let Some((mut waiting, place)) = self.take(&uid) else {
            self.counter += 1;
            let place = if pod.is_gated { Place::Gated } else { Place::Active };
            let waiting = Waiting { pod, attempts: 0, last: now, order: self.counter, refused_by: HashSet::new() };
            return self.set(waiting, place);
        };
        waiting.pod = pod;
        let place = match place {
            _ if waiting.pod.is_gated => Place::Gated,
            Place::Gated => Place::Active,
            Place::Stuck if matters => waiting.after_rest(now),
            place => place,
        };
        self.set(waiting, place);
    }

    /// Forgets a pod.
    pub(crate) fn remove(&mut self, uid: &str) {
        self.take(uid);
    }

    /// The next pod to try. One that rests is not left resting while there is nothing else to do.
    pub(crate) fn pop(&mut self, now: u64) -> Option<Waiting> {
        self.wake_rested(now);
        let uid = match self.active.first() {
            Some((_, _, uid)) => uid.clone(),
            None => self.resting.first()?.1.clone(),
        };
        let (mut waiting, _) = self.take(&uid)?;
        waiting.attempts += 1;
        Some(waiting)
    }

    /// Takes back a pod that found no node, until something happens.
    pub(crate) fn give_back(&mut self, mut waiting: Waiting, refused_by: HashSet<Plugin>, now: u64) {
        (waiting.refused_by, waiting.last) = (refused_by, now);
        self.set(waiting, Place::Stuck);
    }

    /// Takes back a pod with which something else went wrong.
    pub(crate) fn retry(&mut self, mut waiting: Waiting, now: u64) {
        waiting.last = now;
        let until = waiting.rested_at();
        self.set(waiting, Place::Failed { until });
    }

    /// Has those tried again that news may help.
    pub(crate) fn wake(&mut self, news: News, now: u64) {
        let helped = |uid: &&Uid| {
            self.pods.get(*uid).is_some_and(|(waiting, _)| waiting.refused_by.iter().any(|plugin| news.helps(*plugin)))
        };
        let helped: Vec<Uid> = self.stuck.iter().filter(helped).cloned().collect();
        self.free(helped, now);
    }

    /// Has those tried again that have waited very long.
    pub(crate) fn flush(&mut self, now: u64) {
        let is_old = |uid: &&Uid| self.pods.get(*uid).is_some_and(|(waiting, _)| waiting.last + FLUSH <= now);
        let old: Vec<Uid> = self.stuck.iter().filter(is_old).cloned().collect();
        self.free(old, now);
    }

    /// When there is something to do, if nothing happens.
    pub(crate) fn next_alarm(&self, now: u64) -> Option<u64> {
        if !self.active.is_empty() || !self.resting.is_empty() {
            return Some(now);
        }
        let failed = self.failed.first().map(|(until, _)| *until);
        let stuck = self.stuck.iter().filter_map(|uid| self.pods.get(uid)).map(|(waiting, _)| waiting.last + FLUSH);
        stuck.chain(failed).min()
    }

    fn free(&mut self, uids: Vec<Uid>, now: u64) {
        for uid in uids {
            if let Some((waiting, _)) = self.take(&uid) {
                let place = waiting.after_rest(now);
                self.set(waiting, place);
            }
        }
    }

    fn wake_rested(&mut self, now: u64) {
        let rested = |rest: &BTreeSet<(u64, Uid)>| {
            let due = rest.iter().take_while(|(until, _)| *until <= now);
            due.map(|(_, uid)| uid.clone()).collect::<Vec<Uid>>()
        };
        for uid in rested(&self.resting).into_iter().chain(rested(&self.failed)) {
            if let Some((waiting, _)) = self.take(&uid) {
                self.set(waiting, Place::Active);
            }
        }
    }

    fn set(&mut self, waiting: Waiting, place: Place) {
        let uid = waiting.pod.uid.clone();
        match place {
            Place::Active => drop(self.active.insert(waiting.rank())),
            Place::Resting { until } => drop(self.resting.insert((until, uid.clone()))),
            Place::Failed { until } => drop(self.failed.insert((until, uid.clone()))),
            Place::Stuck => drop(self.stuck.insert(uid.clone())),
            Place::Gated => {}
        }
        self.pods.insert(uid, (waiting, place));
    }

    fn take(&mut self, uid: &str) -> Option<(Waiting, Place)> {
        let (waiting, place) = self.pods.remove(uid)?;
        match place {
            Place::Active => drop(self.active.remove(&waiting.rank())),
            Place::Resting { until } => drop(self.resting.remove(&(until, uid.into()))),
            Place::Failed { until } => drop(self.failed.remove(&(until, uid.into()))),
            Place::Stuck => drop(self.stuck.remove(uid)),
            Place::Gated => {}
        }
        Some((waiting, place))
    }
}

impl Waiting {
    fn rank(&self) -> Rank {
        (Reverse(self.pod.priority), self.order, self.pod.uid.clone())
    }

    fn rested_at(&self) -> u64 {
        let doublings = self.attempts.saturating_sub(1).min(10);
        self.last + (FIRST_REST << doublings).min(LONGEST_REST)
    }

    fn after_rest(&self, now: u64) -> Place {
        let until = self.rested_at();
        if until <= now { Place::Active } else { Place::Resting { until } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::class::Classes;
    use informer::Object;
    use object::{Value, json};

    fn pod(name: &str, priority: i64, more: Value) -> Arc<Pod> {
        let mut spec = json!({"priority": priority});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let object = Object::new(json!({"metadata": {"name": name, "uid": name, "namespace": "ns"}, "spec": spec}));
        Arc::new(Pod::read(&object, &mut Classes::default()))
    }

    fn names(queue: &mut Queue, now: u64) -> Vec<String> {
        std::iter::from_fn(|| queue.pop(now)).map(|waiting| waiting.pod.name.to_string()).collect()
    }

    #[test]
    fn the_more_important_come_first_then_who_came_first() {
        let mut queue = Queue::default();
        for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 5)] {
            queue.put(pod(name, priority, json!({})), true, 0);
        }
        assert_eq!(names(&mut queue, 0), ["b", "d", "a", "c"]);
    }

    #[test]
    fn gates_hold_pods_back() {
        let mut queue = Queue::default();
        queue.put(pod("a", 0, json!({"schedulingGates": [{"name": "g"}]})), true, 0);
        assert!(queue.pop(0).is_none());
        queue.put(pod("a", 0, json!({})), true, 0);
        assert_eq!(names(&mut queue, 0), ["a"]);
    }

    #[test]
    fn who_found_no_node_waits_for_news_that_may_help() {
        let mut queue = Queue::default();
        queue.put(pod("a", 0, json!({})), true, 0);
        let waiting = queue.pop(0).unwrap();
        queue.give_back(waiting, HashSet::from([Plugin::NodeResources]), 0);
        queue.wake(News::NodeLabels, 10);
        assert!(queue.pop(10).is_none(), "labels give no room");
        queue.wake(News::PodWent, 20);
        assert_eq!(names(&mut queue, 20), ["a"], "there is nothing else to do, so it need not rest");
    }

    #[test]
    fn what_went_wrong_is_tried_again_later_each_time() {
        let mut queue = Queue::default();
        queue.put(pod("a", 0, json!({})), true, 0);
        let mut now = 0;
        for rest in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            let waiting = queue.pop(now).unwrap();
            queue.retry(waiting, now);
            assert!(queue.pop(now + rest - 1).is_none(), "{rest}");
            assert_eq!(queue.next_alarm(now), Some(now + rest));
            now += rest;
        }
        queue.remove("a");
        assert!(queue.pop(now + 60_000).is_none());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut queue = Queue::default();
        queue.put(pod("a", 0, json!({})), true, 0);
        let waiting = queue.pop(0).unwrap();
        queue.give_back(waiting, HashSet::from([Plugin::NodeName]), 0);
        assert_eq!(queue.next_alarm(0), Some(FLUSH));
        queue.flush(FLUSH);
        assert_eq!(names(&mut queue, FLUSH), ["a"]);
    }
}

//! Pods go from nodes whose taints they do not tolerate, or not for ever.

use super::{is_gone, mark_disrupted};
use crate::workload::pods;
use ::kinds::placement::{Taint, Toleration};
use informer::{Cache, Index, Informers, Key, Next, Object, Queue, Recorder, Shared, clock, kinds};
use object::{Value, View};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

const PARALLEL: usize = 8;

struct Evictor {
    informers: Informers,
    recorder: Recorder,
    pods: Arc<Cache>,
    nodes: Arc<Cache>,
    /// Pods that will go, by key.
    marked: Mutex<HashSet<String>>,
}

/// When a pod has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    At(i64),
}

pub(super) async fn run(informers: Informers) {
    let (pods, nodes) = (informers.cache(&kinds::PODS), informers.cache(&kinds::NODES));
    pods.synced().await;
    nodes.synced().await;
    let queue = Queue::new("pods on tainted nodes");
    let (waker, known) = (queue.clone(), nodes.clone());
    pods.subscribe(move |change| {
        let Some(pod) = &change.new else { return };
        let node = pod.spec().str("nodeName");
        let is_new_there = change.old.as_ref().is_none_or(|old| {
            old.spec().str("nodeName") != node || !old.spec().get("tolerations").same(pod.spec().get("tolerations"))
        });
        if is_new_there && known.get("", node).is_some_and(|node| !executing(&node).is_empty()) {
            waker.add(pod.key());
        }
    });
    let (waker, known) = (queue.clone(), pods.clone());
    nodes.subscribe(move |change| {
        let Some(node) = &change.new else { return };
        let old = change.old.as_ref().map(|old| old.spec().get("taints"));
        if old.is_none_or(|old| !old.same(node.spec().get("taints"))) {
            known.by(Index::Node, node.name()).iter().for_each(|pod| waker.add(pod.key()));
        }
    });
    let recorder = informers.recorder("taint-eviction-controller");
    let evictor = Arc::new(Evictor { informers, recorder, pods, nodes, marked: Mutex::default() });
    queue
        .run(PARALLEL, |key| {
            let evictor = evictor.clone();
            async move { evictor.sync(key).await }
        })
        .await;
}

impl Evictor {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(pod) = self.pods.by_key(&key).filter(|pod| !pod.is_going() && !pods::is_terminal(pod)) else {
            self.unmark(&key);
            return Ok(Next::Done);
        };
        let node = self.nodes.get("", pod.spec().str("nodeName"));
        let when = node.map_or(When::Never, |node| when_to_go(&pod, &executing(&node), clock::now()));
        match when {
            When::Never => {
                if self.unmark(&key) {
                    let message = format!("Cancelling deletion of Pod {key}");
                    self.recorder.normal(&kinds::PODS, &pod, "TaintManagerEviction", message);
                }
                Ok(Next::Done)
            }
            When::At(at) if at > clock::now() => {
                self.marked.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_string());
                Ok(Next::After(clock::until(at)))
            }
            When::At(_) => self.evict(&pod).await,
        }
    }

    fn unmark(&self, key: &str) -> bool {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    async fn evict(&self, pod: &Shared) -> Result<Next, kube::Error> {
        let message = format!("Marking for deletion Pod {}", pod.key());
        self.recorder.normal(&kinds::PODS, pod, "TaintManagerEviction", message);
        let why = "Taint manager: deleting due to NoExecute taint";
        match mark_disrupted(&self.informers, pod, None, "DeletionByTaintManager", why).await {
            Err(error) if is_gone(&error) => return Ok(Next::Done),
            marked => marked?,
        };
        self.informers.delete(&kinds::PODS, pod, Value::Null).await?;
        self.unmark(&pod.key());
        Ok(Next::Done)
    }
}

/// The taints of a node that take pods away, and since when.
fn executing(node: &Object) -> Vec<(Taint, Option<i64>)> {
    let taints = node.spec().list("taints").filter(|taint| taint.str("effect") == "NoExecute");
    taints.map(|taint| (Taint::read(taint), clock::seconds(taint.str("timeAdded")))).collect()
}

/// When a pod has to go: when the shortest of its tolerations is over.
fn when_to_go(pod: &Object, taints: &[(Taint, Option<i64>)], now: i64) -> When {
    let mut when = When::Never;
    for (taint, since) in taints {
        let tolerations = pod.spec().list("tolerations");
        let mut tolerating = tolerations.filter(|toleration| Toleration::read(*toleration).tolerates(taint)).peekable();
        if tolerating.peek().is_none() {
            return When::At(now);
        }
        let seconds = tolerating.filter_map(|toleration: View<'_>| toleration.opt_int("tolerationSeconds")).min();
        if let Some(seconds) = seconds {
            let end = since.unwrap_or(now).saturating_add(seconds.max(0));
            when = match when {
                When::At(at) => When::At(at.min(end)),
                When::Never => When::At(end),
            };
        }
    }
    when
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn the_shortest_toleration_counts() {
        let node = Object::new(json!({"spec": {"taints": [
            {"key": "a", "effect": "NoExecute", "timeAdded": "1970-01-01T00:01:40Z"},
            {"key": "b", "effect": "NoExecute"}, {"key": "c", "effect": "NoSchedule"}]}}));
        let of = |tolerations: Value| {
            let pod = Object::new(json!({"spec": {"tolerations": tolerations}}));
            when_to_go(&pod, &executing(&node), 1000)
        };
        assert_eq!(of(json!([])), When::At(1000));
        assert_eq!(of(json!([{"operator": "Exists"}])), When::Never);
        assert_eq!(of(json!([{"key": "a", "operator": "Exists"}])), When::At(1000), "b is not tolerated");
        let both = json!([{"key": "a", "operator": "Exists", "tolerationSeconds": 300},
            {"key": "b", "operator": "Exists", "tolerationSeconds": 30}]);
        assert_eq!(of(both), When::At(400), "a began earlier");
    }
}

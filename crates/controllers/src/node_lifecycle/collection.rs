//! Pods that nobody will look after again: on nodes that are gone, without a node and on their way out, or simply too
//! many that have ended.

use super::{is_gone, mark_disrupted, patch_status};
use crate::workload::pods;
use informer::{Cache, Change, Index, Informers, Key, Next, Object, Queue, Shared, kinds, request};
use object::json;
use std::sync::Arc;
use std::time::Duration;

const PARALLEL: usize = 8;
/// A node that is not there may yet come.
const QUARANTINE: Duration = Duration::from_secs(40);
/// A pod that goes without a node may yet go by itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many pods that have ended are kept.
const KEPT: usize = 12_500;
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// What is looked at: a pod, or a node by this before its name.
const NODE: &str = "node:";

struct Collector {
    informers: Informers,
    pods: Arc<Cache>,
    nodes: Arc<Cache>,
}

pub(super) async fn run(informers: Informers) {
    let (pods, nodes) = (informers.cache(&kinds::PODS), informers.cache(&kinds::NODES));
    pods.synced().await;
    nodes.synced().await;
    let queue = Queue::new("pods that nobody looks after");
    let (waker, known) = (queue.clone(), nodes.clone());
    pods.subscribe(move |change| hear_of_pod(&waker, &known, change));
    let waker = queue.clone();
    nodes.subscribe(move |change| {
        let node = change.object();
        let is_out = node.spec().list("taints").any(|taint| taint.str("key") == OUT_OF_SERVICE);
        match &change.new {
            None => waker.add_after(format!("{NODE}{}", node.name()), QUARANTINE),
            Some(_) if is_out => waker.add(format!("{NODE}{}", node.name())),
            Some(_) => {}
        }
    });
    let collector = Arc::new(Collector { informers, pods, nodes });
    queue
        .run(PARALLEL, |key| {
            let collector = collector.clone();
            async move { collector.sync(key).await }
        })
        .await;
}

fn hear_of_pod(queue: &Queue, nodes: &Cache, change: &Change) {
    let Some(pod) = &change.new else { return };
    let node = pod.spec().str("nodeName");
    if node.is_empty() {
        if pod.is_going() {
            queue.add_after(pod.key(), PATIENCE);
        }
    } else if nodes.get("", node).is_none() {
        queue.add_after(format!("{NODE}{node}"), QUARANTINE);
    }
    let has_just_ended = pods::is_terminal(pod) && change.old.as_ref().is_none_or(|old| !pods::is_terminal(old));
    if has_just_ended {
        queue.add_after(NODE, PATIENCE);
    }
}

impl Collector {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        match key.strip_prefix(NODE) {
            Some("") => self.thin_out().await?,
            Some(node) => self.look_at_node(node).await?,
            None => {
                let pod = self.pods.by_key(&key).filter(|pod| pod.is_going() && pod.spec().str("nodeName").is_empty());
                if let Some(pod) = pod {
                    self.remove(&pod, None).await?;
                }
            }
        }
        Ok(Next::Done)
    }

    async fn look_at_node(&self, name: &str) -> Result<(), kube::Error> {
        let on_it = self.pods.by(Index::Node, name);
        if let Some(node) = self.nodes.get("", name) {
            let is_out = node.spec().list("taints").any(|taint| taint.str("key") == OUT_OF_SERVICE);
            if is_out && !node.is("Ready") {
                for pod in on_it.iter().filter(|pod| pod.is_going()) {
                    self.remove(pod, None).await?;
                }
            }
            return Ok(());
        }
        let path = kinds::NODES.path_of("", name);
        if on_it.is_empty() || request::find(self.informers.client(), &path).await?.is_some() {
            return Ok(());
        }
        for pod in on_it {
            self.remove(&pod, Some("PodGC: node no longer exists")).await?;
        }
        Ok(())
    }

    /// Deletes the oldest pods that have ended, if there are very many.
    async fn thin_out(&self) -> Result<(), kube::Error> {
        let mut ended: Vec<Shared> = self.pods.all().into_iter().filter(|pod| pods::is_terminal(pod)).collect();
        let excess = ended.len().saturating_sub(KEPT);
        ended.sort_by_key(|pod| (pod.status().str("reason") != "Evicted", pod.created()));
        for pod in ended.iter().take(excess) {
            self.remove(pod, None).await?;
        }
        Ok(())
    }

    async fn remove(&self, pod: &Object, why: Option<&str>) -> Result<(), kube::Error> {
        if !pods::is_terminal(pod) {
            let marked = match why {
                Some(why) => mark_disrupted(&self.informers, pod, Some("Failed"), "DeletionByPodGC", why).await,
                None => patch_status(&self.informers, pod, json!({"phase": "Failed"})).await,
            };
            match marked {
                Err(error) if is_gone(&error) => return Ok(()),
                marked => drop(marked?),
            }
        }
        self.informers.delete(&kinds::PODS, pod, json!({"gracePeriodSeconds": 0})).await
    }
}

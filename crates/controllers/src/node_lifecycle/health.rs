//! A node that gives no sign of life for too long is in an unknown state, and its pods are not ready.

use super::{is_gone, patch_status};
use crate::workload::pods;
use informer::{Cache, Index, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds};
use object::{View, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const NODES: &Kind = &kinds::NODES;
/// How long a node may be silent; and one that has never said anything.
const PATIENCE: Duration = Duration::from_secs(50);
const FIRST_PATIENCE: Duration = Duration::from_secs(60);
const LEASES: &str = "kube-node-lease";
const PARALLEL: usize = 4;

/// The last sign of life, and when it was seen here: clocks of other machines are not trusted.
struct Sign {
    text: String,
    seen: Instant,
}

struct Monitor {
    informers: Informers,
    recorder: Recorder,
    nodes: Arc<Cache>,
    leases: Arc<Cache>,
    pods: Arc<Cache>,
    signs: Mutex<HashMap<String, Sign>>,
}

pub(super) async fn run(informers: Informers) {
    let (nodes, leases) = (informers.cache(NODES), informers.cache(&kinds::LEASES));
    let pods = informers.cache(&kinds::PODS);
    for cache in [&nodes, &leases, &pods] {
        cache.synced().await;
    }
    let queue = Queue::new("nodes");
    let recorder = informers.recorder("node-controller");
    let (waker, teller) = (queue.clone(), recorder.clone());
    nodes.subscribe(move |change| {
        let node = change.object();
        if change.old.is_none() {
            let message = format!("Registered Node {} in Controller", node.name());
            teller.normal(NODES, node, "RegisteredNode", message);
        } else if change.new.is_none() {
            let message = format!("Removing Node {} from Controller", node.name());
            teller.normal(NODES, node, "RemovingNode", message);
        }
        waker.add(node.key());
    });
    let waker = queue.clone();
    leases.subscribe(move |change| {
        if change.object().namespace() == LEASES {
            waker.add(change.object().name());
        }
    });
    let signs = Mutex::default();
    let monitor = Arc::new(Monitor { informers, recorder, nodes, leases, pods, signs });
    queue
        .run(PARALLEL, |key| {
            let monitor = monitor.clone();
            async move { monitor.sync(key).await }
        })
        .await;
}

impl Monitor {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(node) = self.nodes.by_key(&key) else {
            self.signs.lock().unwrap_or_else(PoisonError::into_inner).remove(&*key);
            return Ok(Next::Done);
        };
        let patience = if node.condition("Ready").exists() { PATIENCE } else { FIRST_PATIENCE };
        let silence = self.silence(&node);
        if silence < patience {
            if !node.is("Ready") && node.condition("Ready").exists() {
                self.mark_pods(&node).await?;
            }
            return Ok(Next::After(patience - silence + Duration::from_millis(100)));
        }
        let was_ready = node.is("Ready");
        let node = self.mark_unknown(node).await?;
        if was_ready {
            let message = format!("Node {} status is now: NodeNotReady", node.name());
            self.recorder.normal(NODES, &node, "NodeNotReady", message);
        }
        self.mark_pods(&node).await?;
        // A lease that is renewed says that the node is back, and so does its status, which wakes.
        Ok(Next::After(PATIENCE))
    }

    /// How long a node has been silent.
    fn silence(&self, node: &Object) -> Duration {
        let lease = self.leases.get(LEASES, node.name());
        let renewed = lease.as_ref().map(|lease| lease.spec().str("renewTime")).unwrap_or_default();
        let condition = node.condition("Ready");
        // What this controller wrote is no sign of life of the node.
        let own = matches!(condition.str("reason"), "NodeStatusUnknown" | "NodeStatusNeverUpdated");
        let beat = if own { "" } else { condition.str("lastHeartbeatTime") };
        let text = format!("{renewed} {beat}");
        let mut signs = self.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let sign = signs.entry(node.name().to_owned());
        let sign = sign.or_insert_with(|| Sign { text: text.clone(), seen: Instant::now() });
        let went_silent = own && sign.text.starts_with(renewed);
        if sign.text != text && !went_silent {
            *sign = Sign { text, seen: Instant::now() };
        }
        sign.seen.elapsed()
    }

    async fn mark_unknown(&self, node: Shared) -> Result<Shared, kube::Error> {
        let now = clock::now_text();
        let mut changed = node.to_value();
        for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let all = changed["status"]["conditions"].as_array_mut();
            match all.and_then(|all| all.iter_mut().find(|condition| condition["type"] == kind)) {
                Some(condition) if condition["status"] != "Unknown" => {
                    condition["status"] = "Unknown".into();
                    condition["reason"] = "NodeStatusUnknown".into();
                    condition["message"] = "Kubelet stopped posting node status.".into();
                    condition["lastTransitionTime"] = now.as_str().into();
                }
                Some(_) => {}
                None => {
                    let condition = json!({
                        "type": kind, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                        "message": "Kubelet never posted node status.",
                        "lastHeartbeatTime": node.meta().str("creationTimestamp"), "lastTransitionTime": now,
                    });
                    crate::workload::conditions::put(&mut changed["status"], condition);
                }
            }
        }
        if View::from(&changed).get("status").same(node.status()) {
            return Ok(node);
        }
        self.informers.replace_status(NODES, &changed).await
    }

    /// Pods on a node that is not ready are not ready either.
    async fn mark_pods(&self, node: &Object) -> Result<(), kube::Error> {
        for pod in self.pods.by(Index::Node, node.name()).iter().filter(|pod| pods::is_ready(pod)) {
            let mut condition = pod.condition("Ready").to_value();
            condition["status"] = "False".into();
            condition["lastTransitionTime"] = clock::now_text().into();
            match patch_status(&self.informers, pod, json!({"conditions": [condition]})).await {
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
                Ok(_) => self.recorder.warning(&kinds::PODS, pod, "NodeNotReady", "Node is not ready"),
            }
        }
        Ok(())
    }
}

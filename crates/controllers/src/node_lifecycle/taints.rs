//! Taints that say what is wrong with a node.

use informer::{Cache, Informers, Key, Kind, Next, Object, Queue, clock, kinds};
use object::{Value, json};
use std::sync::Arc;

const NODES: &Kind = &kinds::NODES;
const PARALLEL: usize = 4;
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// What is wrong, and the taint that says so.
const PRESSURES: [(&str, &str); 4] = [
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
];
const CLOSED: &str = "node.kubernetes.io/unschedulable";

pub(super) async fn run(informers: Informers) {
    let nodes = informers.cache(NODES);
    nodes.synced().await;
    let queue = Queue::new("taints of nodes");
    let waker = queue.clone();
    nodes.subscribe(move |change| waker.add(change.object().key()));
    queue
        .run(PARALLEL, |key| {
            let (informers, nodes) = (informers.clone(), nodes.clone());
            async move { sync(&informers, &nodes, key).await }
        })
        .await;
}

async fn sync(informers: &Informers, nodes: &Arc<Cache>, key: Key) -> Result<Next, kube::Error> {
    let Some(node) = nodes.by_key(&key) else { return Ok(Next::Done) };
    let wanted = wanted(&node);
    let is_ours = |taint: &Value| {
        let (key, effect) = (taint["key"].as_str().unwrap_or_default(), taint["effect"].as_str().unwrap_or_default());
        let is_pressure = PRESSURES.iter().any(|(_, known)| *known == key) || key == CLOSED;
        (matches!(key, NOT_READY | UNREACHABLE) && matches!(effect, "NoSchedule" | "NoExecute"))
            || (is_pressure && effect == "NoSchedule")
    };
    let old = node.spec().get("taints").to_items();
    let is_wanted =
        |taint: &Value| wanted.iter().any(|(key, effect)| taint["key"] == *key && taint["effect"] == *effect);
    let mut taints: Vec<Value> = old.iter().filter(|taint| !is_ours(taint) || is_wanted(taint)).cloned().collect();
    for (key, effect) in &wanted {
        if !taints.iter().any(|taint| taint["key"] == *key && taint["effect"] == *effect) {
            taints.push(json!({"key": key, "effect": effect, "timeAdded": clock::now_text()}));
        }
    }
    if taints == old {
        return Ok(Next::Done);
    }
    let mut changed = node.to_value();
    changed["spec"]["taints"] = taints.into();
    informers.replace(NODES, &changed).await.map(|_| Next::Done)
}

/// The taints that a node shall have, by key and effect.
fn wanted(node: &Object) -> Vec<(&'static str, &'static str)> {
    let mut wanted = Vec::new();
    match node.condition("Ready").str("status") {
        "True" => {}
        "Unknown" => wanted.extend([(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]),
        "False" => wanted.extend([(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]),
        // A node that has said nothing yet gets no pods, and none are taken from it.
        _ => wanted.push((NOT_READY, "NoSchedule")),
    }
    wanted.extend(PRESSURES.iter().filter(|(kind, _)| node.is(kind)).map(|(_, key)| (*key, "NoSchedule")));
    if node.spec().bool("unschedulable") {
        wanted.push((CLOSED, "NoSchedule"));
    }
    wanted
}

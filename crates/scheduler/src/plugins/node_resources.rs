//! What pods ask for has to be there; nodes with much left, evenly, are better.

use super::{MAX_SCORE, Plugin, Reason};
use crate::model::node::Node;
use crate::model::pod::Pod;

pub(crate) fn filter(pod: &Pod, node: &Node, reasons: &mut Vec<Reason>) {
    if node.pods.len() + 1 > node.allowed_pods {
        reasons.push(Reason::resolvable(Plugin::NodeResources, "Too many pods"));
    }
    let mut need = |name: &str, wanted: i64, used: i64, there: i64| {
        if wanted > 0 && wanted > there.saturating_sub(used) {
            let text = format!("Insufficient {name}");
            // What the node has not got at all, no pod can give back.
            let is_resolvable = wanted <= there;
            reasons.push(Reason { plugin: Plugin::NodeResources, text: text.into(), is_resolvable });
        }
    };
    let (wanted, used, there) = (&pod.requests, &node.requested, &node.allocatable);
    need("cpu", wanted.cpu, used.cpu, there.cpu);
    need("memory", wanted.memory, used.memory, there.memory);
    need("ephemeral-storage", wanted.storage, used.storage, there.storage);
    for (name, amount) in &wanted.others {
        need(name, *amount, used.other(name), there.other(name));
    }
}

/// The more is left, the better.
pub(crate) fn least_allocated(pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    let left = |used: i64, there: i64| if used > there { 0 } else { (there - used) * MAX_SCORE / there };
    let score = |node: &&Node| {
        let pairs = [
            (node.filled.0 + pod.filled.0, node.allocatable.cpu),
            (node.filled.1 + pod.filled.1, node.allocatable.memory),
        ];
        let known = pairs.iter().filter(|(_, there)| *there > 0);
        let (sum, count) = known.fold((0, 0), |(sum, count), (used, there)| (sum + left(*used, *there), count + 1));
        if count == 0 { 0 } else { sum / count }
    };
    nodes.iter().map(score).collect()
}

/// The more the pod evens out what is used of CPU and memory, the better.
pub(crate) fn balanced(pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    if pod.requests.cpu == 0 && pod.requests.memory == 0 {
        return vec![0; nodes.len()];
    }
    let score = |node: &&Node| {
        let there = (node.allocatable.cpu, node.allocatable.memory);
        let before = (node.requested.cpu, node.requested.memory);
        let after = (before.0 + pod.requests.cpu, before.1 + pod.requests.memory);
        MAX_SCORE / 2 + (MAX_SCORE / 2 + evenness(after, there) - evenness(before, there)) / 2
    };
    nodes.iter().map(score).collect()
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a score of two digits")]
fn evenness(used: (i64, i64), there: (i64, i64)) -> i64 {
    let share = |used: i64, there: i64| if there == 0 { None } else { Some((used as f64 / there as f64).min(1.0)) };
    let uneven = match (share(used.0, there.0), share(used.1, there.1)) {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        _ => 0.0,
    };
    ((1.0 - uneven) * MAX_SCORE as f64) as i64
}

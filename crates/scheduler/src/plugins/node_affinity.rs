//! Nodes that a pod names, wants, or would rather have.

use super::{Plugin, Reason, normalize};
use crate::model::node::Node;
use crate::model::pod::Pod;
use kinds::placement::any_matches;

pub(crate) fn filter(pod: &Pod, node: &Node) -> Option<Reason> {
    if !pod.node.is_empty() && pod.node != node.name {
        return Some(Reason::firm(Plugin::NodeName, "node(s) didn't match the requested node name"));
    }
    if wants(pod, node) {
        return None;
    }
    Some(Reason::firm(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector"))
}

/// Whether a node is one of those that the pod wants.
pub(crate) fn wants(pod: &Pod, node: &Node) -> bool {
    pod.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        && pod.node_terms.as_ref().is_none_or(|terms| any_matches(terms, &node.name, &node.labels))
}

pub(crate) fn score(pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    let weight = |node: &&Node| {
        let preferred = pod.preferred_nodes.iter().filter(|(_, term)| term.matches(&node.name, &node.labels));
        preferred.map(|(weight, _)| *weight).sum()
    };
    let mut scores: Vec<i64> = nodes.iter().map(weight).collect();
    normalize(&mut scores, false);
    scores
}

//! A port of a node goes to one pod.

use super::{Plugin, Reason};
use crate::model::node::Node;
use crate::model::pod::Pod;

pub(crate) fn filter(pod: &Pod, node: &Node) -> Option<Reason> {
    if pod.ports.is_empty() {
        return None;
    }
    let taken = node.pods.iter().flat_map(|other| &other.ports);
    let is_taken = taken.clone().any(|taken| pod.ports.iter().any(|port| port.conflicts(taken)));
    is_taken
        .then(|| Reason::resolvable(Plugin::NodePorts, "node(s) didn't have free ports for the requested pod ports"))
}

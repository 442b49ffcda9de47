//! Taints keep pods away that do not tolerate them, or would rather.

use super::{Plugin, Reason, normalize};
use crate::model::node::Node;
use crate::model::pod::Pod;
use kinds::placement::{Taint, Toleration, untolerated};

pub(crate) fn filter(pod: &Pod, node: &Node) -> Option<Reason> {
    if node.is_unschedulable && !pod.tolerations.iter().any(|t| t.tolerates(&Taint::unschedulable())) {
        return Some(Reason::firm(Plugin::NodeUnschedulable, "node(s) were unschedulable"));
    }
    let taint = untolerated(&node.taints, &pod.tolerations);
    taint.map(|_| Reason::firm(Plugin::TaintToleration, "node(s) had untolerated taint(s)"))
}

/// The fewer taints there are that the pod would rather avoid, the better.
pub(crate) fn score(pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    let soft: Vec<&Toleration> =
        pod.tolerations.iter().filter(|t| t.effect.is_empty() || &*t.effect == "PreferNoSchedule").collect();
    let bad = |node: &&Node| {
        let avoided = node.taints.iter().filter(|taint| &*taint.effect == "PreferNoSchedule");
        avoided.filter(|taint| !soft.iter().any(|toleration| toleration.tolerates(taint))).count()
    };
    let mut scores: Vec<i64> = nodes.iter().map(|node| i64::try_from(bad(node)).unwrap_or(i64::MAX)).collect();
    normalize(&mut scores, true);
    scores
}

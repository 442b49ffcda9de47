//! What decides whether a node will do, and how well. Each file is one of the reference's plug-ins, with its filter, its
//! score, or both. Pure.

pub(crate) mod image_locality;
pub(crate) mod inter_pod_affinity;
pub(crate) mod node_affinity;
pub(crate) mod node_ports;
pub(crate) mod node_resources;
pub(crate) mod taint_toleration;
pub(crate) mod topology_spread;
pub(crate) mod volumes;

use std::borrow::Cow;

/// The best score that a plug-in gives.
pub(crate) const MAX_SCORE: i64 = 100;

/// What refused a node: by this, events are told from each other that may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Plugin {
    /// The node takes no pods.
    NodeUnschedulable,
    /// The pod names another node.
    NodeName,
    /// The pod does not tolerate the node.
    TaintToleration,
    /// The pod does not want the node.
    NodeAffinity,
    /// Ports are taken.
    NodePorts,
    /// There is not enough of something.
    NodeResources,
    /// A volume is in use.
    VolumeRestrictions,
    /// Volumes cannot be had there.
    VolumeBinding,
    /// Pods would be spread unevenly.
    TopologySpread,
    /// Other pods are too near or too far.
    InterPodAffinity,
}

/// Why a node will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) plugin: Plugin,
    pub(crate) text: Cow<'static, str>,
    /// Whether it might do if pods went away.
    pub(crate) is_resolvable: bool,
}

impl Reason {
    pub(crate) fn firm(plugin: Plugin, text: impl Into<Cow<'static, str>>) -> Reason {
        Reason { plugin, text: text.into(), is_resolvable: false }
    }

    pub(crate) fn resolvable(plugin: Plugin, text: impl Into<Cow<'static, str>>) -> Reason {
        Reason { plugin, text: text.into(), is_resolvable: true }
    }
}

/// Brings scores into the range up to [`MAX_SCORE`], where the highest is best, or worst.
pub(crate) fn normalize(scores: &mut [i64], lowest_is_best: bool) {
    let max = scores.iter().copied().max().unwrap_or_default();
    for score in scores {
        *score = if max == 0 { 0 } else { MAX_SCORE * *score / max };
        if lowest_is_best {
            *score = MAX_SCORE - *score;
        }
    }
}

//! Nodes that have a pod's images already are better.

use super::MAX_SCORE;
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::world::World;

const MEGABYTE: i64 = 1024 * 1024;
/// Less than this in all is not worth going for.
const LEAST: i64 = 23 * MEGABYTE;
/// More than this for a container is no better.
const MOST: i64 = 1000 * MEGABYTE;

pub(crate) fn score(world: &World, pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    if !world.has_images() {
        return vec![0; nodes.len()];
    }
    let total = i64::try_from(world.len()).unwrap_or(i64::MAX).max(1);
    let most = MOST * i64::try_from(pod.images.len()).unwrap_or(1).max(1);
    let score = |node: &&Node| {
        let sizes = pod.images.iter().filter_map(|image| node.images.iter().find(|(name, _)| name == image));
        // An image that many nodes have does not draw all pods to those few.
        let sum: i64 = sizes.map(|(name, size)| size * world.nodes_with_image(name) / total).sum();
        MAX_SCORE * (sum.clamp(LEAST, most) - LEAST) / (most - LEAST)
    };
    nodes.iter().map(score).collect()
}

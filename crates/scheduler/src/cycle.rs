//! Finding the node for one pod: those that will do, and the best of them. Pure.

use crate::diagnosis::Diagnosis;
use crate::model::class::Class;
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::plugins::inter_pod_affinity::{self, InterPod};
use crate::plugins::topology_spread::{self, Spread};
use crate::plugins::volumes::{Choice, Needs};
use crate::plugins::{Reason, image_locality, node_affinity, node_ports, node_resources, taint_toleration};
use crate::world::World;
use object::selector::labels::Selector;

/// Up to so many nodes that will do, no more are sought than these.
const ENOUGH: usize = 100;
/// How much each score counts.
const WEIGHTS: Weights = Weights { taints: 3, affinity: 2, resources: 1, spread: 2, pods: 2, balance: 1, images: 1 };

struct Weights {
    taints: i64,
    affinity: i64,
    resources: i64,
    spread: i64,
    pods: i64,
    balance: i64,
    images: i64,
}

/// A node for a pod.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// Its name.
    pub(crate) node: Box<str>,
    /// What is to be done for the pod's volumes first.
    pub(crate) volumes: Choice,
}

/// What is the same for all nodes while a pod is placed.
#[derive(Clone, Debug)]
pub(crate) struct Cycle<'p> {
    pod: &'p Pod,
    spread: Spread,
    others: InterPod,
    needs: Needs,
}

impl<'p> Cycle<'p> {
    /// Looks at what is the same for all nodes; the reason if none will do.
    pub(crate) fn begin(world: &World, pod: &'p Pod) -> Result<Cycle<'p>, Reason> {
        let needs = world.storage.needs(pod)?;
        Ok(Cycle { pod, spread: Spread::begin(world, pod), others: InterPod::begin(world, pod), needs })
    }

    /// Why a node will not do; nothing if it will.
    pub(crate) fn refusal(&self, world: &World, node: &Node) -> Vec<Reason> {
        let rivals = world.nominated(&node.name);
        let mut ahead = rivals.iter().filter(|rival| rival.uid != self.pod.uid && rival.priority >= self.pod.priority);
        // It has to fit beside pods that room was made for, and without them: they may yet go elsewhere.
        if let Some(first) = ahead.next() {
            let (mut crowded, mut cycle) = (node.clone(), self.clone());
            for rival in std::iter::once(first).chain(ahead) {
                cycle.shift(world, node, &rival.class, 1);
                crowded.add(rival.clone());
            }
            let reasons = cycle.refusal_alone(world, &crowded);
            if !reasons.is_empty() {
                return reasons;
            }
        }
        self.refusal_alone(world, node)
    }

    fn refusal_alone(&self, world: &World, node: &Node) -> Vec<Reason> {
        let pod = self.pod;
        let first = taint_toleration::filter(pod, node)
            .or_else(|| node_affinity::filter(pod, node))
            .or_else(|| node_ports::filter(pod, node));
        let mut reasons: Vec<Reason> = first.into_iter().collect();
        if reasons.is_empty() {
            node_resources::filter(pod, node, &mut reasons);
        }
        if reasons.is_empty() && !self.needs.is_empty() {
            reasons.extend(self.needs.filter(pod, node).err());
        }
        if reasons.is_empty() {
            let last = self.spread.filter(pod, node).or_else(|| self.others.filter(world, pod, node));
            reasons.extend(last);
        }
        reasons
    }

    /// Takes in that a pod of a class comes to a node, or goes from it.
    pub(crate) fn shift(&mut self, world: &World, node: &Node, class: &Class, by: i64) {
        self.spread.shift(self.pod, node, class, by);
        self.others.shift(world, self.pod, node, class, by);
    }

    /// What has to be done for volumes on a node that will do.
    fn placement(&self, node: &Node) -> Placement {
        Placement { node: node.name.clone(), volumes: self.needs.filter(self.pod, node).unwrap_or_default() }
    }
}

/// Places pods one after another.
#[derive(Debug)]
pub(crate) struct Placer {
    /// With which node the search begins, so that all get their turn.
    next: usize,
    chance: Chance,
}

impl Placer {
    pub(crate) fn new(seed: u64) -> Placer {
        Placer { next: 0, chance: Chance(seed | 1) }
    }

    /// The node for a pod, or why there is none. `default` selects which pods are alike if it says nothing about
    /// spreading.
    pub(crate) fn place(
        &mut self,
        world: &World,
        pod: &Pod,
        default: Option<&Selector>,
    ) -> Result<Placement, Diagnosis> {
        let cycle = Cycle::begin(world, pod).map_err(|reason| Diagnosis::of_all(world.len(), reason))?;
        if let Some(node) = world.node(&pod.nominated)
            && cycle.refusal(world, node).is_empty()
        {
            return Ok(cycle.placement(node));
        }
        let mut diagnosis = Diagnosis::new(world.len());
        let fitting = self.find(world, &cycle, &mut diagnosis);
        match &fitting[..] {
            [] => Err(diagnosis),
            [only] => Ok(cycle.placement(only)),
            nodes => Ok(cycle.placement(nodes[self.best(&scores(world, pod, default, nodes))])),
        }
    }

    /// Nodes that will do: as many as are enough to choose from.
    fn find<'w>(&mut self, world: &'w World, cycle: &Cycle<'_>, diagnosis: &mut Diagnosis) -> Vec<&'w Node> {
        let (total, enough) = (world.len(), enough(world.len()));
        let mut fitting = Vec::with_capacity(enough.min(total));
        let mut looked_at = 0;
        while looked_at < total && fitting.len() < enough {
            let node = world.at((self.next + looked_at) % total);
            let reasons = cycle.refusal(world, node);
            if reasons.is_empty() {
                fitting.push(node);
            } else {
                diagnosis.refuse(node.name.clone(), reasons);
            }
            looked_at += 1;
        }
        self.next = (self.next + looked_at).checked_rem(total).unwrap_or_default();
        fitting
    }

    /// One of those with the highest score.
    fn best(&mut self, scores: &[i64]) -> usize {
        let (mut best, mut alike) = (0, 1);
        for (at, score) in scores.iter().enumerate().skip(1) {
            if *score > scores[best] {
                (best, alike) = (at, 1);
            } else if *score == scores[best] {
                alike += 1;
                if self.chance.one_in(alike) {
                    best = at;
                }
            }
        }
        best
    }
}

fn scores(world: &World, pod: &Pod, default: Option<&Selector>, nodes: &[&Node]) -> Vec<i64> {
    let mut sums = vec![0; nodes.len()];
    let mut add = |weight: i64, scores: Vec<i64>| {
        sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += weight * score);
    };
    add(WEIGHTS.taints, taint_toleration::score(pod, nodes));
    if !pod.preferred_nodes.is_empty() {
        add(WEIGHTS.affinity, node_affinity::score(pod, nodes));
    }
    add(WEIGHTS.resources, node_resources::least_allocated(pod, nodes));
    add(WEIGHTS.spread, topology_spread::score(world, pod, default, nodes));
    add(WEIGHTS.pods, inter_pod_affinity::score(world, pod, nodes));
    add(WEIGHTS.balance, node_resources::balanced(pod, nodes));
    add(WEIGHTS.images, image_locality::score(world, pod, nodes));
    sums
}

/// How many nodes that will do are enough: all of few, a share of many.
fn enough(nodes: usize) -> usize {
    if nodes <= ENOUGH {
        return nodes;
    }
    let percent = 50usize.saturating_sub(nodes / 125).max(5);
    (nodes * percent / 100).max(ENOUGH)
}

/// A little chance, the same for the same seed.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn one_in(&mut self, many: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(many)
    }
}

//! Pods that are to be spread evenly over domains of nodes.

use super::node_affinity::wants;
use super::{MAX_SCORE, Plugin, Reason};
use crate::model::class::Class;
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::model::spread::{Constraint, HOSTNAME};
use crate::world::World;
use kinds::placement::untolerated;
use object::selector::labels::Selector;
use std::collections::HashMap;

/// How many pods that count are in each domain, for each hard constraint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    counts: Vec<Counts>,
}

#[derive(Clone, Debug)]
struct Counts {
    domains: HashMap<Box<str>, i64>,
    least: i64,
}

impl Counts {
    fn settle(&mut self, min_domains: i64) {
        let known = i64::try_from(self.domains.len()).unwrap_or(i64::MAX);
        self.least = if known < min_domains { 0 } else { self.domains.values().copied().min().unwrap_or(i64::MAX / 2) };
    }
}

fn hard(pod: &Pod) -> impl Iterator<Item = &Constraint> {
    pod.spread.iter().filter(|constraint| constraint.is_hard)
}

impl Spread {
    pub(crate) fn begin(world: &World, pod: &Pod) -> Spread {
        let constraints: Vec<&Constraint> = hard(pod).collect();
        let mut spread = Spread::default();
        if constraints.is_empty() {
            return spread;
        }
        spread.counts = constraints.iter().map(|_| Counts { domains: HashMap::new(), least: 0 }).collect();
        let mut tally = Tally::new(world, pod);
        for node in world.nodes().filter(|node| has_all(node, constraints.iter().copied())) {
            for (at, constraint) in constraints.iter().enumerate().filter(|(_, c)| includes(c, pod, node)) {
                let domain = node.labels.get(&constraint.topology).unwrap_or_default();
                *spread.counts[at].domains.entry(domain.into()).or_default() += tally.on(node, at, constraint);
            }
        }
        spread.settle(&constraints);
        spread
    }

    fn settle(&mut self, constraints: &[&Constraint]) {
        for (counts, constraint) in self.counts.iter_mut().zip(constraints) {
            counts.settle(constraint.min_domains);
        }
    }

    /// Takes in that a pod of a class comes to a node or goes from it.
    pub(crate) fn shift(&mut self, pod: &Pod, node: &Node, class: &Class, by: i64) {
        let constraints: Vec<&Constraint> = hard(pod).collect();
        if self.counts.is_empty() || !counts_at_all(pod, class) || !has_all(node, constraints.iter().copied()) {
            return;
        }
        for (at, constraint) in constraints.iter().enumerate() {
            if constraint.counts(&class.labels) && includes(constraint, pod, node) {
                let domain = node.labels.get(&constraint.topology).unwrap_or_default();
                *self.counts[at].domains.entry(domain.into()).or_default() += by;
            }
        }
        self.settle(&constraints);
    }

    pub(crate) fn filter(&self, pod: &Pod, node: &Node) -> Option<Reason> {
        for (counts, constraint) in self.counts.iter().zip(hard(pod)) {
            let Some(domain) = node.labels.get(&constraint.topology) else {
                let text = "node(s) didn't match pod topology spread constraints (missing required label)";
                return Some(Reason::firm(Plugin::TopologySpread, text));
            };
            let own = i64::from(constraint.counts(&pod.class.labels));
            let there = counts.domains.get(domain).copied().unwrap_or_default();
            if there + own - counts.least > constraint.max_skew {
                let text = "node(s) didn't match pod topology spread constraints";
                return Some(Reason::resolvable(Plugin::TopologySpread, text));
            }
        }
        None
    }
}

/// The emptier the domains of a node, the better. `default` selects what counts for pods that say nothing.
pub(crate) fn score(world: &World, pod: &Pod, default: Option<&Selector>, nodes: &[&Node]) -> Vec<i64> {
    let defaults: Vec<Constraint>;
    let is_default = pod.spread.is_empty();
    let constraints: Vec<&Constraint> = if is_default {
        defaults = default.map(Constraint::defaults).unwrap_or_default();
        defaults.iter().collect()
    } else {
        pod.spread.iter().filter(|constraint| !constraint.is_hard).collect()
    };
    if constraints.is_empty() {
        return vec![0; nodes.len()];
    }
    let counts_node = |node: &Node| is_default || has_all(node, constraints.iter().copied());
    let mut domains: Vec<HashMap<&str, i64>> = vec![HashMap::new(); constraints.len()];
    let counted = nodes.iter().filter(|node| counts_node(node)).count();
    for node in nodes.iter().filter(|node| counts_node(node)) {
        for (at, constraint) in wide(&constraints) {
            domains[at].entry(node.labels.get(&constraint.topology).unwrap_or_default()).or_default();
        }
    }
    let mut tally = Tally::new(world, pod);
    // If no node has the label, all are one domain, in which counting makes no difference.
    if domains.iter().any(|domains| domains.len() > 1) {
        for node in world.nodes().filter(|node| counts_node(node)) {
            for (at, constraint) in wide(&constraints).filter(|(_, c)| includes(c, pod, node)) {
                let domain = node.labels.get(&constraint.topology).unwrap_or_default();
                if let Some(count) = domains[at].get_mut(domain) {
                    *count += tally.on(node, at, constraint);
                }
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "there are not that many domains")]
    let weights: Vec<f64> = constraints
        .iter()
        .zip(&domains)
        .map(|(c, domains)| (if &*c.topology == HOSTNAME { counted } else { domains.len() } as f64 + 2.0).ln())
        .collect();
    let mut raw = |node: &Node| {
        let mut sum = 0.0;
        for (at, constraint) in constraints.iter().enumerate() {
            let Some(domain) = node.labels.get(&constraint.topology) else { continue };
            let count = if &*constraint.topology == HOSTNAME {
                tally.on(node, at, constraint)
            } else {
                domains[at].get(domain).copied().unwrap_or_default()
            };
            sum += weighted(count, weights[at], constraint.max_skew);
        }
        rounded(sum)
    };
    let scores = nodes.iter().map(|node| counts_node(node).then(|| raw(node))).collect();
    turned(scores)
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many pods on a machine")]
fn weighted(count: i64, weight: f64, max_skew: i64) -> f64 {
    count as f64 * weight + (max_skew - 1) as f64
}

#[expect(clippy::cast_possible_truncation, reason = "scores are small")]
fn rounded(score: f64) -> i64 {
    score.round() as i64
}

/// Low becomes high; nodes that do not count get nothing.
fn turned(scores: Vec<Option<i64>>) -> Vec<i64> {
    let known = || scores.iter().flatten().copied();
    let (min, max) = (known().min().unwrap_or_default(), known().max().unwrap_or_default());
    let turn = |score: i64| if max == 0 { MAX_SCORE } else { MAX_SCORE * (max + min - score) / max };
    scores.into_iter().map(|score| score.map_or(0, turn)).collect()
}

/// Constraints over domains of more than one node.
fn wide<'c>(constraints: &'c [&Constraint]) -> impl Iterator<Item = (usize, &'c Constraint)> {
    constraints.iter().enumerate().filter(|(_, c)| &*c.topology != HOSTNAME).map(|(at, c)| (at, *c))
}

fn has_all<'c>(node: &Node, mut constraints: impl Iterator<Item = &'c Constraint>) -> bool {
    constraints.all(|constraint| node.labels.get(&constraint.topology).is_some())
}

/// Whether a node is one over which pods are spread.
fn includes(constraint: &Constraint, pod: &Pod, node: &Node) -> bool {
    (!constraint.honors_affinity || wants(pod, node))
        && (!constraint.honors_taints || untolerated(&node.taints, &pod.tolerations).is_none())
}

fn counts_at_all(pod: &Pod, class: &Class) -> bool {
    !class.is_going && class.namespace == pod.namespace
}

/// Counts pods on nodes, asking once for each class whether it counts.
struct Tally<'a> {
    pod: &'a Pod,
    known: Vec<Vec<Option<bool>>>,
    bound: usize,
}

impl<'a> Tally<'a> {
    fn new(world: &World, pod: &'a Pod) -> Tally<'a> {
        Tally { pod, known: Vec::new(), bound: world.classes() }
    }

    fn on(&mut self, node: &Node, at: usize, constraint: &Constraint) -> i64 {
        while self.known.len() <= at {
            self.known.push(vec![None; self.bound]);
        }
        let mut sum = 0;
        for (class, count) in &node.classes {
            let known = &mut self.known[at][class.id];
            let counts =
                *known.get_or_insert_with(|| counts_at_all(self.pod, class) && constraint.counts(&class.labels));
            if counts {
                sum += i64::from(*count);
            }
        }
        sum
    }
}

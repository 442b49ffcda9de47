//! Pods that have to be near others, or far, or would rather.

use super::{MAX_SCORE, Plugin, Reason};
use crate::model::affinity::Term;
use crate::model::class::Class;
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::world::World;
use std::collections::HashMap;

/// How much it counts that a pod there has to be near this one.
const HARD_WEIGHT: i64 = 1;

/// Numbers by a label of nodes, and its value.
type ByDomain = HashMap<(Box<str>, Box<str>), i64>;

/// What the pods that are there mean for a pod that comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterPod {
    /// Pods that it has to be near.
    near: ByDomain,
    /// Pods that it has to be far from.
    far: ByDomain,
    /// Pods that have to be far from it.
    avoiding: ByDomain,
}

impl InterPod {
    pub(crate) fn begin(world: &World, pod: &Pod) -> InterPod {
        let mut state = InterPod::default();
        let own = &pod.class.affinity;
        if own.near.is_empty() && own.far.is_empty() && !world.has_avoiding() {
            return state;
        }
        let mut means: Vec<Option<Meaning>> = vec![None; world.classes()];
        for node in world.nodes() {
            for (class, count) in &node.classes {
                let meaning = means[class.id].get_or_insert_with(|| Meaning::of(world, pod, class));
                state.count(node, meaning, i64::from(*count));
            }
        }
        state
    }

    /// Takes in that pods of a class come to a node or go from it.
    pub(crate) fn shift(&mut self, world: &World, pod: &Pod, node: &Node, class: &Class, by: i64) {
        self.count(node, &Meaning::of(world, pod, class), by);
    }

    fn count(&mut self, node: &Node, meaning: &Meaning, by: i64) {
        for (map, topologies) in
            [(&mut self.near, &meaning.near), (&mut self.far, &meaning.far), (&mut self.avoiding, &meaning.avoiding)]
        {
            for topology in topologies {
                if let Some(domain) = node.labels.get(topology) {
                    *map.entry((topology.clone(), domain.into())).or_default() += by;
                }
            }
        }
    }

    pub(crate) fn filter(&self, world: &World, pod: &Pod, node: &Node) -> Option<Reason> {
        let own = &pod.class.affinity;
        let there = |map: &ByDomain, topology: &str| {
            let domain = node.labels.get(topology);
            domain.is_some_and(|domain| map.get(&(topology.into(), domain.into())).is_some_and(|count| *count > 0))
        };
        if !own.near.is_empty() {
            let has_labels = own.near.iter().all(|term| node.labels.get(&term.topology).is_some());
            let is_near = own.near.iter().all(|term| there(&self.near, &term.topology));
            if !(has_labels && (is_near || self.is_first_of_its_kind(world, pod))) {
                return Some(Reason::firm(Plugin::InterPodAffinity, "node(s) didn't match pod affinity rules"));
            }
        }
        if own.far.iter().any(|term| there(&self.far, &term.topology)) {
            return Some(Reason::resolvable(Plugin::InterPodAffinity, "node(s) didn't match pod anti-affinity rules"));
        }
        let avoided = self
            .avoiding
            .iter()
            .any(|((topology, domain), count)| *count > 0 && node.labels.get(topology) == Some(domain));
        avoided.then(|| {
            let text = "node(s) didn't satisfy existing pods anti-affinity rules";
            Reason::resolvable(Plugin::InterPodAffinity, text)
        })
    }

    /// Pods that want to be near each other have to begin somewhere.
    fn is_first_of_its_kind(&self, world: &World, pod: &Pod) -> bool {
        let alone = self.near.values().all(|count| *count <= 0);
        alone && pod.class.affinity.near.iter().all(|term| term.matches(&pod.class, world.namespaces()))
    }
}

/// By which labels of nodes a class of pods matters to a pod that comes.
#[derive(Clone, Debug)]
struct Meaning {
    near: Vec<Box<str>>,
    far: Vec<Box<str>>,
    avoiding: Vec<Box<str>>,
}

impl Meaning {
    fn of(world: &World, pod: &Pod, class: &Class) -> Meaning {
        let own = &pod.class.affinity;
        let is_meant = |term: &&Term| term.matches(class, world.namespaces());
        let topologies = |terms: &[Term]| terms.iter().map(|term| term.topology.clone()).collect::<Vec<_>>();
        let all_near = !own.near.is_empty() && own.near.iter().all(|term| is_meant(&term));
        let avoids = class.affinity.far.iter().filter(|term| term.matches(&pod.class, world.namespaces()));
        Meaning {
            near: if all_near { topologies(&own.near) } else { Vec::new() },
            far: own.far.iter().filter(is_meant).map(|term| term.topology.clone()).collect(),
            avoiding: avoids.map(|term| term.topology.clone()).collect(),
        }
    }
}

/// The more a pod wants to be where others are, and they want it there, the better.
pub(crate) fn score(world: &World, pod: &Pod, nodes: &[&Node]) -> Vec<i64> {
    let own = &pod.class.affinity;
    let has_wishes = !own.rather_near.is_empty() || !own.rather_far.is_empty();
    if !has_wishes && !world.has_attracting() {
        return vec![0; nodes.len()];
    }
    // For each class, by which labels of nodes it draws or repels, and how much.
    let mut topologies: Vec<Box<str>> = Vec::new();
    let mut wishes: Vec<Option<Vec<(usize, i64)>>> = vec![None; world.classes()];
    let mut sums: Vec<HashMap<&str, i64>> = Vec::new();
    for node in world.nodes() {
        for (class, count) in node.classes.iter().filter(|(class, _)| has_wishes || !class.affinity.is_empty()) {
            let wishes = wishes[class.id].get_or_insert_with(|| {
                let between = wishes_between(world, pod, class).into_iter();
                between.map(|(topology, weight)| (place_of(&mut topologies, topology), weight)).collect()
            });
            sums.resize_with(topologies.len(), HashMap::new);
            for (at, weight) in wishes.iter() {
                if let Some(domain) = node.labels.get(&topologies[*at]) {
                    *sums[*at].entry(domain).or_default() += weight * i64::from(*count);
                }
            }
        }
    }
    let raw = |node: &&Node| -> i64 {
        let each = topologies.iter().zip(&sums);
        each.filter_map(|(topology, sums)| sums.get(node.labels.get(topology)?).copied()).sum()
    };
    stretched(&nodes.iter().map(raw).collect::<Vec<i64>>())
}

/// The place of a label in a list, to which it is added if it is new.
fn place_of(topologies: &mut Vec<Box<str>>, topology: Box<str>) -> usize {
    topologies.iter().position(|known| *known == topology).unwrap_or_else(|| {
        topologies.push(topology);
        topologies.len() - 1
    })
}

/// Scores over the whole range, from the lowest to the highest.
fn stretched(scores: &[i64]) -> Vec<i64> {
    let (min, max) = (scores.iter().min().copied().unwrap_or(0), scores.iter().max().copied().unwrap_or(0));
    scores.iter().map(|score| if max > min { MAX_SCORE * (score - min) / (max - min) } else { 0 }).collect()
}

fn wishes_between(world: &World, pod: &Pod, class: &Class) -> Vec<(Box<str>, i64)> {
    let (own, theirs, namespaces) = (&pod.class.affinity, &class.affinity, world.namespaces());
    let mut wishes: Vec<(Box<str>, i64)> = Vec::new();
    let mut add = |terms: &[(i64, Term)], meant: &Class, sign: i64| {
        for (weight, term) in terms.iter().filter(|(_, term)| term.matches(meant, namespaces)) {
            wishes.push((term.topology.clone(), sign * weight));
        }
    };
    add(&own.rather_near, class, 1);
    add(&own.rather_far, class, -1);
    add(&theirs.rather_near, &pod.class, 1);
    add(&theirs.rather_far, &pod.class, -1);
    for term in theirs.near.iter().filter(|term| term.matches(&pod.class, namespaces)) {
        wishes.push((term.topology.clone(), HARD_WEIGHT));
    }
    wishes
}

//! Making room for a pod by taking less important ones away. Pure.

use crate::cycle::Cycle;
use crate::diagnosis::{Diagnosis, histogram};
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::world::World;
use informer::Shared;
use object::selector::labels::Selector;
use std::cmp::Reverse;
use std::sync::Arc;

/// Of how many nodes room is thought of: a tenth, and at least so many.
const LEAST_CANDIDATES: usize = 100;
/// Nodes on which taking pods away does not help.
const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";

/// A node on which a pod fits if others go.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Its name.
    pub(crate) node: Box<str>,
    /// Who has to go, the most important first.
    pub(crate) victims: Vec<Arc<Pod>>,
    /// How many of them a disruption budget protects.
    protected: usize,
}

/// A disruption budget, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Budget {
    namespace: String,
    selector: Selector,
    disrupted: Vec<String>,
    allowed: i64,
}

impl Budget {
    pub(crate) fn read(object: &Shared) -> Budget {
        let selector = object.spec().get("selector");
        let disrupted = object.status().get("disruptedPods");
        Budget {
            namespace: object.namespace().to_owned(),
            selector: Selector::from_object(selector).unwrap_or_else(|_| Selector::nothing()),
            disrupted: disrupted.entries().map(|(name, _)| name.to_owned()).collect(),
            allowed: object.status().int("disruptionsAllowed"),
        }
    }
}

/// The best node to make room on, or why there is none.
pub(crate) fn preempt(
    world: &World,
    pod: &Pod,
    diagnosis: &Diagnosis,
    budgets: &[Budget],
) -> Result<Candidate, String> {
    if pod.never_preempts {
        return Err("not eligible due to preemptionPolicy=Never.".to_owned());
    }
    if waits_for_room(world, pod, diagnosis) {
        return Err("not eligible due to a terminating pod on the nominated node.".to_owned());
    }
    let potential: Vec<&Node> = diagnosis.resolvable().filter_map(|name| world.node(name)).collect();
    let wanted = (world.len() / 10).max(LEAST_CANDIDATES);
    let (mut candidates, mut refused) = (Vec::new(), Vec::new());
    if let Ok(cycle) = Cycle::begin(world, pod) {
        for node in potential {
            match victims(world, pod, &cycle, node, budgets) {
                Ok(candidate) => candidates.push(candidate),
                Err(why) => refused.push(why),
            }
            if candidates.len() >= wanted {
                break;
            }
        }
    }
    best(candidates).ok_or_else(|| {
        let rest = world.len() - refused.len();
        let texts = refused.iter().map(String::as_str);
        histogram(world.len(), texts.chain(std::iter::repeat_n(NOT_HELPFUL, rest)))
    })
}

/// Room has been made, and those who make it are still on their way out.
fn waits_for_room(world: &World, pod: &Pod, diagnosis: &Diagnosis) -> bool {
    let Some(node) = world.node(&pod.nominated) else { return false };
    diagnosis.is_resolvable(&node.name) != Some(false)
        && node.pods.iter().any(|other| other.priority < pod.priority && other.goes_for_another)
}

/// Who has to go from a node: as few and unimportant as possible.
fn victims(world: &World, pod: &Pod, cycle: &Cycle<'_>, node: &Node, budgets: &[Budget]) -> Result<Candidate, String> {
    let mut lesser: Vec<Arc<Pod>> = node.pods.iter().filter(|other| other.priority < pod.priority).cloned().collect();
    if lesser.is_empty() {
        return Err("No preemption victims found for incoming pod".to_owned());
    }
    let (mut node, mut cycle) = (node.clone(), cycle.clone());
    for other in &lesser {
        node.remove(&other.uid);
        cycle.shift(world, &node, &other.class, -1);
    }
    if let Some(reason) = cycle.refusal(world, &node).into_iter().next() {
        return Err(reason.text.into_owned());
    }
    lesser.sort_by_key(|other| importance(other));
    let (protected, free) = by_budget(lesser, budgets);
    let mut victims = Vec::new();
    let mut violations = 0;
    for (other, is_protected) in
        protected.into_iter().map(|pod| (pod, true)).chain(free.into_iter().map(|pod| (pod, false)))
    {
        cycle.shift(world, &node, &other.class, 1);
        node.add(other.clone());
        if cycle.refusal(world, &node).is_empty() {
            continue;
        }
        node.remove(&other.uid);
        cycle.shift(world, &node, &other.class, -1);
        violations += usize::from(is_protected);
        victims.push(other);
    }
    victims.sort_by_key(|other| importance(other));
    Ok(Candidate { node: node.name, victims, protected: violations })
}

/// The most important first: the highest priority, then who has run longest.
fn importance(pod: &Pod) -> (Reverse<i64>, i64) {
    (Reverse(pod.priority), pod.started.unwrap_or(i64::MAX))
}

/// Pods whose budgets allow no more disruptions, and the others.
fn by_budget(pods: Vec<Arc<Pod>>, budgets: &[Budget]) -> (Vec<Arc<Pod>>, Vec<Arc<Pod>>) {
    let mut allowed: Vec<i64> = budgets.iter().map(|budget| budget.allowed).collect();
    pods.into_iter().partition(|pod| {
        let mut is_protected = false;
        for (budget, allowed) in budgets.iter().zip(&mut allowed) {
            let covers = *budget.namespace == *pod.namespace
                && !budget.selector.is_everything()
                && budget.selector.matches(&pod.class.labels);
            // Who was disrupted already is not counted again.
            if covers && !budget.disrupted.iter().any(|name| **name == *pod.name) {
                *allowed -= 1;
                is_protected |= *allowed < 0;
            }
        }
        is_protected
    })
}

/// The candidate that hurts least.
fn best(candidates: Vec<Candidate>) -> Option<Candidate> {
    candidates.into_iter().min_by_key(|candidate| {
        let victims = &candidate.victims;
        let highest = victims.first().map_or(i64::MIN, |pod| pod.priority);
        // Priorities may be negative; each victim counts all the same.
        let sum: i64 = victims.iter().map(|pod| pod.priority + i64::from(i32::MAX) + 1).sum();
        let highest_ones = victims.iter().filter(|pod| pod.priority == highest);
        let earliest = highest_ones.filter_map(|pod| pod.started).min().unwrap_or(i64::MAX);
        (candidate.protected, highest, sum, victims.len(), Reverse(earliest))
    })
}

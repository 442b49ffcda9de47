//! Which pods of a DaemonSet come and go. Pure.

use super::fit::Verdict;
use crate::workload::history::HASH;
use crate::workload::numbers::{count, scaled};
use crate::workload::pods;
use informer::{Object, Shared};
use std::collections::BTreeMap;

/// Pods to delete, and nodes that get one.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<Shared>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

/// How a DaemonSet stands.
pub(super) struct State<'a> {
    pub(super) set: &'a Object,
    /// The hash of its current template.
    pub(super) hash: &'a str,
    /// What each node is to it.
    pub(super) fits: BTreeMap<String, Verdict>,
    /// Its pods, by node.
    pub(super) on_node: BTreeMap<String, Vec<Shared>>,
    pub(super) now: i64,
}

/// What the status tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) desired: usize,
    pub(super) current: usize,
    pub(super) misplaced: usize,
    pub(super) ready: usize,
    pub(super) updated: usize,
    pub(super) available: usize,
}

impl State<'_> {
    /// Brings a pod to each node that shall have one, and takes away those that are not wanted.
    pub(super) fn keep(&self) -> Plan {
        let mut plan = Plan::default();
        let allows_surge = self.limits().0 > 0;
        for (node, verdict) in &self.fits {
            let there = self.on(node);
            match verdict {
                Verdict::Run if there.is_empty() => plan.create.push(node.clone()),
                Verdict::No => plan.delete.extend(there.iter().filter(|pod| !pod.is_going()).cloned()),
                Verdict::Run | Verdict::Keep => {
                    let running: Vec<&Shared> = there.iter().filter(|pod| pods::is_active(pod)).collect();
                    if allows_surge && running.is_empty() && *verdict == Verdict::Run {
                        let all_end = there.iter().all(|pod| pod.is_going());
                        plan.create.extend(all_end.then(|| node.clone()));
                    }
                    plan.delete.extend(self.surplus(running, allows_surge));
                }
            }
        }
        // Pods for nodes that are gone, and that never got there.
        let lost = self.on_node.iter().filter(|(node, _)| !self.fits.contains_key(*node)).flat_map(|(_, pods)| pods);
        plan.delete.extend(lost.filter(|pod| pod.spec().str("nodeName").is_empty() && !pod.is_going()).cloned());
        plan
    }

    /// Of several pods on a node the oldest stays; where a new one may run beside the old, one of each.
    fn surplus(&self, mut running: Vec<&Shared>, allows_surge: bool) -> Vec<Shared> {
        running.sort_by_key(|pod| (pod.spec().str("nodeName").is_empty(), pod.created(), pod.name().to_owned()));
        if !allows_surge {
            return running.into_iter().skip(1).cloned().collect();
        }
        let (new, old): (Vec<&Shared>, Vec<&Shared>) = running.into_iter().partition(|pod| self.is_updated(pod));
        let mut surplus: Vec<Shared> = new.iter().skip(1).chain(old.iter().skip(1)).map(|pod| (*pod).clone()).collect();
        if let (Some(new), Some(old)) = (new.first(), old.first())
            && (!pods::is_ready(old) || self.is_available(new))
        {
            surplus.push((*old).clone());
        }
        surplus
    }

    /// Pods that have ended on nodes that may have them.
    pub(super) fn ended(&self) -> Vec<(String, Shared)> {
        let kept = self.fits.iter().filter(|(_, verdict)| **verdict != Verdict::No);
        let pods = kept.flat_map(|(node, _)| self.on(node).iter().map(move |pod| (node.clone(), pod.clone())));
        pods.filter(|(_, pod)| pods::is_terminal(pod) && !pod.is_going()).collect()
    }

    /// Replaces old pods, as many at once as may be.
    pub(super) fn update(&self) -> Plan {
        let (max_surge, max_unavailable) = self.limits();
        if max_surge == 0 { self.replace(max_unavailable) } else { self.surge(max_surge) }
    }

    fn replace(&self, max_unavailable: i64) -> Plan {
        let (mut unavailable, mut at_once, mut candidates) = (0, Vec::new(), Vec::new());
        for node in self.nodes() {
            match self.pair(node) {
                Some((None, Some(old))) if !self.is_available(old) => {
                    at_once.push(old.clone());
                    unavailable += 1;
                }
                Some((None, Some(old))) => candidates.push(old.clone()),
                Some((Some(new), None)) => unavailable += i64::from(!self.is_available(new)),
                _ => unavailable += 1,
            }
        }
        let more = usize::try_from(max_unavailable - unavailable).unwrap_or_default();
        Plan { create: Vec::new(), delete: at_once.into_iter().chain(candidates.into_iter().take(more)).collect() }
    }

    fn surge(&self, max_surge: i64) -> Plan {
        let (mut plan, mut surging, mut candidates) = (Plan::default(), 0, Vec::new());
        for node in self.nodes() {
            match self.pair(node) {
                None => surging += 1,
                Some((_, None)) => {}
                Some((None, Some(old))) => match self.fits.get(node) {
                    Some(Verdict::Run) if self.is_available(old) => candidates.push(node.to_owned()),
                    Some(Verdict::Run) => plan.create.push(node.to_owned()),
                    _ if !self.is_available(old) => plan.delete.push(old.clone()),
                    _ => {}
                },
                Some((Some(new), Some(old))) if self.is_available(new) => plan.delete.push(old.clone()),
                Some((Some(_), Some(_))) => surging += 1,
            }
        }
        let more = usize::try_from(max_surge - surging).unwrap_or_default();
        plan.create.extend(candidates.into_iter().take(more));
        plan
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (node, verdict) in &self.fits {
            let mut there: Vec<&Shared> = self.on(node).iter().collect();
            if *verdict != Verdict::Run {
                counts.misplaced += usize::from(!there.is_empty());
                continue;
            }
            counts.desired += 1;
            there.sort_by_key(|pod| (pod.spec().str("nodeName").is_empty(), pod.created(), pod.name().to_owned()));
            let Some(pod) = there.first() else { continue };
            counts.current += 1;
            counts.ready += usize::from(pods::is_ready(pod));
            counts.available += usize::from(self.is_available(pod));
            counts.updated += usize::from(self.is_updated(pod));
        }
        counts
    }

    /// Nodes that have pods or shall have one.
    fn nodes(&self) -> impl Iterator<Item = &str> {
        let wanted = self.fits.iter().filter(|(_, verdict)| **verdict == Verdict::Run).map(|(node, _)| node);
        let others = self.on_node.keys().filter(|node| self.fits.get(*node) != Some(&Verdict::Run));
        wanted.chain(others).map(String::as_str)
    }

    fn on(&self, node: &str) -> &[Shared] {
        self.on_node.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// The new and the old pod on a node; `None` if there are more.
    fn pair(&self, node: &str) -> Option<(Option<&Shared>, Option<&Shared>)> {
        let (mut new, mut old) = (None, None);
        for pod in self.on(node).iter().filter(|pod| !pod.is_going()) {
            let place = if self.is_updated(pod) { &mut new } else { &mut old };
            if place.replace(pod).is_some() {
                return None;
            }
        }
        Some((new, old))
    }

    fn is_updated(&self, pod: &Object) -> bool {
        pod.labels().str(HASH) == self.hash
    }

    fn is_available(&self, pod: &Object) -> bool {
        pods::is_available(pod, self.set.spec().int("minReadySeconds"), self.now)
    }

    /// How many pods there may be too many, and too few.
    fn limits(&self) -> (i64, i64) {
        let wanted = count(self.fits.values().filter(|verdict| **verdict == Verdict::Run).count());
        let rolling = self.set.spec().at(&["updateStrategy", "rollingUpdate"]);
        let surge = scaled(rolling.get("maxSurge"), wanted, true);
        let unavailable = scaled(rolling.get("maxUnavailable"), wanted, true);
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    fn pod(name: &str, hash: &str, ready: bool) -> Shared {
        let conditions = json!([{"type": "Ready", "status": if ready { "True" } else { "False" },
            "lastTransitionTime": "2020-01-01T00:00:00Z"}]);
        Shared::new(Object::new(json!({
            "metadata": {"name": name, "uid": name, "labels": {HASH: hash}},
            "spec": {"nodeName": name.split('/').next()},
            "status": {"phase": "Running", "conditions": conditions},
        })))
    }

    /// Pods as `node/number hash ready`, on three nodes; the plan as `+node -pod`.
    fn check(rolling: Value, pods: &[(&str, &str, bool)], update: bool, want: &str) {
        let set = Object::new(json!({"spec": {"updateStrategy": {"rollingUpdate": rolling}}}));
        let mut on_node: BTreeMap<String, Vec<Shared>> = BTreeMap::new();
        for (name, hash, ready) in pods {
            on_node.entry(name.split('/').next().unwrap().to_owned()).or_default().push(pod(name, hash, *ready));
        }
        let fits = ["a", "b", "c"].map(|node| (node.to_owned(), Verdict::Run)).into_iter().collect();
        let state = State { set: &set, hash: "new", fits, on_node, now: 2_000_000_000 };
        let plan = if update { state.update() } else { state.keep() };
        let mut got: Vec<String> = plan.create.iter().map(|node| format!("+{node}")).collect();
        got.extend(plan.delete.iter().map(|pod| format!("-{}", pod.name())));
        assert_eq!(got.join(" "), want);
    }

    #[test]
    fn every_node_gets_one_pod() {
        let one = json!({"maxUnavailable": 1});
        check(one.clone(), &[("a/1", "new", true)], false, "+b +c");
        check(
            one,
            &[("a/1", "new", true), ("a/2", "new", true), ("b/1", "old", true), ("c/1", "old", true)],
            false,
            "-a/2",
        );
    }

    #[test]
    fn old_pods_are_replaced_a_few_at_a_time() {
        let all_old = [("a/1", "old", true), ("b/1", "old", true), ("c/1", "old", true)];
        check(json!({"maxUnavailable": 1}), &all_old, true, "-a/1");
        check(json!({"maxUnavailable": "50%"}), &all_old, true, "-a/1 -b/1");
        let one_down = [("a/1", "new", false), ("b/1", "old", true), ("c/1", "old", true)];
        check(json!({"maxUnavailable": 1}), &one_down, true, "");
        let old_down = [("a/1", "new", false), ("b/1", "old", false), ("c/1", "old", true)];
        check(json!({"maxUnavailable": 1}), &old_down, true, "-b/1");
    }

    #[test]
    fn a_new_pod_may_come_before_the_old_one_goes() {
        let surge = json!({"maxSurge": 1, "maxUnavailable": 0});
        let all_old = [("a/1", "old", true), ("b/1", "old", true), ("c/1", "old", true)];
        check(surge.clone(), &all_old, true, "+a");
        let coming = [("a/1", "old", true), ("a/2", "new", false), ("b/1", "old", true), ("c/1", "old", true)];
        check(surge.clone(), &coming, true, "");
        let come = [("a/1", "old", true), ("a/2", "new", true), ("b/1", "old", true), ("c/1", "old", true)];
        check(surge.clone(), &come, false, "-a/1");
    }
}

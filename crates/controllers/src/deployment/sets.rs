//! The ReplicaSets of a Deployment: which is new, which are old, and sums over them. Pure.

use crate::workload::numbers::scaled;
use informer::{Object, Shared};
use object::View;

/// The label by which the pods of ReplicaSets are told apart.
pub(super) const HASH: &str = "pod-template-hash";
/// The number of a ReplicaSet in the Deployment's history.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
/// Earlier numbers of a ReplicaSet that was gone back to.
pub(super) const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// How many replicas the Deployment had when the ReplicaSet was last scaled.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// How many pods the Deployment might have had then.
pub(super) const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// What stands for no limit.
const UNLIMITED: i64 = i32::MAX as i64;

/// What a Deployment's spec asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// How many pods.
    pub(super) replicas: i64,
    /// Whether new pods come before old ones have gone.
    pub(super) is_rolling: bool,
    /// How many pods there may be too many.
    pub(super) max_surge: i64,
    /// How many pods there may be too few.
    pub(super) max_unavailable: i64,
    /// Seconds within which something has to happen.
    pub(super) deadline: Option<i64>,
    /// How many old ReplicaSets are kept.
    pub(super) history: Option<i64>,
}

impl Plan {
    pub(super) fn of(deployment: &Object) -> Plan {
        let spec = deployment.spec();
        let replicas = spec.int("replicas");
        let is_rolling = spec.get("strategy").str("type") == "RollingUpdate";
        let rolling = spec.at(&["strategy", "rollingUpdate"]);
        let limit = |name: &str| spec.opt_int(name).filter(|limit| *limit != UNLIMITED);
        let mut surge = scaled(rolling.get("maxSurge"), replicas, true);
        let mut unavailable = scaled(rolling.get("maxUnavailable"), replicas, false);
        if surge == 0 && unavailable == 0 {
            // Neither would be standstill.
            unavailable = 1;
        }
        if !is_rolling {
            (surge, unavailable) = (0, 0);
        }
        Plan {
            replicas,
            is_rolling,
            max_surge: surge,
            max_unavailable: unavailable.min(replicas),
            deadline: limit("progressDeadlineSeconds"),
            history: limit("revisionHistoryLimit"),
        }
    }

    /// How many pods there may be.
    pub(super) fn maximum(&self) -> i64 {
        self.replicas + self.max_surge
    }
}

/// The ReplicaSets of a Deployment.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    /// The one of the current template.
    pub(super) new: Option<Shared>,
    /// The others, oldest first.
    pub(super) old: Vec<Shared>,
}

impl Sets {
    pub(super) fn new(deployment: &Object, mut sets: Vec<Shared>) -> Sets {
        sort_by_age(&mut sets);
        let template = deployment.spec().get("template");
        let at = sets.iter().position(|set| same_template(template, set.spec().get("template")));
        let new = at.map(|at| sets.remove(at));
        Sets { new, old: sets }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Shared> {
        self.old.iter().chain(&self.new).cloned().collect()
    }

    /// Those that shall have pods.
    pub(super) fn active(&self) -> Vec<Shared> {
        self.all().into_iter().filter(|set| replicas(set) > 0).collect()
    }

    /// A sum over all of them.
    pub(super) fn sum(&self, of: impl Fn(&Object) -> i64) -> i64 {
        self.old.iter().chain(&self.new).map(|set| of(set)).sum()
    }

    /// Takes in a ReplicaSet as it is after a change.
    pub(super) fn update(&mut self, set: Shared) {
        let known = self.old.iter_mut().chain(&mut self.new);
        for known in known.filter(|known| known.uid() == set.uid()) {
            *known = set.clone();
        }
    }

    /// True if one was last scaled for another size of the Deployment.
    pub(super) fn are_of_another_size(&self, replicas: i64) -> bool {
        self.active().iter().filter_map(|set| annotated(set, DESIRED)).any(|desired| desired != replicas)
    }

    /// The only one that shall have pods, or the latest if none shall.
    pub(super) fn active_or_latest(&self) -> Option<Shared> {
        match &self.active()[..] {
            [] => self.new.clone().or_else(|| self.old.last().cloned()),
            [only] => Some(only.clone()),
            _ => None,
        }
    }
}

/// How many pods a ReplicaSet shall have.
pub(super) fn replicas(set: &Object) -> i64 {
    set.spec().int("replicas")
}

/// How many pods a ReplicaSet has.
pub(super) fn actual(set: &Object) -> i64 {
    set.status().int("replicas")
}

/// How many pods of a ReplicaSet are available.
pub(super) fn available(set: &Object) -> i64 {
    set.status().int("availableReplicas")
}

/// The number of a ReplicaSet in the Deployment's history; 0 if it has none.
pub(super) fn revision(set: &Object) -> i64 {
    set.annotation(REVISION).parse().unwrap_or_default()
}

/// A count that an annotation holds.
pub(super) fn annotated(set: &Object, name: &str) -> Option<i64> {
    set.annotation(name).parse::<i32>().ok().filter(|number| *number >= 0).map(i64::from)
}

/// Oldest first.
pub(super) fn sort_by_age(sets: &mut [Shared]) {
    sets.sort_by(|a, b| a.created().cmp(&b.created()).then_with(|| a.name().cmp(b.name())));
}

/// Equal but for the hash label.
pub(super) fn same_template(a: View<'_>, b: View<'_>) -> bool {
    let labels = |template: View<'_>| {
        let mut labels = template.at(&["metadata", "labels"]).to_value();
        if let Some(labels) = labels.as_object_mut() {
            labels.remove(HASH);
        }
        labels
    };
    let (labels_a, labels_b) = (labels(a), labels(b));
    let same = |name: &str| a.get("metadata").get(name).same(b.get("metadata").get(name));
    View::from(&labels_a).same(View::from(&labels_b))
        && same("annotations")
        && same("finalizers")
        && a.get("spec").same(b.get("spec"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    fn plan(replicas: i64, surge: &str, unavailable: &str) -> (i64, i64) {
        let plan = Plan::of(&Object::new(json!({"spec": {"replicas": replicas, "strategy": {
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}})));
        (plan.max_surge, plan.max_unavailable)
    }

    #[test]
    fn surge_is_rounded_up_and_unavailability_down() {
        assert_eq!(plan(10, "25%", "25%"), (3, 2));
        assert_eq!(plan(1, "25%", "25%"), (1, 0));
        assert_eq!(plan(3, "0%", "10%"), (0, 1), "something has to move");
        assert_eq!(plan(0, "25%", "25%"), (0, 0));
    }

    #[test]
    fn templates_are_equal_but_for_the_hash() {
        let a = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": []}});
        let b = json!({"metadata": {"labels": {"app": "a", HASH: "1"}}, "spec": {"containers": []}});
        let c = json!({"metadata": {"labels": {"app": "c"}}, "spec": {"containers": []}});
        assert!(same_template(View::from(&a), View::from(&b)));
        assert!(!same_template(View::from(&a), View::from(&c)));
    }
}

//! Which pods go first when there are too many. Pure.

use super::pods;
use informer::{Object, Shared};
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The `count` pods of `active` that go first. `related` are all pods of the same origin: where many of them share a
/// node, pods go sooner.
pub(crate) fn to_delete(active: &[Shared], related: &[Shared], count: usize, now: i64) -> Vec<Shared> {
    if count >= active.len() {
        return active.to_vec();
    }
    let mut on_node: HashMap<&str, usize> = HashMap::new();
    for pod in related.iter().filter(|pod| pods::is_active(pod)) {
        *on_node.entry(pod.spec().str("nodeName")).or_default() += 1;
    }
    let crowd = |pod: &Object| on_node.get(pod.spec().str("nodeName")).copied().unwrap_or_default();
    let mut sorted = active.to_vec();
    sorted.sort_by(|a, b| compare(a, b, crowd(a), crowd(b), now));
    sorted.truncate(count);
    sorted
}

fn compare(a: &Object, b: &Object, crowd_a: usize, crowd_b: usize, now: i64) -> Ordering {
    let has_node = |pod: &Object| !pod.spec().str("nodeName").is_empty();
    has_node(a)
        .cmp(&has_node(b))
        .then_with(|| phase_rank(a).cmp(&phase_rank(b)))
        .then_with(|| pods::is_ready(a).cmp(&pods::is_ready(b)))
        .then_with(|| cost(a).cmp(&cost(b)))
        .then_with(|| Reverse(crowd_a).cmp(&Reverse(crowd_b)))
        .then_with(|| younger_first(pods::ready_since(a), pods::ready_since(b), now))
        .then_with(|| Reverse(pods::restarts(a)).cmp(&Reverse(pods::restarts(b))))
        .then_with(|| younger_first(Some(a.created()), Some(b.created()), now))
        .then_with(|| a.uid().cmp(b.uid()))
}

fn phase_rank(pod: &Object) -> u8 {
    match pods::phase(pod) {
        "Unknown" => 1,
        "Running" => 2,
        _ => 0,
    }
}

fn cost(pod: &Object) -> i32 {
    pod.annotation(COST).parse().unwrap_or_default()
}

/// What is much younger goes first; ages of the same order of magnitude are alike.
fn younger_first(a: Option<i64>, b: Option<i64>, now: i64) -> Ordering {
    let magnitude = |since: i64| {
        // The reference counts nanoseconds.
        let age = u64::try_from(now - since).unwrap_or_default().saturating_mul(1_000_000_000);
        age.checked_ilog2().map_or(0, |log| log + 1)
    };
    match (a, b) {
        (Some(a), Some(b)) => magnitude(a).cmp(&magnitude(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use informer::clock;
    use object::{Value, json};

    fn pod(name: &str, more: Value) -> Shared {
        let mut pod = json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": "2020-01-01T00:00:00Z"},
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}]},
        });
        for (path, value) in more.as_object().unwrap() {
            *pod.pointer_mut(path.rsplit_once('/').unwrap().0).unwrap() = {
                let (parent, name) = path.rsplit_once('/').unwrap();
                let mut parent = pod.pointer(parent).unwrap().clone();
                parent[name] = value.clone();
                parent
            };
        }
        Shared::new(Object::new(pod))
    }

    fn first(a: &Shared, b: &Shared) -> String {
        let now = clock::seconds("2020-01-02T00:00:00Z").unwrap();
        let both = [b.clone(), a.clone()];
        to_delete(&both, &both, 1, now)[0].name().to_owned()
    }

    #[test]
    fn pods_that_are_worth_less_go_first() {
        let plain = pod("z-plain", json!({}));
        for (name, more) in [
            ("unassigned", json!({"/spec/nodeName": ""})),
            ("pending", json!({"/status/phase": "Pending"})),
            ("not-ready", json!({"/status/conditions": []})),
            ("cheap", json!({"/metadata/annotations": {COST: "-1"}})),
            ("young", json!({"/metadata/creationTimestamp": "2020-01-01T23:59:00Z"})),
            (
                "just-ready",
                json!({"/status/conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T23:59:00Z"}]}),
            ),
            ("restarted", json!({"/status/containerStatuses": [{"restartCount": 3}]})),
        ] {
            assert_eq!(first(&pod(name, more), &plain), name);
        }
    }

    #[test]
    fn crowded_nodes_are_relieved_first() {
        let now = clock::seconds("2020-01-02T00:00:00Z").unwrap();
        let there = |name: &str, node: &str| pod(name, json!({"/spec/nodeName": node}));
        let pods = [there("a", "1"), there("b", "2"), there("c", "2")];
        assert_eq!(to_delete(&pods, &pods, 1, now)[0].name(), "b");
    }
}

//! The quality of service class of a pod.

use super::amounts::{Amounts, read};
use object::View;
use object::quantity::Quantity;

/// Only these resources decide.
const COMPUTE: [&str; 2] = ["cpu", "memory"];

/// The class that the pod has, or gets: `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn class_of(pod: View<'_>) -> &str {
    match pod.at(&["status", "qosClass"]).as_str() {
        "" => compute(pod.get("spec")),
        class => class,
    }
}

/// The class that follows from the resources of the pod or, without such, of its containers.
pub(crate) fn compute(spec: View<'_>) -> &'static str {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let mut guaranteed = true;
    if spec.has("resources") {
        let resources = spec.get("resources");
        add_positive(&mut requests, resources.get("requests"));
        if !resources.get("limits").is_empty() {
            guaranteed = add_positive(&mut limits, resources.get("limits")) == COMPUTE.len();
        }
    } else {
        for container in spec.list("containers").chain(spec.list("initContainers")) {
            let resources = container.get("resources");
            add_positive(&mut requests, resources.get("requests"));
            guaranteed &= add_positive(&mut limits, resources.get("limits")) == COMPUTE.len();
        }
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    if guaranteed && requests == limits { "Guaranteed" } else { "Burstable" }
}

/// Adds what is above zero and tells how many resources were.
fn add_positive<'a>(total: &mut Amounts<'a>, list: View<'a>) -> usize {
    let mut count = 0;
    for (name, amount) in read(list).into_iter().filter(|(name, amount)| COMPUTE.contains(name) && amount.sign() > 0) {
        count += 1;
        total.entry(name).or_insert(Quantity::ZERO).add(&amount);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::compute;
    use object::{Value, View, json};

    #[track_caller]
    fn check(spec: Value, want: &str) {
        assert_eq!(compute(View::from(&spec)), want, "{spec}");
    }

    #[test]
    fn the_class_follows_from_the_resources() {
        let equal = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}});
        let half = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
        check(json!({"containers": [{}]}), "BestEffort");
        check(json!({"containers": [{"resources": {"requests": {"cpu": "0", "x.io/y": "1"}}}]}), "BestEffort");
        check(json!({"containers": [{"resources": equal}]}), "Guaranteed");
        check(json!({"containers": [{"resources": equal}], "initContainers": [{}]}), "Burstable");
        check(json!({"containers": [{"resources": half}]}), "Burstable");
        check(json!({"containers": [{}], "resources": equal}), "Guaranteed");
        check(json!({"containers": [{"resources": equal}], "resources": half}), "Burstable");
    }
}

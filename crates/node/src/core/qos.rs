//! The quality-of-service class of a pod, and which of its processes the kernel kills first.

use super::model::{inits, lasting, spec};
use super::resources;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};
use object::quantity::Quantity;

/// Resources that decide upon the class.
const COUNTED: [&str; 2] = ["cpu", "memory"];
/// Pods of this priority and above are killed last.
const CRITICAL: i32 = 2_000_000_000;

/// The class of a pod.
pub(crate) fn class(spec: &PodSpec) -> &'static str {
    if let Some(whole) = spec.resources.as_ref().filter(|whole| counts(whole)) {
        return if is_guaranteed(whole) { "Guaranteed" } else { "Burstable" };
    }
    let none = ResourceRequirements::default();
    let all: Vec<&ResourceRequirements> =
        lasting(spec).map(|container| container.resources.as_ref().unwrap_or(&none)).collect();
    if !all.iter().any(|resources| counts(resources)) {
        return "BestEffort";
    }
    if all.iter().all(|resources| is_guaranteed(resources)) { "Guaranteed" } else { "Burstable" }
}

fn positive(amounts: Option<&resources::Amounts>, name: &str) -> Option<Quantity> {
    let amount = Quantity::parse(&amounts?.get(name)?.0).ok()?;
    (amount.sign() > 0).then_some(amount)
}

fn counts(resources: &ResourceRequirements) -> bool {
    COUNTED.iter().any(|name| {
        positive(resources.requests.as_ref(), name).is_some() || positive(resources.limits.as_ref(), name).is_some()
    })
}

fn is_guaranteed(resources: &ResourceRequirements) -> bool {
    COUNTED.iter().all(|name| {
        let limit = positive(resources.limits.as_ref(), name);
        let request = positive(resources.requests.as_ref(), name);
        limit.is_some() && (request.is_none() || request == limit)
    })
}

/// How readily the kernel kills a container when memory runs out: -1000 never, 1000 first.
pub(crate) fn oom_score(pod: &Pod, container: &Container, memory: i64) -> i32 {
    let spec = spec(pod);
    if spec.priority.is_some_and(|priority| priority >= CRITICAL) || super::model::is_static(pod) {
        return -997;
    }
    match class(spec) {
        "Guaranteed" => -997,
        "BestEffort" => 1000,
        _ => burstable(spec, container, memory),
    }
}

fn burstable(spec: &PodSpec, container: &Container, memory: i64) -> i32 {
    let request = |container: &Container| {
        resources::amount(container.resources.as_ref().and_then(|all| all.requests.as_ref()), "memory")
    };
    let asked = request(container).unwrap_or_default();
    let score = 1000 - 1000_i64.saturating_mul(asked) / memory.max(1);
    let own = i32::try_from(score.clamp(3, 999)).unwrap_or(999);
    let is_sidecar = inits(spec).iter().any(|init| init.name == container.name && super::model::is_sidecar(init));
    if !is_sidecar {
        return own;
    }
    let others = spec.containers.iter().map(|other| 1000 - 1000 * request(other).unwrap_or_default() / memory.max(1));
    let least = others.min().map_or(own, |least| i32::try_from(least.clamp(3, 999)).unwrap_or(own));
    own.min(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    fn check(spec: Value, want: &str) {
        let spec: PodSpec = value::from_value(spec).unwrap();
        assert_eq!(class(&spec), want, "{spec:?}");
    }

    fn container(resources: Value) -> Value {
        json!({"name": "a", "resources": resources})
    }

    #[test]
    fn classes() {
        let whole = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}});
        let part = json!({"requests": {"cpu": "1"}});
        let unequal = json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}});
        check(json!({"containers": [container(json!({}))]}), "BestEffort");
        check(json!({"containers": [container(json!({"requests": {"example.com/a": "1"}}))]}), "BestEffort");
        check(json!({"containers": [container(whole.clone())]}), "Guaranteed");
        check(json!({"containers": [container(whole.clone()), container(json!({}))]}), "Burstable");
        check(json!({"containers": [container(part)]}), "Burstable");
        check(json!({"containers": [container(unequal)]}), "Burstable");
        check(json!({"containers": [container(json!({}))], "resources": whole}), "Guaranteed");
    }

    #[test]
    fn the_kernel_takes_best_effort_first() {
        let pod = |resources: Value| -> Pod {
            value::from_value(json!({"spec": {"containers": [container(resources)]}})).unwrap()
        };
        let score = |resources: Value| {
            let pod = pod(resources);
            oom_score(&pod, &spec(&pod).containers[0], 1000)
        };
        assert_eq!(score(json!({})), 1000);
        assert_eq!(score(json!({"limits": {"cpu": "1", "memory": "100"}})), -997);
        assert_eq!(score(json!({"requests": {"memory": "250"}})), 750);
        assert_eq!(score(json!({"requests": {"cpu": "1"}})), 999);
        assert_eq!(score(json!({"requests": {"memory": "1000"}})), 3);
    }
}

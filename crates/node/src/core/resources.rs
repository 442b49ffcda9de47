//! Sums of requests and limits, and what they mean to the kernel.

use super::model::{inits, is_sidecar};
use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use object::quantity::Quantity;
use std::collections::BTreeMap;

/// Amounts as the API has them.
pub(crate) type Amounts = BTreeMap<String, ApiQuantity>;
/// Amounts to calculate with.
type Sums = BTreeMap<String, Quantity>;

/// The amounts of a pod, as the API has them.
pub(crate) fn pod_requests(spec: &PodSpec) -> Amounts {
    sums(spec, requests).into_iter().map(|(name, amount)| (name, ApiQuantity(amount.to_string()))).collect()
}

/// What a pod asks for, in whole units; the processor in thousandths.
pub(crate) fn requested(spec: &PodSpec) -> BTreeMap<String, i64> {
    sums(spec, requests).into_iter().map(|(name, amount)| (name.clone(), units(&name, &amount))).collect()
}

/// What a pod may use, in whole units; the processor in thousandths. A resource is there only if all containers limit it.
pub(crate) fn limited(spec: &PodSpec) -> BTreeMap<String, i64> {
    let everywhere = |name: &str| {
        let has = |container: &Container| limits(container).is_some_and(|all| all.contains_key(name));
        let long = inits(spec).iter().filter(|container| is_sidecar(container));
        spec.containers.iter().chain(long).all(has)
            || spec.resources.as_ref().and_then(|all| all.limits.as_ref()).is_some_and(|all| all.contains_key(name))
    };
    let sums = sums(spec, limits).into_iter().filter(|(name, _)| everywhere(name));
    sums.map(|(name, amount)| (name.clone(), units(&name, &amount))).collect()
}

/// One amount in whole units; the processor in thousandths.
pub(crate) fn amount(amounts: Option<&Amounts>, name: &str) -> Option<i64> {
    let quantity = Quantity::parse(&amounts?.get(name)?.0).ok()?;
    Some(units(name, &quantity))
}

fn units(name: &str, amount: &Quantity) -> i64 {
    if name == "cpu" { amount.milli_value() } else { amount.value() }
}

fn requests(container: &Container) -> Option<&Amounts> {
    container.resources.as_ref()?.requests.as_ref()
}

fn limits(container: &Container) -> Option<&Amounts> {
    container.resources.as_ref()?.limits.as_ref()
}

/// Regular containers and sidecars run together, initialising ones each beside the sidecars before it.
fn sums(spec: &PodSpec, pick: fn(&Container) -> Option<&Amounts>) -> Sums {
    let mut total = Sums::new();
    spec.containers.iter().for_each(|container| add(&mut total, pick(container)));
    let (mut sidecars, mut peak) = (Sums::new(), Sums::new());
    for container in inits(spec) {
        let mut together = sidecars.clone();
        add(&mut together, pick(container));
        raise(&mut peak, &together);
        if is_sidecar(container) {
            add(&mut total, pick(container));
            sidecars = together;
        }
    }
    raise(&mut total, &peak);
    if let Some(whole) = &spec.resources {
        let probe = Container { resources: Some(whole.clone()), ..Container::default() };
        let whole = pick(&probe).into_iter().flatten();
        total.extend(whole.filter_map(|(name, amount)| Some((name.clone(), Quantity::parse(&amount.0).ok()?))));
    }
    add(&mut total, spec.overhead.as_ref());
    total
}

fn add(total: &mut Sums, amounts: Option<&Amounts>) {
    for (name, amount) in amounts.into_iter().flatten() {
        let Ok(amount) = Quantity::parse(&amount.0) else { continue };
        total.entry(name.clone()).or_insert(Quantity::ZERO).add(&amount);
    }
}

fn raise(total: &mut Sums, other: &Sums) {
    for (name, amount) in other {
        let known = total.entry(name.clone()).or_insert_with(|| amount.clone());
        if *known < *amount {
            *known = amount.clone();
        }
    }
}

/// The smallest number of processor shares.
const MIN_SHARES: u64 = 2;
/// The largest number of processor shares.
const MAX_SHARES: u64 = 262_144;
/// The period of processor quotas in microseconds.
pub(crate) const CPU_PERIOD: u64 = 100_000;
/// The smallest processor quota in microseconds.
const MIN_QUOTA: i64 = 1000;

/// Processor shares for a request in thousandths.
pub(crate) fn cpu_shares(milli: i64) -> u64 {
    let shares = u64::try_from(milli).unwrap_or_default().saturating_mul(1024) / 1000;
    shares.clamp(MIN_SHARES, MAX_SHARES)
}

/// The processor quota in a period for a limit in thousandths; none if there is no limit.
pub(crate) fn cpu_quota(milli: i64) -> Option<i64> {
    let period = i64::try_from(CPU_PERIOD).unwrap_or(i64::MAX);
    (milli > 0).then(|| (milli.saturating_mul(period) / 1000).max(MIN_QUOTA))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    fn check(spec: Value, want: &[(&str, i64)]) {
        let spec: PodSpec = value::from_value(spec).unwrap();
        let want: BTreeMap<String, i64> = want.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        assert_eq!(requested(&spec), want);
    }

    fn container(cpu: &str) -> Value {
        json!({"name": "a", "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn containers_are_summed_up() {
        check(json!({"containers": [container("100m"), container("1")]}), &[("cpu", 1100)]);
    }

    #[test]
    fn the_largest_initialising_container_counts() {
        let spec = json!({"containers": [container("1")], "initContainers": [container("3"), container("2")]});
        check(spec, &[("cpu", 3000)]);
    }

    #[test]
    fn sidecars_count_beside_what_runs_later() {
        let mut sidecar = container("1");
        sidecar["restartPolicy"] = json!("Always");
        let spec = json!({"containers": [container("1")], "initContainers": [sidecar, container("3")]});
        check(spec, &[("cpu", 4000)]);
    }

    #[test]
    fn the_pod_as_a_whole_comes_first_and_overhead_last() {
        let spec = json!({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}, "overhead": {"cpu": "250m"}});
        check(spec, &[("cpu", 5250)]);
    }

    #[test]
    fn shares_and_quota() {
        assert_eq!(cpu_shares(0), 2);
        assert_eq!(cpu_shares(1500), 1536);
        assert_eq!(cpu_quota(0), None);
        assert_eq!(cpu_quota(250), Some(25_000));
        assert_eq!(cpu_quota(1), Some(1000));
    }
}

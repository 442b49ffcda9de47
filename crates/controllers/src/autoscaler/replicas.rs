//! From measurements to a number of replicas. Pure.
//!
//! Pods that are not measured are taken to be as much against the change as could be: on the way down they use what is
//! wanted of them, on the way up nothing. A change of direction that comes of such guesses is not made.

use super::group::Groups;
use super::metrics::Sample;
use super::{len, replicas_from};
use informer::Shared;
use object::View;
use object::quantity::Quantity;
use std::collections::BTreeMap;

/// By how much a ratio may be off without a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerances {
    pub(super) up: f64,
    pub(super) down: f64,
}

impl Tolerances {
    pub(super) fn allow(&self, ratio: f64) -> bool {
        (1.0 - self.down..=1.0 + self.up).contains(&ratio)
    }
}

/// Samples by pod.
pub(super) type Samples = BTreeMap<String, Sample>;

/// What is wanted of each pod.
pub(super) enum Aim<'a> {
    /// This much, in thousandths.
    Value(i64),
    /// This much of what it requests, in percent; with the requests by pod, in thousandths.
    Utilization(i64, &'a BTreeMap<String, i64>),
}

/// How far the use is from the aim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    ratio: f64,
    /// In percent of the requests, if that is the aim.
    pub(super) utilization: i64,
    /// Of a pod on average, in thousandths.
    pub(super) average: i64,
}

impl Aim<'_> {
    fn usage(&self, samples: &Samples) -> Result<Usage, String> {
        let total = |values: &mut dyn Iterator<Item = i64>| values.fold(0_i64, i64::saturating_add);
        match self {
            Aim::Value(wanted) => {
                let average = total(&mut samples.values().map(|sample| sample.value)) / (samples.len() as i64).max(1);
                Ok(Usage { ratio: average as f64 / *wanted as f64, utilization: 0, average })
            }
            Aim::Utilization(wanted, requests) => {
                let known = || samples.iter().filter_map(|(name, sample)| Some((sample.value, *requests.get(name)?)));
                let used = total(&mut known().map(|(used, _)| used));
                let requested = total(&mut known().map(|(_, requested)| requested));
                if requested == 0 {
                    return Err("no metrics returned matched known pods".to_owned());
                }
                let utilization = used.saturating_mul(100) / requested;
                let average = used / (known().count() as i64).max(1);
                Ok(Usage { ratio: utilization as f64 / *wanted as f64, utilization, average })
            }
        }
    }

    /// What a pod that nobody measured is taken to use on the way down.
    fn guess(&self, pod: &str) -> i64 {
        match self {
            Aim::Value(wanted) => *wanted,
            Aim::Utilization(wanted, requests) => {
                requests.get(pod).copied().unwrap_or_default().saturating_mul(*wanted.max(&100)) / 100
            }
        }
    }
}

/// How many replicas bring the use to the aim.
pub(super) fn wanted(
    mut samples: Samples,
    groups: &Groups,
    aim: &Aim<'_>,
    current: i64,
    tolerances: Tolerances,
) -> Result<(i64, Usage), String> {
    if samples.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
    }
    let usage = aim.usage(&samples)?;
    let counts_unready = !groups.unready.is_empty() && usage.ratio > 1.0;
    if !counts_unready && groups.missing.is_empty() {
        let replicas = match tolerances.allow(usage.ratio) {
            true => current,
            false => replicas_from(usage.ratio * groups.ready as f64),
        };
        return Ok((replicas, usage));
    }
    let nothing = Sample { at: 0, window: 0, value: 0 };
    for pod in &groups.missing {
        if usage.ratio < 1.0 {
            samples.insert(pod.clone(), Sample { value: aim.guess(pod), ..nothing });
        } else if usage.ratio > 1.0 {
            samples.insert(pod.clone(), nothing);
        }
    }
    if counts_unready {
        samples.extend(groups.unready.iter().map(|pod| (pod.clone(), nothing)));
    }
    let guessed = aim.usage(&samples)?.ratio;
    let turns = (usage.ratio < 1.0 && guessed > 1.0) || (usage.ratio > 1.0 && guessed < 1.0);
    if tolerances.allow(guessed) || turns {
        return Ok((current, usage));
    }
    let replicas = replicas_from(guessed * samples.len() as f64);
    let turns = (guessed < 1.0 && replicas > current) || (guessed > 1.0 && replicas < current);
    Ok((if turns { current } else { replicas }, usage))
}

/// What pods request of a resource in thousandths; of one container, if one is named.
pub(super) fn requests(pods: &[Shared], resource: &str, container: &str) -> Result<BTreeMap<String, i64>, String> {
    pods.iter().map(|pod| Ok((pod.name().to_owned(), request(pod, resource, container)?))).collect()
}

fn request(pod: &Shared, resource: &str, container: &str) -> Result<i64, String> {
    let of = |holder: View<'_>| {
        let asked = holder.get("resources").get("requests").get(resource);
        asked.exists().then(|| Quantity::from_view(asked).milli_value())
    };
    if container.is_empty()
        && let Some(whole) = of(pod.spec())
    {
        return Ok(whole);
    }
    let is_sidecar = |one: &View<'_>| one.str("restartPolicy") == "Always";
    let lasting = pod.spec().list("containers").chain(pod.spec().list("initContainers").filter(is_sidecar));
    let mut counted = Vec::new();
    for one in lasting.filter(|one| container.is_empty() || one.str("name") == container) {
        let missing =
            || format!("missing request for {resource} in container {} of Pod {}", one.str("name"), pod.name());
        counted.push(of(one).ok_or_else(missing)?);
    }
    if !container.is_empty() && len(&counted) == 0 {
        return Err(format!("container {container} not found in Pod {}", pod.name()));
    }
    Ok(counted.into_iter().fold(0, i64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use informer::Object;
    use object::json;
    use std::sync::Arc;

    const TENTH: Tolerances = Tolerances { up: 0.1, down: 0.1 };

    fn samples(values: &[i64]) -> Samples {
        let sample = |value| Sample { at: 0, window: 0, value };
        values.iter().enumerate().map(|(at, value)| (format!("pod-{at}"), sample(*value))).collect()
    }

    #[track_caller]
    fn check(values: &[i64], unready: usize, missing: usize, current: i64, want: i64) {
        let name = |at: &usize| format!("other-{at}");
        let groups = Groups {
            ready: values.len() as i64,
            unready: (0..unready).collect::<Vec<_>>().iter().map(name).collect(),
            missing: (100..100 + missing).collect::<Vec<_>>().iter().map(name).collect(),
        };
        let (replicas, _) = wanted(samples(values), &groups, &Aim::Value(100), current, TENTH).unwrap();
        assert_eq!(replicas, want, "{values:?} unready {unready} missing {missing} current {current}");
    }

    #[test]
    fn the_average_is_brought_to_the_aim() {
        check(&[200, 200], 0, 0, 2, 4);
        check(&[105, 105], 0, 0, 2, 2);
        check(&[30, 30, 30], 0, 0, 3, 1);
        check(&[0], 0, 0, 1, 0);
    }

    #[test]
    fn who_is_not_measured_is_against_the_change() {
        // Up: an unready pod is taken to use nothing, so fewer come.
        check(&[300, 300], 1, 0, 3, 6);
        check(&[150, 150], 1, 0, 3, 3);
        // Down: a missing one is taken to use what is wanted of it.
        check(&[20, 20], 0, 1, 3, 2);
        check(&[90, 90, 80], 0, 1, 4, 4);
        // A guess does not turn the direction round.
        check(&[120], 0, 1, 2, 2);
    }

    #[test]
    fn utilization_is_of_what_pods_request() {
        let requests: BTreeMap<String, i64> = (0..2).map(|at| (format!("pod-{at}"), 1000)).collect();
        let groups = Groups { ready: 2, ..Groups::default() };
        let aim = Aim::Utilization(50, &requests);
        let (replicas, usage) = wanted(samples(&[900, 700]), &groups, &aim, 2, TENTH).unwrap();
        assert_eq!((replicas, usage.utilization, usage.average), (4, 80, 800));
        let nobody = BTreeMap::new();
        let error = wanted(samples(&[1]), &groups, &Aim::Utilization(50, &nobody), 2, TENTH).unwrap_err();
        assert_eq!(error, "no metrics returned matched known pods");
    }

    #[test]
    fn requests_are_those_of_containers_that_last() {
        let pod = |spec| vec![Arc::new(Object::new(json!({"metadata": {"name": "p"}, "spec": spec})))];
        let asks = |name: &str, cpu: &str| json!({"name": name, "resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = asks("mesh", "50m");
        sidecar["restartPolicy"] = json!("Always");
        let spec =
            json!({"containers": [asks("a", "100m"), asks("b", "1")], "initContainers": [asks("i", "9"), sidecar]});
        assert_eq!(requests(&pod(spec.clone()), "cpu", "").unwrap()["p"], 1150);
        assert_eq!(requests(&pod(spec.clone()), "cpu", "b").unwrap()["p"], 1000);
        assert_eq!(requests(&pod(spec), "cpu", "x").unwrap_err(), "container x not found in Pod p");
        let error = requests(&pod(json!({"containers": [{"name": "a"}]})), "cpu", "").unwrap_err();
        assert_eq!(error, "missing request for cpu in container a of Pod p");
        let whole = json!({"containers": [{"name": "a"}], "resources": {"requests": {"cpu": "2"}}});
        assert_eq!(requests(&pod(whole), "cpu", "").unwrap()["p"], 2000);
    }
}

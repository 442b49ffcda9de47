//! Which pods count: those that are ready, those that are not yet, those that nobody has measured, and those that are
//! on their way out.

use super::metrics::Sample;
use crate::workload::pods::phase;
use informer::{Object, Shared, clock};
use std::collections::BTreeMap;

/// How long a pod may take to warm up: until then its use of processors counts only if it was ready the whole time.
const WARM_UP: i64 = 300;
/// A pod that stopped being ready this soon after its start was never ready.
const FIRST_READINESS: i64 = 30;

/// Pods by what their samples are good for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// How many are ready and measured.
    pub(super) ready: i64,
    pub(super) unready: Vec<String>,
    pub(super) missing: Vec<String>,
}

/// Groups pods, and takes out of the samples those that do not count. `is_cpu` says that starting up distorts them.
pub(super) fn group(pods: &[Shared], samples: &mut BTreeMap<String, Sample>, is_cpu: bool, now: i64) -> Groups {
    let mut groups = Groups::default();
    for pod in pods {
        let name = pod.name();
        if pod.is_going() || phase(pod) == "Failed" {
            samples.remove(name);
        } else if phase(pod) == "Pending" {
            samples.remove(name);
            groups.unready.push(name.to_owned());
        } else {
            match samples.get(name) {
                None => groups.missing.push(name.to_owned()),
                Some(sample) if is_cpu && is_starting(pod, sample, now) => {
                    samples.remove(name);
                    groups.unready.push(name.to_owned());
                }
                Some(_) => groups.ready += 1,
            }
        }
    }
    groups
}

/// Whether a pod's use of processors says nothing yet.
fn is_starting(pod: &Object, sample: &Sample, now: i64) -> bool {
    let ready = pod.condition("Ready");
    let Some(started) = clock::seconds(pod.status().str("startTime")).filter(|_| ready.exists()) else { return true };
    let changed = clock::seconds(ready.str("lastTransitionTime")).unwrap_or_default();
    let is_unready = ready.str("status") == "False";
    if started + WARM_UP > now {
        is_unready || sample.at < changed + sample.window
    } else {
        is_unready && started + FIRST_READINESS > changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;
    use std::sync::Arc;

    fn pod(name: &str, phase: &str, ready: &str, started: i64, changed: i64) -> Shared {
        let time = object::time::format_seconds;
        Arc::new(Object::new(json!({
            "metadata": {"name": name},
            "status": {"phase": phase, "startTime": time(started), "conditions": [
                {"type": "Ready", "status": ready, "lastTransitionTime": time(changed)}]},
        })))
    }

    #[test]
    fn pods_count_once_they_are_warm() {
        let now = 10_000;
        let pods = [
            pod("warm", "Running", "True", now - 1000, now - 900),
            pod("unmeasured", "Running", "True", now - 1000, now - 900),
            pod("pending", "Pending", "False", now, now),
            pod("failed", "Failed", "False", now - 1000, now - 900),
            pod("young", "Running", "True", now - 100, now - 10),
            pod("young-and-measured-since", "Running", "True", now - 100, now - 60),
            pod("never-ready", "Running", "False", now - 1000, now - 990),
            pod("was-ready", "Running", "False", now - 1000, now - 500),
        ];
        let sample = Sample { at: now - 5, window: 15, value: 100 };
        let names = pods.iter().map(|pod| pod.name()).filter(|name| *name != "unmeasured");
        let mut samples: BTreeMap<String, Sample> = names.map(|name| (name.to_owned(), sample)).collect();
        let groups = group(&pods, &mut samples, true, now);
        assert_eq!(groups.ready, 3);
        assert_eq!(groups.unready, ["pending", "young", "never-ready"]);
        assert_eq!(groups.missing, ["unmeasured"]);
        assert_eq!(samples.keys().collect::<Vec<_>>(), ["warm", "was-ready", "young-and-measured-since"]);
    }
}

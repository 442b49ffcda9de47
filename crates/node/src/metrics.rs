//! Counters of the node, for `/metrics` and `/metrics/probes`.

use crate::core::probe::Kind;
use crate::probes::Found;
use k8s_openapi::api::core::v1::Pod;
use pressure::alert::Rule;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the time that pods take to start, in seconds.
const START_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0];

/// All counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    probes: Mutex<BTreeMap<ProbeKey, u64>>,
    starts: Mutex<Starts>,
    alerts: Mutex<BTreeMap<AlertKey, u64>>,
}

/// Uid, namespace, pod, container, resource, line.
type AlertKey = [String; 6];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ProbeKey {
    namespace: String,
    pod: String,
    uid: String,
    container: String,
    kind: Kind,
    result: &'static str,
}

#[derive(Debug, Default)]
struct Starts {
    buckets: [u64; START_BUCKETS.len()],
    count: u64,
    sum: f64,
    pods: u64,
    containers: u64,
}

impl Metrics {
    /// Notes a run of a probe.
    pub(crate) fn probed(&self, pod: &Pod, container: &str, kind: Kind, found: &Found, _took: Duration) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let key = ProbeKey {
            namespace: text(&pod.metadata.namespace),
            pod: text(&pod.metadata.name),
            uid: text(&pod.metadata.uid),
            container: container.to_owned(),
            kind,
            result: match found {
                Found::Success | Found::Warning(_) => "successful",
                Found::Failure(_) => "failed",
                Found::Unknown(_) => "unknown",
            },
        };
        *self.probes.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// Notes that a pod is over: its probes are not told of any more.
    pub(crate) fn forget(&self, uid: &str) {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| key.uid != uid);
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| key[0] != uid);
    }

    /// Notes that a pod waited longer than somebody wants.
    pub(crate) fn alerted(&self, pod: &Pod, container: &str, rule: &Rule) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (resource, line) = (rule.condition.resource.name(), rule.condition.line.name());
        let meta = &pod.metadata;
        let key =
            [text(&meta.uid), text(&meta.namespace), text(&meta.name), container.into(), resource.into(), line.into()];
        *self.alerts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// Notes that a pod's sandbox was made.
    pub(crate) fn pod_started(&self) {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner).pods += 1;
    }

    /// Notes that a container was started.
    pub(crate) fn container_started(&self) {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner).containers += 1;
    }

    /// Notes how long a pod took from being seen to running.
    pub(crate) fn pod_took(&self, took: Duration) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = took.as_secs_f64();
        for (bucket, bound) in starts.buckets.iter_mut().zip(START_BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
        starts.count += 1;
        starts.sum += seconds;
    }

    /// `/metrics/probes`.
    pub(crate) fn render_probes(&self) -> String {
        let mut text = header(
            "prober_probe_total",
            "Cumulative number of a liveness, readiness or startup probe for a container by result.",
            "counter",
        );
        for (key, count) in self.probes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let ProbeKey { namespace, pod, uid, container, kind, result } = key;
            let kind = kind.name();
            let _ = writeln!(
                text,
                "prober_probe_total{{container={container:?},namespace={namespace:?},pod={pod:?},pod_uid={uid:?},probe_type={kind:?},result={result:?}}} {count}"
            );
        }
        text
    }

    /// The counters of `/metrics`.
    pub(crate) fn render(&self) -> String {
        let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = header("kubelet_started_pods_total", "Cumulative number of pods started", "counter");
        let _ = writeln!(text, "kubelet_started_pods_total {}", starts.pods);
        text += &header("kubelet_started_containers_total", "Cumulative number of containers started", "counter");
        let _ = writeln!(text, "kubelet_started_containers_total {}", starts.containers);
        let name = "kubelet_pod_start_duration_seconds";
        text += &header(
            name,
            "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
            "histogram",
        );
        for (bucket, bound) in starts.buckets.iter().zip(START_BUCKETS) {
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {bucket}");
        }
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {}", starts.count);
        let _ = writeln!(text, "{name}_sum {}", starts.sum);
        let _ = writeln!(text, "{name}_count {}", starts.count);
        let name = "hakata_pressure_alerts_total";
        text += &header(name, "Cumulative number of alerts of pods that waited longer than somebody wants.", "counter");
        for ([_, namespace, pod, container, resource, line], count) in
            self.alerts.lock().unwrap_or_else(PoisonError::into_inner).iter()
        {
            let _ = writeln!(
                text,
                "{name}{{container={container:?},line={line:?},namespace={namespace:?},pod={pod:?},resource={resource:?}}} {count}"
            );
        }
        text
    }
}

/// The lines before a metric.
pub(crate) fn header(name: &str, help: &str, kind: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

//! Pressure as custom metrics, for autoscalers: the kernel's averages of each pod, from the summaries of kubelets, in the
//! shape of `custom.metrics.k8s.io`. A value is in percent: 20 is a fifth of the time.
//!
//! Pure: paths and summaries in, documents out. Who serves them is `cluster`'s business.

use std::collections::BTreeSet;
use value::{Value, json};

/// The API group.
pub const GROUP: &str = "custom.metrics.k8s.io";
/// The versions of it that are answered, the preferred first.
pub const VERSIONS: [&str; 2] = ["v1beta2", "v1beta1"];
const RESOURCES: [&str; 3] = ["cpu", "memory", "io"];
const LINES: [&str; 2] = ["some", "full"];
const AVERAGES: [&str; 3] = ["avg10", "avg60", "avg300"];

/// A metric: `pressure_cpu_some_avg60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    resource: &'static str,
    line: &'static str,
    average: &'static str,
}

impl Metric {
    fn all() -> impl Iterator<Item = Metric> {
        RESOURCES.into_iter().flat_map(|resource| {
            LINES
                .into_iter()
                .flat_map(move |line| AVERAGES.into_iter().map(move |average| Metric { resource, line, average }))
        })
    }

    fn name(self) -> String {
        format!("pressure_{}_{}_{}", self.resource, self.line, self.average)
    }

    fn seconds(self) -> u64 {
        self.average.trim_start_matches("avg").parse().unwrap_or_default()
    }
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What there is.
    Resources {
        /// The version.
        version: &'static str,
    },
    /// A metric of pods.
    Pods {
        /// The version.
        version: &'static str,
        /// Their namespace.
        namespace: String,
        /// The pod; all, if there is none.
        name: Option<String>,
        /// Which metric.
        metric: Metric,
    },
}

/// Reads a path. What is not there is told as a `Status`.
pub fn parse(path: &str) -> Result<Question, Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let version = |name: &str| VERSIONS.into_iter().find(|known| *known == name);
    match parts.as_slice() {
        ["apis", GROUP, name] => {
            version(name).map(|version| Question::Resources { version }).ok_or_else(|| not_found(path))
        }
        ["apis", GROUP, name, "namespaces", namespace, "pods", pod, metric] => {
            let version = version(name).ok_or_else(|| not_found(path))?;
            let metric = Metric::all()
                .find(|known| known.name() == *metric)
                .ok_or_else(|| not_found(&format!("the server could not find the metric {metric} for pods")))?;
            let name = (!matches!(*pod, "*" | "%2A")).then(|| (*pod).to_owned());
            Ok(Question::Pods { version, namespace: (*namespace).to_owned(), name, metric })
        }
        _ => Err(not_found(path)),
    }
}

fn not_found(what: &str) -> Value {
    let message = match what.starts_with("the server") {
        true => what.to_owned(),
        false => format!("the server could not find the requested resource ({})", what.trim_matches('/')),
    };
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
           "reason": "NotFound", "code": 404})
}

/// What there is.
pub fn resources(version: &str) -> Value {
    let resources: Vec<Value> = Metric::all()
        .map(|metric| {
            json!({"name": format!("pods/{}", metric.name()), "singularName": "", "namespaced": true,
                   "kind": "MetricValueList", "verbs": ["get"]})
        })
        .collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{version}"),
           "resources": resources})
}

/// A metric of the pods that are asked for and that `selected` names, if it names any, from the summaries of nodes.
pub fn values(
    summaries: &[Value],
    (version, namespace, name, metric): (&str, &str, Option<&str>, Metric),
    selected: Option<&BTreeSet<(String, String)>>,
) -> Value {
    let mut items = Vec::new();
    for pod in summaries.iter().flat_map(|summary| summary["pods"].as_array().into_iter().flatten()) {
        let reference = &pod["podRef"];
        let (of, own) = (reference["namespace"].as_str(), reference["name"].as_str().unwrap_or_default());
        let is_selected = selected.is_none_or(|pods| pods.contains(&(namespace.to_owned(), own.to_owned())));
        if of != Some(namespace) || name.is_some_and(|name| name != own) || !is_selected {
            continue;
        }
        let Some(share) = pod[metric.resource]["psi"][metric.line][metric.average].as_f64() else { continue };
        items.push(item(version, metric, pod, share));
    }
    json!({"kind": "MetricValueList", "apiVersion": format!("{GROUP}/{version}"), "metadata": {}, "items": items})
}

fn item(version: &str, metric: Metric, pod: &Value, share: f64) -> Value {
    let reference = &pod["podRef"];
    let mut item = json!({
        "describedObject": {"kind": "Pod", "namespace": reference["namespace"], "name": reference["name"], "apiVersion": "/v1"},
        "timestamp": pod[metric.resource]["time"],
        "windowSeconds": metric.seconds(),
        "value": quantity(share),
    });
    match version {
        "v1beta1" => item["metricName"] = metric.name().into(),
        _ => item["metric"] = json!({"name": metric.name()}),
    }
    item
}

/// Percent as a quantity.
fn quantity(share: f64) -> String {
    let thousandths = (share * 1000.0).round().max(0.0);
    if thousandths % 1000.0 == 0.0 { format!("{}", thousandths / 1000.0) } else { format!("{thousandths}m") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "/apis/custom.metrics.k8s.io/v1beta2";

    #[test]
    fn a_metric_of_pods_comes_from_summaries() {
        let path = format!("{ROOT}/namespaces/shop/pods/*/pressure_cpu_some_avg60");
        let Ok(Question::Pods { version, namespace, name: None, metric }) = parse(&path) else { panic!("{path}") };
        let pod = |name: &str, share: f64| {
            json!({"podRef": {"namespace": "shop", "name": name},
                   "cpu": {"time": "t", "psi": {"some": {"avg60": share}, "full": {"avg60": 0.0}}}})
        };
        let summaries = [
            json!({"pods": [pod("a", 12.34), pod("b", 3.0)]}),
            json!({"pods": [{"podRef": {"namespace": "shop", "name": "c"}}]}),
        ];
        let question = || (version, namespace.as_str(), None, metric);
        let all = values(&summaries, question(), None);
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        assert_eq!(all["items"][0]["value"], "12340m");
        assert_eq!(all["items"][1]["value"], "3");
        assert_eq!(all["items"][0]["metric"]["name"], "pressure_cpu_some_avg60");
        let only = BTreeSet::from([("shop".to_owned(), "b".to_owned())]);
        let some = values(&summaries, question(), Some(&only));
        assert_eq!(some["items"][0]["describedObject"]["name"], "b");
        assert_eq!(some["items"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let message = |path: String| parse(&path).unwrap_err()["message"].as_str().unwrap().to_owned();
        let metric = message(format!("{ROOT}/namespaces/shop/pods/a/load"));
        assert_eq!(metric, "the server could not find the metric load for pods");
        assert!(message(format!("{ROOT}/nodes/a/x")).contains("could not find the requested resource"));
        assert_eq!(parse(ROOT), Ok(Question::Resources { version: "v1beta2" }));
        assert_eq!(resources("v1beta2")["resources"].as_array().unwrap().len(), 18);
    }
}

//! Autoscalers in tables.

use crate::columns::age;
use crate::strategy::Column;
use object::{Value, View};

/// Metrics shown; the others are counted.
const SHOWN: usize = 2;

/// Columns of both versions.
pub(super) const COLUMNS: &[Column] = &[
    Column::NAME,
    column("Reference", "@io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler#spec.scaleTargetRef"),
    column("Targets", "@io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler#spec.metrics"),
    column("MinPods", "@io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler#spec.minReplicas"),
    column("MaxPods", "@io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler#spec.maxReplicas"),
    column("Replicas", "@io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler#status.currentReplicas"),
    Column::AGE,
];

const fn column(name: &'static str, description: &'static str) -> Column {
    Column { name, kind: "string", format: "", description, priority: 0 }
}

/// Cells of a `v2` autoscaler.
pub(super) fn row(object: View<'_>, now: i64) -> Vec<Value> {
    let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
    let target = spec.get("scaleTargetRef");
    vec![
        meta.str("name").into(),
        format!("{}/{}", target.str("kind"), target.str("name")).into(),
        metrics(spec, status).into(),
        spec.opt_int("minReplicas").map_or_else(|| "<unset>".to_owned(), |min| min.to_string()).into(),
        spec.int("maxReplicas").into(),
        status.int("currentReplicas").into(),
        age(meta.str("creationTimestamp"), now).into(),
    ]
}

fn metrics(spec: View<'_>, status: View<'_>) -> String {
    let current = status.get("currentMetrics").as_slice();
    let all: Vec<String> = spec
        .list("metrics")
        .enumerate()
        .map(|(index, metric)| show_metric(metric, View::from(current.get(index))))
        .collect();
    match all.len() {
        0 => "<none>".to_owned(),
        count if count > SHOWN => format!("{} + {} more...", all[..SHOWN].join(", "), count - SHOWN),
        _ => all.join(", "),
    }
}

fn show_metric(metric: View<'_>, status: View<'_>) -> String {
    let field = match metric.str("type") {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let (source, current) = (metric.get(field), status.get(field).get("current"));
    let target = source.get("target");
    let amount = |view: View<'_>| if view.exists() { view.as_str().to_owned() } else { "<unknown>".to_owned() };
    let known = |name: &str| {
        // A status without this amount reads as zero, no status as unknown.
        if status.has(field) && !current.has(name) { "0".to_owned() } else { amount(current.get(name)) }
    };
    match field {
        "external" | "object" if target.has("averageValue") => {
            format!("{}/{} (avg)", amount(current.get("averageValue")), target.str("averageValue"))
        }
        "external" | "object" => format!("{}/{}", known("value"), target.str("value")),
        "pods" => format!("{}/{}", known("averageValue"), target.str("averageValue")),
        _ if target.has("averageValue") => {
            format!("{}: {}/{}", source.str("name"), known("averageValue"), target.str("averageValue"))
        }
        _ => {
            let percent = |view: View<'_>, none: &str| match view.opt_int("averageUtilization") {
                Some(percent) => format!("{percent}%"),
                None => none.to_owned(),
            };
            format!("{}: {}/{}", source.str("name"), percent(current, "<unknown>"), percent(target, "<auto>"))
        }
    }
}

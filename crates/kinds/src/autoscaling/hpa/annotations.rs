//! What `v1` keeps in annotations: metrics, behavior and conditions, as JSON with upstream's names and order of fields.

use super::convert::target_cpu;
use crate::change::{existing, map_at, set_default};
use crate::template::show_selector;
use object::{Map, Value, View, json};

/// Where the metrics stand that are not the processor's.
pub(super) const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const ROUND_TRIP: [&str; 6] = [
    METRICS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
    CURRENT_METRICS,
    CONDITIONS,
];

/// What the annotations of a `v1` autoscaler hold, in `v2` form. What cannot be read is left out.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) metrics: Option<Vec<Value>>,
    pub(super) behavior: Option<Value>,
    pub(super) current_metrics: Option<Vec<Value>>,
    pub(super) conditions: Option<Vec<Value>>,
}

/// Removes the annotations, and the map if nothing is left.
pub(super) fn drop_round_trip(object: &mut Value) {
    let Some(annotations) = existing(object, &["metadata", "annotations"]) else { return };
    let before = annotations.len();
    annotations.retain(|key, _| !ROUND_TRIP.contains(&key.as_str()));
    if annotations.is_empty() && before > 0 {
        existing(object, &["metadata"]).map(|metadata| metadata.remove("annotations"));
    }
}

/// Reads the annotations of a `v1` autoscaler.
pub(super) fn read(object: View<'_>) -> Extras {
    let annotations = object.at(&["metadata", "annotations"]);
    let list = |key: &str| -> Option<Vec<Value>> {
        match serde_json::from_str(annotations.opt_str(key)?).ok()? {
            Value::Array(items) => Some(items),
            _ => None,
        }
    };
    let metrics = |key: &str, current: bool| {
        list(key).map(|items| items.iter().map(|metric| second_metric(View::from(metric), current)).collect())
    };
    let behavior = annotations.opt_str(BEHAVIOR).and_then(|text| serde_json::from_str::<Value>(text).ok());
    Extras {
        metrics: metrics(METRICS, false),
        behavior: behavior.map(second_behavior).filter(|behavior| !View::from(behavior).is_empty()),
        current_metrics: metrics(CURRENT_METRICS, true),
        conditions: list(CONDITIONS),
    }
}

/// Writes the annotations of a `v1` autoscaler from what it still has of `v2`.
pub(super) fn write(object: &mut Value) {
    drop_round_trip(object);
    let view = View::from(&*object);
    let (spec, status) = (view.get("spec"), view.get("status"));
    let mut made = Vec::new();
    let others: Vec<String> = spec
        .list("metrics")
        .filter(|metric| target_cpu(*metric).is_none())
        .map(|metric| first_metric(metric, false))
        .collect();
    if !others.is_empty() {
        made.push((METRICS, format!("[{}]", others.join(","))));
    }
    let current: Vec<String> = status.list("currentMetrics").map(|metric| first_metric(metric, true)).collect();
    if !current.is_empty() {
        made.push((CURRENT_METRICS, format!("[{}]", current.join(","))));
    }
    if spec.has("behavior") {
        let rules = |name: &str| first_rules(spec.get("behavior").get(name));
        made.push((BEHAVIOR, format!("{{\"ScaleUp\":{},\"ScaleDown\":{}}}", rules("scaleUp"), rules("scaleDown"))));
    }
    let conditions: Vec<String> = status.list("conditions").map(condition).collect();
    if !conditions.is_empty() {
        made.push((CONDITIONS, format!("[{}]", conditions.join(","))));
    }
    if made.is_empty() {
        return;
    }
    let metadata = map_at(object, "metadata");
    set_default(metadata, "annotations", json!({}));
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations.extend(made.into_iter().map(|(key, text)| (key.to_owned(), escape_html(&text).into())));
    }
}

/// Go's JSON is safe inside HTML.
fn escape_html(text: &str) -> String {
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A JSON object from fields in order; absent ones are left out.
fn object_text(fields: &[(&str, Option<String>)]) -> String {
    let fields: Vec<String> =
        fields.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("\"{name}\":{value}"))).collect();
    format!("{{{}}}", fields.join(","))
}

/// The value as JSON if it is set.
fn set(view: View<'_>) -> Option<String> {
    view.exists().then(|| view.to_value().to_string())
}

/// A text as JSON, also an empty one.
fn text(view: View<'_>) -> Option<String> {
    Some(Value::from(view.as_str()).to_string())
}

/// An amount as JSON; none is zero.
fn amount(view: View<'_>) -> Option<String> {
    Some(set(view).unwrap_or_else(|| "\"0\"".to_owned()))
}

fn selector(view: View<'_>) -> Option<String> {
    view.exists().then(|| show_selector(view))
}

fn reference(view: View<'_>) -> Option<String> {
    let version = view.get("apiVersion");
    Some(object_text(&[
        ("kind", text(view.get("kind"))),
        ("name", text(view.get("name"))),
        ("apiVersion", set(version).filter(|_| !version.is_empty())),
    ]))
}

/// A `v2` metric (or what is measured of it, `current`) in `v1` form.
fn first_metric(metric: View<'_>, current: bool) -> String {
    let aim = if current { "current" } else { "target" };
    let source = |field: &str| metric.has(field).then(|| first_source(field, metric.get(field), aim));
    object_text(&[
        ("type", text(metric.get("type"))),
        ("object", source("object")),
        ("pods", source("pods")),
        ("resource", source("resource")),
        ("containerResource", source("containerResource")),
        ("external", source("external")),
    ])
}

fn first_source(field: &str, source: View<'_>, aim: &str) -> String {
    let (target, metric, current) = (source.get(aim), source.get("metric"), aim == "current");
    let (value, average) = (target.get("value"), target.get("averageValue"));
    let named = |name: &str| format!("{aim}{name}");
    match field {
        "object" => object_text(&[
            ("target", reference(source.get("describedObject"))),
            ("metricName", text(metric.get("name"))),
            (&named("Value"), amount(value)),
            ("selector", selector(metric.get("selector"))),
            ("averageValue", set(average)),
        ]),
        "pods" => object_text(&[
            ("metricName", text(metric.get("name"))),
            (&named("AverageValue"), amount(average)),
            ("selector", selector(metric.get("selector"))),
        ]),
        "external" => object_text(&[
            ("metricName", text(metric.get("name"))),
            ("metricSelector", selector(metric.get("selector"))),
            (&named("Value"), if current { amount(value) } else { set(value) }),
            (&named("AverageValue"), set(average)),
        ]),
        _ => object_text(&[
            ("name", text(source.get("name"))),
            (&named("AverageUtilization"), set(target.get("averageUtilization"))),
            (&named("AverageValue"), if current { amount(average) } else { set(average) }),
            ("container", (field == "containerResource").then(|| text(source.get("container"))).flatten()),
        ]),
    }
}

fn condition(condition: View<'_>) -> String {
    let filled = |name: &str| set(condition.get(name)).filter(|_| !condition.str(name).is_empty());
    object_text(&[
        ("type", text(condition.get("type"))),
        ("status", text(condition.get("status"))),
        ("lastTransitionTime", Some(set(condition.get("lastTransitionTime")).unwrap_or_else(|| "null".to_owned()))),
        ("reason", filled("reason")),
        ("message", filled("message")),
    ])
}

/// Scaling rules with Go's field names.
fn first_rules(rules: View<'_>) -> String {
    if !rules.exists() {
        return "null".to_owned();
    }
    let or_null = |view: View<'_>| Some(view.to_value().to_string());
    let policies: Vec<String> = rules
        .list("policies")
        .map(|policy| {
            object_text(&[
                ("Type", text(policy.get("type"))),
                ("Value", Some(policy.int("value").to_string())),
                ("PeriodSeconds", Some(policy.int("periodSeconds").to_string())),
            ])
        })
        .collect();
    let policies = if rules.has("policies") { format!("[{}]", policies.join(",")) } else { "null".to_owned() };
    object_text(&[
        ("StabilizationWindowSeconds", or_null(rules.get("stabilizationWindowSeconds"))),
        ("SelectPolicy", or_null(rules.get("selectPolicy"))),
        ("Policies", Some(policies)),
        ("Tolerance", or_null(rules.get("tolerance"))),
    ])
}

/// Scaling rules with Go's field names in `v2` form: Go reads names whatever their case.
fn second_behavior(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let lower = |key: String| {
                let mut chars = key.chars();
                chars.next().map(|first| first.to_lowercase().collect::<String>() + chars.as_str()).unwrap_or_default()
            };
            let set = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(key, value)| (lower(key.into()), second_behavior(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(second_behavior).collect(),
        other => other,
    }
}

/// A `v1` metric in `v2` form.
fn second_metric(metric: View<'_>, current: bool) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), metric.str("type").into());
    for field in ["object", "pods", "resource", "containerResource", "external"] {
        if metric.has(field) {
            out.insert(field.to_owned(), second_source(field, metric.get(field), current));
        }
    }
    Value::Object(out)
}

fn second_source(field: &str, source: View<'_>, current: bool) -> Value {
    let aim = if current { "current" } else { "target" };
    let named = |name: &str| source.get(&format!("{aim}{name}"));
    let (value, utilization) = (named("Value"), named("AverageUtilization"));
    let average = if field == "object" { source.get("averageValue") } else { named("AverageValue") };
    let zero = |view: View<'_>| matches!(view.as_str(), "" | "0");
    let value = if field == "object" && average.exists() && !current && zero(value) { View::ABSENT } else { value };
    let mut target = Map::new();
    if !current {
        let kind = match field {
            "resource" | "containerResource" if utilization.exists() => "Utilization",
            "object" if !average.exists() => "Value",
            "external" if value.exists() => "Value",
            _ => "AverageValue",
        };
        target.insert("type".to_owned(), kind.into());
    }
    for (name, view) in [("value", value), ("averageValue", average), ("averageUtilization", utilization)] {
        if view.exists() {
            target.insert(name.to_owned(), view.to_value());
        }
    }
    let mut out = Map::new();
    out.insert(aim.to_owned(), target.into());
    match field {
        "object" | "pods" | "external" => {
            let selector = source.get(if field == "external" { "metricSelector" } else { "selector" });
            let mut metric = json!({"name": source.str("metricName")});
            if selector.exists() {
                metric["selector"] = selector.to_value();
            }
            out.insert("metric".to_owned(), metric);
            if field == "object" {
                out.insert("describedObject".to_owned(), source.get("target").to_value());
            }
        }
        _ => {
            out.insert("name".to_owned(), source.str("name").into());
            if field == "containerResource" {
                out.insert("container".to_owned(), source.str("container").into());
            }
        }
    }
    Value::Object(out)
}

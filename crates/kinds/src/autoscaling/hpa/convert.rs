//! Autoscalers from `v1` to `v2` and back. What `v1` has no field for stands in annotations there.

use super::{annotations, cpu_utilization};
use crate::change::map_at;
use crate::resource::Conversion;
use object::{Map, Value, View, json};

/// `v1`, kept as `v2`.
pub(in crate::autoscaling) struct FirstVersion;

impl Conversion for FirstVersion {
    fn to_stored(&self, object: Value) -> Value {
        let mut object = object;
        let extras = annotations::read(View::from(&object));
        annotations::drop_round_trip(&mut object);
        let spec = map_at(&mut object, "spec");
        let cpu = spec.remove("targetCPUUtilizationPercentage").and_then(|percent| percent.as_i64());
        let mut metrics = extras.metrics.unwrap_or_default();
        metrics.extend(cpu.map(cpu_utilization));
        if metrics.is_empty() {
            metrics.push(cpu_utilization(80));
        }
        spec.insert("metrics".to_owned(), metrics.into());
        if let Some(behavior) = extras.behavior {
            spec.insert("behavior".to_owned(), behavior);
        }
        let status = map_at(&mut object, "status");
        let cpu = status.remove("currentCPUUtilizationPercentage").and_then(|percent| percent.as_i64());
        let from_cpu = cpu.map(|percent| {
            vec![json!({"type": "Resource",
                        "resource": {"name": "cpu", "current": {"averageUtilization": percent}}})]
        });
        let metrics = extras.current_metrics.or(from_cpu).map_or(Value::Null, Value::from);
        status.insert("currentMetrics".to_owned(), metrics);
        if let Some(conditions) = extras.conditions {
            status.insert("conditions".to_owned(), conditions.into());
        }
        object
    }

    fn from_stored(&self, object: Value) -> Value {
        let mut object = object;
        annotations::write(&mut object);
        let spec = map_at(&mut object, "spec");
        let metrics = spec.remove("metrics").unwrap_or_default();
        spec.remove("behavior");
        if let Some(percent) = View::from(&metrics).items().find_map(target_cpu) {
            spec.insert("targetCPUUtilizationPercentage".to_owned(), percent.into());
        }
        let status = map_at(&mut object, "status");
        let metrics = status.remove("currentMetrics").unwrap_or_default();
        status.remove("conditions");
        // The last one counts.
        let cpu = View::from(&metrics).items().rev().find_map(current_cpu);
        if let Some(percent) = cpu {
            status.insert("currentCPUUtilizationPercentage".to_owned(), percent.into());
        }
        default_counts(status);
        object
    }
}

/// The processor use that a metric aims at, if it is such a metric.
pub(super) fn target_cpu(metric: View<'_>) -> Option<i64> {
    let resource = metric.get("resource");
    let is_cpu = metric.str("type") == "Resource" && resource.str("name") == "cpu";
    resource.get("target").opt_int("averageUtilization").filter(|_| is_cpu)
}

fn current_cpu(metric: View<'_>) -> Option<i64> {
    let resource = metric.get("resource");
    let is_cpu = metric.str("type") == "Resource" && resource.str("name") == "cpu";
    resource.get("current").opt_int("averageUtilization").filter(|_| is_cpu)
}

fn default_counts(status: &mut Map) {
    for name in ["currentReplicas", "desiredReplicas"] {
        status.entry(name).or_insert_with(|| 0.into());
    }
}

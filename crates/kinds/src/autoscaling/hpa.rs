//! Horizontal pod autoscalers: `v2`, in which they are kept, and `v1`, whose rules are those of `v2` after conversion.

mod annotations;
mod convert;
mod first;
mod metrics;
mod spec;
mod table;

pub(super) use convert::FirstVersion;
pub(super) use first::V1;

use crate::change::{clear_status, keep, map_at, set_default};
use crate::checks;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Errors, Path};
use object::meta::validate_nonnegative;
use object::names::name_is_dns_subdomain;
use object::{Map, Value, View, json};

/// Rules of `v2`.
pub(super) struct V2;

/// Rules of `v2` status.
struct Status;

impl Strategy for V2 {
    fn defaults(&self, object: &mut Value) {
        annotations::drop_round_trip(object);
        let spec = map_at(object, "spec");
        set_default(spec, "minReplicas", 1);
        if View::from(spec.get("metrics")).is_empty() {
            spec.insert("metrics".to_owned(), json!([cpu_utilization(80)]));
        }
        if let Some(behavior) = spec.get_mut("behavior").and_then(Value::as_object_mut) {
            default_rules(behavior, "scaleUp", Some(0), json!([policy("Pods", 4), policy("Percent", 100)]));
            default_rules(behavior, "scaleDown", None, json!([policy("Percent", 100)]));
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus");
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        spec::validate(object.get("spec"), View::ABSENT, &mut errors);
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        spec::validate(object.get("spec"), old.get("spec"), &mut errors);
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        table::COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        table::row(object, now)
    }
}

impl Strategy for Status {
    fn defaults(&self, object: &mut Value) {
        V2.defaults(object);
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (status, path) = (object.get("status"), Path::new("status"));
        for name in ["currentReplicas", "desiredReplicas"] {
            errors.extend(validate_nonnegative(status.int(name), &path.child(name)));
        }
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// A metric of the pods' processor use, in percent of what they request.
fn cpu_utilization(percent: i64) -> Value {
    json!({"type": "Resource",
           "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}})
}

fn policy(kind: &str, value: i64) -> Value {
    json!({"type": kind, "value": value, "periodSeconds": 15})
}

fn default_rules(behavior: &mut Map, name: &str, window: Option<i64>, policies: Value) {
    set_default(behavior, name, json!({}));
    let Some(rules) = behavior.get_mut(name).and_then(Value::as_object_mut) else { return };
    set_default(rules, "selectPolicy", "Max");
    if let Some(window) = window {
        set_default(rules, "stabilizationWindowSeconds", window);
    }
    set_default(rules, "policies", policies);
}

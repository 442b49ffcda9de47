//! The status of an autoscaler while it is put together.

use crate::workload::conditions;
use informer::{Object, clock};
use object::{Value, View, json};

/// A status as it shall be.
pub(super) struct Draft {
    status: Value,
    metrics: Vec<Value>,
}

impl Draft {
    /// Goes on from what there is.
    pub(super) fn of(autoscaler: &Object) -> Draft {
        let status = autoscaler.status().to_value();
        Draft { status: if status.is_object() { status } else { json!({}) }, metrics: Vec::new() }
    }

    /// Sets a condition. Its message changes with the measurements; the time only with the status.
    pub(super) fn condition(&mut self, kind: &str, status: &str, reason: &str, message: impl Into<String>) {
        let condition = conditions::Condition { kind, status, reason, message: message.into() };
        let mut value = condition.to_value();
        let known = self.status["conditions"].as_array_mut();
        if let Some(known) = known.and_then(|all| all.iter_mut().find(|one| one["type"] == kind)) {
            if known["status"] == status {
                value["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = value;
            return;
        }
        match self.status["conditions"].as_array_mut() {
            Some(all) => all.push(value),
            None => self.status["conditions"] = json!([value]),
        }
    }

    /// Notes what the metrics are.
    pub(super) fn metrics(&mut self, metrics: Vec<Value>) {
        self.metrics = metrics;
    }

    /// Tells how many replicas there are, where nothing more can be said.
    pub(super) fn current(&mut self, replicas: i64) {
        let desired = View::from(&self.status).int("desiredReplicas");
        self.write(replicas, desired);
    }

    /// Tells how many there were and shall be.
    pub(super) fn finish(&mut self, before: i64, wanted: i64, scaled: bool) {
        self.write(before, wanted);
        if scaled {
            self.status["lastScaleTime"] = clock::now_text().into();
        }
    }

    fn write(&mut self, current: i64, desired: i64) {
        self.status["currentReplicas"] = current.into();
        self.status["desiredReplicas"] = desired.into();
        self.status["currentMetrics"] = std::mem::take(&mut self.metrics).into();
        if let Some(status) = self.status.as_object_mut() {
            status
                .retain(|name, value| name != "currentMetrics" || value.as_array().is_some_and(|all| !all.is_empty()));
        }
    }

    /// The autoscaler with this status, if that is news.
    pub(super) fn changed(self, autoscaler: &Object) -> Option<Value> {
        let mut object = autoscaler.to_value();
        if object["status"] == self.status {
            return None;
        }
        object["status"] = self.status;
        Some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_time_while_its_status_stays() {
        let old = json!({"type": "AbleToScale", "status": "True", "reason": "a", "lastTransitionTime": "then"});
        let autoscaler = Object::new(json!({"status": {"conditions": [old]}}));
        let mut draft = Draft::of(&autoscaler);
        draft.condition("AbleToScale", "True", "b", "m");
        draft.condition("ScalingActive", "False", "c", "n");
        draft.finish(1, 2, false);
        let status = draft.changed(&autoscaler).unwrap()["status"].clone();
        assert_eq!(status["conditions"][0]["lastTransitionTime"], "then");
        assert_eq!(
            (&status["conditions"][0]["reason"], &status["conditions"][1]["type"]),
            (&json!("b"), &json!("ScalingActive"))
        );
        assert_eq!((&status["currentReplicas"], &status["desiredReplicas"]), (&json!(1), &json!(2)));
        assert!(status.get("currentMetrics").is_none());
    }
}

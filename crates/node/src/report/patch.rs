//! The patch that turns one status into another without touching what others own in it.

use k8s_openapi::api::core::v1::PodStatus;
use value::{Map, Value, json};

/// What the node writes of a status.
const FIELDS: [&str; 16] = [
    "allocatedResources",
    "conditions",
    "containerStatuses",
    "ephemeralContainerStatuses",
    "hostIP",
    "hostIPs",
    "initContainerStatuses",
    "message",
    "observedGeneration",
    "phase",
    "podIP",
    "podIPs",
    "qosClass",
    "reason",
    "resources",
    "startTime",
];
/// Lists that a patch would merge by element; they are replaced as a whole.
const MERGED: [&str; 2] = ["hostIPs", "podIPs"];

/// The patch; `None` if nothing differs.
pub(super) fn between(uid: &str, old: &PodStatus, new: &PodStatus) -> Option<Value> {
    let (old, new) = (object(old), object(new));
    let mut status = Map::new();
    for field in &FIELDS {
        let (before, after) = (old.get(field), new.get(field));
        if before == after {
            continue;
        }
        let value = match after {
            None => Value::Null,
            Some(after) if *field == "conditions" => conditions(before, after),
            Some(Value::Array(list)) if MERGED.contains(field) => {
                let mut list = list.clone();
                list.push(json!({"$patch": "replace"}));
                Value::Array(list)
            }
            Some(after) => after.clone(),
        };
        if value != Value::Array(Vec::new()) {
            status.insert((*field).to_owned(), value);
        }
    }
    (!status.is_empty()).then(|| json!({"metadata": {"uid": uid}, "status": status}))
}

fn object(status: &PodStatus) -> Map {
    match value::to_value(status) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Only the conditions that changed: the rest may be others'.
fn conditions(before: Option<&Value>, after: &Value) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, after) = (list(before), list(Some(after)));
    let changed = after.into_iter().filter(|condition| !before.contains(condition)).map(|condition| {
        let old = before.iter().find(|old| old["type"] == condition["type"]);
        with_nulls(old, condition)
    });
    Value::Array(changed.collect())
}

/// An element with `null` for what it no longer has, since elements are merged.
fn with_nulls(old: Option<&Value>, mut new: Value) -> Value {
    let keys = old.and_then(Value::as_object).into_iter().flat_map(|old| old.keys());
    for key in keys {
        if new.get(key).is_none() {
            new[key] = Value::Null;
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: Value, new: Value, want: Option<Value>) {
        let status = |value: Value| value::from_value::<PodStatus>(value).unwrap();
        let got = between("u", &status(old), &status(new));
        assert_eq!(got, want.map(|status| json!({"metadata": {"uid": "u"}, "status": status})));
    }

    #[test]
    fn only_what_changed_is_sent() {
        check(json!({"phase": "Running"}), json!({"phase": "Running"}), None);
        check(json!({"phase": "Pending"}), json!({"phase": "Running"}), Some(json!({"phase": "Running"})));
        check(json!({"reason": "x"}), json!({}), Some(json!({"reason": null})));
        let ips = json!([{"ip": "1.1.1.1"}, {"$patch": "replace"}]);
        check(json!({}), json!({"podIPs": [{"ip": "1.1.1.1"}]}), Some(json!({"podIPs": ips})));
    }

    #[test]
    fn conditions_of_others_are_left_alone() {
        let other = json!({"type": "example.com/a", "status": "True"});
        let before = json!({"type": "Ready", "status": "False", "reason": "x"});
        let after = json!({"type": "Ready", "status": "True"});
        let want = json!({"conditions": [{"type": "Ready", "status": "True", "reason": null}]});
        check(json!({"conditions": [other, before]}), json!({"conditions": [other, after]}), Some(want));
    }

    #[test]
    fn what_others_write_is_not_taken_back() {
        check(json!({"nominatedNodeName": "n"}), json!({}), None);
    }
}

//! Conditions that an eviction writes into the statuses of pods and budgets.

use object::{Value, json};

/// Sets a condition in the place of the one of its type. The time of its last change stays if its status does.
pub(super) fn set(status: &mut Value, now: &str, mut condition: Value) {
    if status["conditions"].is_null() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    let known = conditions.iter_mut().find(|known| known["type"] == condition["type"]);
    let since = known.as_ref().filter(|known| known["status"] == condition["status"]);
    condition["lastTransitionTime"] = since.map_or_else(|| now.into(), |known| known["lastTransitionTime"].clone());
    match known {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
}

//! Conditions in a status that is being put together.

use informer::clock;
use object::{Value, View, json};

/// A condition as it shall be.
#[derive(Clone, Debug)]
pub(crate) struct Condition<'a> {
    /// Its type.
    pub(crate) kind: &'a str,
    /// `True`, `False`, `Unknown`.
    pub(crate) status: &'a str,
    /// Why, in a word.
    pub(crate) reason: &'a str,
    /// Why, in a sentence.
    pub(crate) message: String,
}

impl Condition<'_> {
    /// The condition as an object, changed now.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = json!({"type": self.kind, "status": self.status, "lastTransitionTime": clock::now_text()});
        if !self.reason.is_empty() {
            value["reason"] = self.reason.into();
        }
        if !self.message.is_empty() {
            value["message"] = self.message.as_str().into();
        }
        value
    }
}

/// The condition of a type; absent if there is none.
pub(crate) fn get<'a>(status: &'a Value, kind: &str) -> View<'a> {
    View::from(status).list("conditions").find(|condition| condition.str("type") == kind).unwrap_or(View::ABSENT)
}

/// Puts a condition last, unless it is there with the same status and reason. When only the reason changes, the time of
/// the transition stays.
pub(crate) fn set(status: &mut Value, condition: &Condition<'_>) {
    let current = get(status, condition.kind);
    if current.exists() && current.str("status") == condition.status && current.str("reason") == condition.reason {
        return;
    }
    let mut value = condition.to_value();
    if current.str("status") == condition.status {
        value["lastTransitionTime"] = current.get("lastTransitionTime").to_value();
    }
    put(status, value);
}

/// Puts a condition last, in the place of the one of its type.
pub(crate) fn put(status: &mut Value, condition: Value) {
    let kind = condition["type"].as_str().unwrap_or_default().to_owned();
    remove(status, &kind);
    match status["conditions"].as_array_mut() {
        Some(conditions) => conditions.push(condition),
        None => status["conditions"] = json!([condition]),
    }
}

/// Takes the condition of a type out.
pub(crate) fn remove(status: &mut Value, kind: &str) {
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != kind);
        if conditions.is_empty()
            && let Some(status) = status.as_object_mut()
        {
            status.remove("conditions");
        }
    }
}

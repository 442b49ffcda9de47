//! TaintNodesByCondition: a new node takes no pods until it says that it is ready.

use super::{Ask, Plugin};
use object::{Status, Value, View, json};

/// A new node takes no pods until it says that it is ready.
pub(super) struct TaintNodesByCondition;

impl Plugin for TaintNodesByCondition {
    fn name(&self) -> &'static str {
        "TaintNodesByCondition"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.creates("", "nodes") {
            return Ok(());
        }
        let is_not_ready =
            |taint: View<'_>| taint.str("key") == "node.kubernetes.io/not-ready" && taint.str("effect") == "NoSchedule";
        if !View::from(&*object).at(&["spec", "taints"]).items().any(is_not_ready) {
            let taint = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
            match &mut object["spec"]["taints"] {
                Value::Array(taints) => taints.push(taint),
                place => *place = json!([taint]),
            }
        }
        Ok(())
    }
}

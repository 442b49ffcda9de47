//! ComponentStatus: deprecated and never stored, yet listed.

use crate::columns::name;
use crate::strategy::{Column, Strategy};
use object::{Value, View};

/// The rules of component statuses: how they are shown.
pub(super) struct ComponentStatus;

impl Strategy for ComponentStatus {
    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Status", "Status of the component conditions"),
                Column::text("Message", "Message of the component conditions"),
                Column::text("Error", "Error of the component conditions"),
            ]
        }
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        let healthy = object.list("conditions").find(|condition| condition.str("type") == "Healthy");
        let (status, condition) = match healthy {
            None => ("Unknown", View::ABSENT),
            Some(condition) if condition.str("status") == "True" => ("Healthy", condition),
            Some(condition) => ("Unhealthy", condition),
        };
        vec![name(object), status.into(), condition.str("message").into(), condition.str("error").into()]
    }
}

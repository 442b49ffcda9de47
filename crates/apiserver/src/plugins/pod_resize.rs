//! PodResizeValidator: a running pod does not grow beyond its node.

use super::{Ask, Operation, Plugin};
use kinds::usage::{Amounts, Totals, requests};
use object::quantity::Quantity;
use object::quote::quote;
use object::status::Cause;
use object::{Status, View};

/// A running pod does not grow beyond its node.
pub(super) struct PodResizeValidator;

impl Plugin for PodResizeValidator {
    fn name(&self) -> &'static str {
        "PodResizeValidator"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        let is_resize =
            ask.operation == Operation::Update && ask.is_resource("", "pods") && ask.subresource == "resize";
        let name = object.get("spec").str("nodeName");
        let same = |old: View<'_>| old.get("spec").same(object.get("spec"));
        if !is_resize || name.is_empty() || old.is_some_and(same) {
            return Ok(());
        }
        let Some(node) = ask.cluster.get("", "nodes", "", name) else {
            return Err(ask.forbidden(object, format_args!("node {} not found", quote(name))));
        };
        let node = View::from(&*node);
        if let Some(system) = node.at(&["metadata", "labels"]).opt_str("kubernetes.io/os").filter(|os| *os != "linux") {
            let why = format!("pod resize is only supported on linux nodes, node {} is {}", quote(name), quote(system));
            return Err(refused(ask, object, &why, "UnsupportedPlatform"));
        }
        match beyond(object, Amounts::read(node.at(&["status", "allocatable"]))) {
            Some(why) => Err(refused(ask, object, &why, "NodeCapacity")),
            None => Ok(()),
        }
    }
}

fn refused(ask: &Ask<'_>, object: View<'_>, why: &str, reason: &str) -> Status {
    let mut status = ask.forbidden(object, why);
    if let Some(details) = &mut status.details {
        details.causes.push(Cause { reason: reason.to_owned(), ..Cause::default() });
    }
    status
}

/// What a pod asks for and its node does not have.
fn beyond(pod: View<'_>, node: Amounts) -> Option<String> {
    let asked = requests(pod, Totals { with_status: false, with_overhead: true });
    let amount = |amounts: &Amounts, name| amounts.get(name).cloned().unwrap_or(Quantity::ZERO);
    let mut lacking = Vec::new();
    for (name, shown) in [("cpu", Quantity::milli_value as fn(&Quantity) -> i64), ("memory", Quantity::value)] {
        let (asked, has) = (amount(&asked, name), amount(&node, name));
        if asked > has {
            lacking.push(format!("{name}, requested: {}, allocatable: {}", shown(&asked), shown(&has)));
        }
    }
    (!lacking.is_empty()).then(|| format!("node didn't have enough allocatable resources: {}", lacking.join("; ")))
}

//! The `flowcontrol.apiserver.k8s.io` group.
//!
//! Deliberately absent: flow control itself. The objects are kept and judged; nothing acts on them.

mod flow_schema;
mod priority_level;
mod rules;

use crate::change::{keep, keep_all_metadata};
use crate::resource::{Resource, Scope};
use crate::strategy::{Request, Strategy};
use object::field::{Error, Errors, Path};
use object::{Value, View};
use std::collections::BTreeSet;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        new("FlowSchema", "flowschemas", flow_schema::FlowSchema),
        new("PriorityLevelConfiguration", "prioritylevelconfigurations", priority_level::PriorityLevel),
    ]
}

fn new(kind: &'static str, plural: &'static str, strategy: impl Strategy) -> Resource {
    Resource::new(GROUP, "v1", kind, plural, Scope::Cluster, strategy).subresource("status")
}

/// Rules of the `status` of either kind.
struct Status;

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep_all_metadata(object, old);
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        validate_status(object)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

/// Conditions have a type, each its own.
fn validate_status(object: View<'_>) -> Errors {
    let (mut errors, mut seen) = (Errors::new(), BTreeSet::new());
    let status = Path::new("status");
    let list = status.child("conditions");
    for (index, condition) in object.get("status").list("conditions").enumerate() {
        let (item, kind) = (list.index(index), condition.str("type"));
        if !seen.insert(kind) {
            errors.push(Error::duplicate(&item.child("type"), kind));
        }
        if kind.is_empty() {
            errors.push(Error::required(&item.child("type"), ""));
        }
    }
    errors
}

//! NamespaceLifecycle: nothing is made in namespaces that are absent or end, and some never end.

use super::{Ask, Operation, Plugin};
use object::status::{Cause, GroupResource};
use object::{Status, Value, View};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];
const NAMESPACES: GroupResource<'_> = GroupResource { group: "", resource: "namespaces" };

/// Nothing is made in namespaces that are absent or end, and some never end.
pub(super) struct NamespaceLifecycle;

impl Plugin for NamespaceLifecycle {
    fn name(&self) -> &'static str {
        "NamespaceLifecycle"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        let is_namespace = ask.resource == NAMESPACES;
        if ask.operation == Operation::Delete && is_namespace && IMMORTAL.contains(&ask.name) {
            return Err(Status::forbidden(NAMESPACES, ask.name, "this namespace may not be deleted"));
        }
        // Whether a namespace exists is nothing that a review of rights tells.
        let is_review = ask.is_resource("authorization.k8s.io", "localsubjectaccessreviews");
        if is_namespace || is_review || ask.namespace.is_empty() || !ask.is_write() {
            return Ok(());
        }
        let namespace = ask.cluster.get("", "namespaces", "", ask.namespace);
        let namespace = namespace.ok_or_else(|| Status::not_found(NAMESPACES, ask.namespace))?;
        let is_ending = View::from(&*namespace).get("status").str("phase") == "Terminating";
        if ask.operation == Operation::Create && is_ending {
            return Err(ending(ask, (&*object).into()));
        }
        Ok(())
    }
}

fn ending(ask: &Ask<'_>, object: View<'_>) -> Status {
    let namespace = ask.namespace;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut status = ask.forbidden(object, why);
    if let Some(details) = &mut status.details {
        details.causes.push(Cause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        });
    }
    status
}

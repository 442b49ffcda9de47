//! The built-in admission plug-ins, in upstream's order.
//!
//! Each is a function of what is asked, the object, and what the cluster holds. Mutating plug-ins run before
//! validating ones; webhooks and CEL policies stand between [`first`] and quota, which comes last so that nothing is
//! charged for what is refused.
//!
//! Deliberately absent: plug-ins that are off by default (PodNodeSelector, OwnerReferencesPermissionEnforcement, …).

mod certificates;
mod ingress_class;
mod limit_ranger;
mod limits;
mod namespace_lifecycle;
mod node_restriction;
mod nodes;
mod pod_resize;
mod pod_security;
mod priority;
pub mod quota;
mod runtime_class;
mod service_account;
mod storage;
mod tolerations;
mod topology;

pub use priority::system_classes;
pub use quota::{Charge, Quota};

use crate::admission::Configuration;
use crate::authz::Authorize;
use crate::lookup::Cluster;
use kinds::UserInfo;
use object::status::GroupResource;
use object::{Status, Value, View};
use std::sync::Arc;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
    /// A connection to it is opened (`exec`, `proxy`, …).
    Connect,
}

/// What is asked, for a plug-in.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// What is done.
    pub operation: Operation,
    /// To an object of which resource.
    pub resource: GroupResource<'a>,
    /// Through which subresource; empty for the object itself.
    pub subresource: &'a str,
    /// In which namespace; for Namespaces their own name.
    pub namespace: &'a str,
    /// Of which name; empty where it is still to be generated.
    pub name: &'a str,
    /// By whom.
    pub user: &'a UserInfo,
    /// When, in seconds since the epoch.
    pub now: i64,
    /// What the cluster holds.
    pub cluster: &'a dyn Cluster,
    /// Who hears what is to be told beside the verdict.
    pub notes: &'a dyn Notes,
}

/// What a plug-in tells beside its verdict.
pub trait Notes: Sync {
    /// Tells the client something.
    fn warn(&self, text: String);

    /// Notes something for the audit log.
    fn annotate(&self, key: String, value: String);
}

impl Ask<'_> {
    /// True if it is about objects of this resource themselves, not through a subresource.
    fn is(&self, group: &str, resource: &str) -> bool {
        self.is_resource(group, resource) && self.subresource.is_empty()
    }

    fn is_resource(&self, group: &str, resource: &str) -> bool {
        self.resource == GroupResource { group, resource }
    }

    fn creates(&self, group: &str, resource: &str) -> bool {
        self.operation == Operation::Create && self.is(group, resource)
    }

    fn is_write(&self) -> bool {
        matches!(self.operation, Operation::Create | Operation::Update)
    }

    /// The refusal of a plug-in, naming the object as far as it has a name.
    pub(crate) fn forbidden(&self, object: View<'_>, why: impl std::fmt::Display) -> Status {
        // A delete of a collection names nothing, whatever is deleted.
        let is_delete = self.operation == Operation::Delete;
        let metadata = if is_delete { View::ABSENT } else { object.get("metadata") };
        let names = [self.name, metadata.str("name"), metadata.str("generateName"), "Unknown"];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Status::forbidden(self.resource, name, why)
    }
}

/// One plug-in.
pub trait Plugin: Send + Sync {
    /// As it is called in configurations.
    fn name(&self) -> &'static str;

    /// May change the object. For deletes and connects the object is `null`.
    fn admit(&self, _ask: &Ask<'_>, _object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        Ok(())
    }

    /// May refuse the object as it will be stored.
    fn validate(&self, _ask: &Ask<'_>, _object: View<'_>, _old: Option<View<'_>>) -> Result<(), Status> {
        Ok(())
    }

    /// Appends what it counts to the page of metrics.
    fn metrics(&self, _page: &mut String) {}
}

/// The plug-ins before webhooks and policies, in upstream's order.
pub fn first(authorizer: &Arc<dyn Authorize>, configuration: &Configuration) -> Vec<Box<dyn Plugin>> {
    let authorizer = || Arc::clone(authorizer);
    vec![
        Box::new(namespace_lifecycle::NamespaceLifecycle),
        Box::new(limit_ranger::LimitRanger),
        Box::new(service_account::ServiceAccount),
        Box::new(node_restriction::NodeRestriction(authorizer())),
        Box::new(nodes::TaintNodesByCondition),
        Box::new(pod_security::PodSecurity::new(configuration.pod_security.clone())),
        Box::new(priority::Priority),
        Box::new(tolerations::DefaultTolerationSeconds),
        Box::new(storage::DefaultStorageClass),
        Box::new(storage::StorageObjectInUseProtection),
        Box::new(storage::PersistentVolumeClaimResize),
        Box::new(runtime_class::RuntimeClass),
        Box::new(certificates::CertificateApproval(authorizer())),
        Box::new(certificates::CertificateSigning(authorizer())),
        Box::new(certificates::CertificateSubjectRestriction),
        Box::new(ingress_class::DefaultIngressClass),
        Box::new(topology::PodTopologyLabels),
        Box::new(pod_resize::PodResizeValidator),
    ]
}

/// Several reasons in one line, each once, as upstream aggregates errors.
fn aggregate(reasons: Vec<String>) -> Option<String> {
    let mut texts: Vec<String> = Vec::with_capacity(reasons.len());
    for reason in reasons {
        if !texts.contains(&reason) {
            texts.push(reason);
        }
    }
    match texts.len() {
        0 => None,
        1 => texts.pop(),
        _ => Some(format!("[{}]", texts.join(", "))),
    }
}

/// The newest of the objects that an annotation marks as the default, the first by name of several as new.
fn default_class(cluster: &dyn Cluster, group: &str, resource: &str, marks: &[&str]) -> Option<Arc<Value>> {
    let is_default = |class: &Value| {
        let annotations = View::from(class).at(&["metadata", "annotations"]);
        marks.iter().any(|mark| annotations.str(mark) == "true")
    };
    let mut classes = cluster.list(group, resource, None);
    classes.retain(|class| is_default(class));
    let key = |class: &Value| {
        let metadata = View::from(class).get("metadata");
        let created = object::time::parse_seconds(metadata.str("creationTimestamp")).unwrap_or_default();
        (std::cmp::Reverse(created), metadata.str("name").to_owned())
    };
    classes.into_iter().min_by_key(|class| key(class))
}

#[cfg(test)]
mod tests;

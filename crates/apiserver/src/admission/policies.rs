//! Admission policies in CEL: mutating ones may change what is asked, validating ones refuse it.
//!
//! Policies and their bindings are read from the store for each request, in the order of their names; what a policy says
//! is compiled once ([`compiled`]) and kept for as long as the policy stands as it stands. Which policies are about a
//! request is told by [`hooks`], with which parameters by [`params`].

mod compiled;
mod hooks;
mod mutating;
mod params;
mod validating;

use super::Attributes;
use super::conditions::{Rights, values};
use super::matching::{Seen, equivalent, request};
use crate::authz::Authorize;
use crate::lookup::{Cluster, Stored};
use compiled::Kept;
use kinds::Resource;
use object::status::GroupResource;
use object::{Status, Value, View, json};
use std::sync::Arc;

const GROUP: &str = "admissionregistration.k8s.io";
/// Most that all expressions of a policy may cost for one binding.
const BUDGET: u64 = 10_000_000;

/// What is asked about rights, and never stored: nobody may block that.
const EXEMPT: [(&str, &str); 6] = [
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
];

/// Asks policies.
pub(super) struct Policies {
    cluster: Stored,
    authorizer: Arc<dyn Authorize>,
    kept: Kept,
}

/// A request as a policy sees it.
struct Shown {
    resource: Arc<Resource>,
    seen: Seen,
    request: Value,
    namespace: Arc<Value>,
}

impl Policies {
    pub(super) fn new(cluster: Stored, authorizer: Arc<dyn Authorize>) -> Policies {
        Policies { cluster, authorizer, kept: Kept::default() }
    }

    /// Whether a request is one that no policy may block.
    fn is_exempt(attributes: &Attributes<'_>) -> bool {
        let resource = attributes.resource.group_resource();
        resource.group == GROUP && resource.resource.contains("admissionpolic")
            || EXEMPT.contains(&(resource.group, resource.resource))
    }

    /// The request as one about `resource`.
    fn shown(
        &self,
        attributes: &Attributes<'_>,
        resource: &Arc<Resource>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<Shown, Status> {
        Ok(Shown {
            resource: resource.clone(),
            seen: equivalent::seen(attributes, resource, object, old)?,
            request: request::of(attributes, resource),
            namespace: self.namespace(attributes)?,
        })
    }

    /// The namespace as expressions see it; null for what is in none, and for namespaces themselves.
    fn namespace(&self, attributes: &Attributes<'_>) -> Result<Arc<Value>, Status> {
        let is_namespace = attributes.resource.group.is_empty() && attributes.resource.plural == "namespaces";
        if attributes.namespace.is_empty() || is_namespace {
            return Ok(Arc::new(Value::Null));
        }
        let resource = GroupResource { group: "", resource: "namespaces" };
        let namespace = self.cluster.get("", "namespaces", "", attributes.namespace);
        let namespace = namespace.ok_or_else(|| Status::not_found(resource, attributes.namespace))?;
        let mut shown = json!({});
        for name in ["spec", "status"] {
            shown[name] = View::from(&*namespace).get(name).to_value();
        }
        let mut metadata = View::from(&*namespace).get("metadata").to_value();
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove("managedFields");
            metadata.remove("ownerReferences");
        }
        shown["metadata"] = metadata;
        Ok(Arc::new(shown))
    }

    fn rights<'a>(&'a self, attributes: &'a Attributes<'_>) -> Rights<'a> {
        Rights { authorizer: &*self.authorizer, user: attributes.user }
    }
}

impl Shown {
    fn values<'a>(
        &'a self,
        attributes: &Attributes<'_>,
        params: &'a Value,
        rights: &'a Rights<'a>,
    ) -> [cel::Val<'a>; kinds::expressions::PLACES] {
        values(attributes, &self.seen, &self.request, &self.namespace, params, rights)
    }
}

/// The refusal of a policy.
fn forbidden(attributes: &Attributes<'_>, object: &Value, message: &str) -> Status {
    // A delete of a collection names nothing, whatever is deleted.
    let is_delete = attributes.operation == super::Operation::Delete;
    let metadata = if is_delete { View::ABSENT } else { View::from(object).get("metadata") };
    let names = [attributes.name, metadata.str("name"), metadata.str("generateName"), "Unknown"];
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    Status::forbidden(attributes.resource.group_resource(), name, message)
}

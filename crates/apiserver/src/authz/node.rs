//! The node authoriser: a node reads what its own pods refer to, and writes what is its own.
//!
//! What a node may do with every object of a resource stands in the role `system:node`; what depends on the object is
//! told here. The content of what it writes is NodeRestriction's matter.
//!
//! Whether a pod of the node refers to an object is looked up when it is asked, among the pods of the object's
//! namespace that run there.

mod references;

use super::rbac::bootstrap;
use super::rbac::{Kind, Rule};
use super::{Attributes, Authorize, Verdict};
use crate::lookup::Cluster;
use kinds::UserInfo;
use object::quote::quote;
use object::{Value, View};
use references::Reference;
use std::sync::Arc;

const NODES: &str = "system:nodes";
const PREFIX: &str = "system:node:";
const LEASES: &str = "kube-node-lease";
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";

/// The name of the node that a user is: `None` for others, empty for a node without a name.
pub(crate) fn node_name(user: &UserInfo) -> Option<&str> {
    let name = user.name.strip_prefix(PREFIX)?;
    user.groups.iter().any(|group| group == NODES).then_some(name)
}

/// Allows nodes what their pods need.
pub struct NodeAuthorizer {
    cluster: Arc<dyn Cluster>,
    rules: Vec<Rule>,
}

impl NodeAuthorizer {
    /// Over the objects of this cluster.
    pub fn new(cluster: Arc<dyn Cluster>) -> NodeAuthorizer {
        let objects = bootstrap::objects();
        let is_node = |(kind, role): &&(Kind, Value)| {
            *kind == Kind::ClusterRole && View::from(role).get("metadata").str("name") == "system:node"
        };
        let rules = objects.iter().find(is_node).map(|(_, role)| Rule::read_all(role.into())).unwrap_or_default();
        NodeAuthorizer { cluster, rules }
    }
}

impl Authorize for NodeAuthorizer {
    fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let Some(node) = node_name(asked.user) else { return Verdict::NO_OPINION };
        if node.is_empty() {
            return Verdict::no_opinion(format!("unknown node for user {}", quote(&asked.user.name)));
        }
        let question = Question { node, asked, cluster: &*self.cluster };
        let answer = match (asked.is_resource, asked.group, asked.resource) {
            (true, "", "secrets") => question.read(Reference::Secret),
            (true, "", "configmaps") => question.read(Reference::ConfigMap),
            (true, "", "persistentvolumeclaims") => question.claim(),
            (true, "", "persistentvolumes") => question.get(Reference::Volume),
            (true, "resource.k8s.io", "resourceclaims") => question.get(Reference::ResourceClaim),
            (true, "storage.k8s.io", "volumeattachments") => question.get(Reference::Attachment),
            (true, "", "serviceaccounts") => question.account(),
            (true, "coordination.k8s.io", "leases") => question.lease(),
            (true, "storage.k8s.io", "csinodes") => question.csi_node(),
            (true, "resource.k8s.io", "resourceslices") => question.slice(),
            (true, "", "nodes") => question.own_node(),
            (true, "", "pods") => question.pod(),
            _ if self.rules.iter().any(|rule| rule.allows(asked)) => Ok(()),
            _ => Err(String::new()),
        };
        match answer {
            Ok(()) => Verdict::ALLOW,
            Err(why) if why.is_empty() => Verdict::NO_OPINION,
            Err(why) => Verdict::no_opinion(why),
        }
    }
}

/// What a node asks; the answer is `Ok`, or why not.
struct Question<'a> {
    node: &'a str,
    asked: &'a Attributes<'a>,
    cluster: &'a dyn Cluster,
}

type Answer = Result<(), String>;

fn no(why: &str) -> Answer {
    Err(why.to_owned())
}

impl Question<'_> {
    /// One object to which the node's pods refer.
    fn related(&self, reference: Reference) -> Answer {
        let (namespace, name) = (self.asked.namespace, self.asked.name);
        if name.is_empty() {
            return no("No Object name found");
        }
        if reference.is_made(self.cluster, self.node, namespace, name) {
            return Ok(());
        }
        Err(format!("no relationship found between node '{}' and this object", self.node))
    }

    fn read(&self, reference: Reference) -> Answer {
        if !matches!(self.asked.verb, "get" | "list" | "watch") {
            return no("can only read resources of this type");
        }
        if !self.asked.subresource.is_empty() {
            return no("cannot read subresource");
        }
        if self.asked.namespace.is_empty() {
            return no("can only read namespaced object of this type");
        }
        self.related(reference)
    }

    fn get(&self, reference: Reference) -> Answer {
        if self.asked.verb != "get" {
            return no("can only get individual resources of this type");
        }
        if !self.asked.subresource.is_empty() {
            return no("cannot get subresource");
        }
        self.related(reference)
    }

    fn claim(&self) -> Answer {
        if self.asked.subresource != "status" {
            return self.get(Reference::Claim);
        }
        if !matches!(self.asked.verb, "update" | "patch") {
            return no("can only get/update/patch this type");
        }
        self.related(Reference::Claim)
    }

    fn account(&self) -> Answer {
        let asked = self.asked;
        if asked.verb == "get" && asked.subresource.is_empty() {
            return self.read(Reference::ServiceAccount);
        }
        if asked.verb != "create" || asked.name.is_empty() {
            return no("can only create tokens for individual service accounts");
        }
        if asked.subresource != "token" {
            return no("can only create token subresource of serviceaccount");
        }
        self.related(Reference::ServiceAccount)
    }

    fn lease(&self) -> Answer {
        let asked = self.asked;
        if !matches!(asked.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a node lease");
        }
        if asked.namespace != LEASES {
            return Err(format!("can only access leases in the {} system namespace", quote(LEASES)));
        }
        if asked.verb != "create" && asked.name != self.node {
            return no("can only access node lease with the same name as the requesting node");
        }
        Ok(())
    }

    fn csi_node(&self) -> Answer {
        let asked = self.asked;
        if !matches!(asked.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a CSINode");
        }
        if !asked.subresource.is_empty() {
            return no("cannot authorize CSINode subresources");
        }
        if asked.verb != "create" && asked.name != self.node {
            return no("can only access CSINode with the same name as the requesting node");
        }
        Ok(())
    }

    fn slice(&self) -> Answer {
        if !self.asked.subresource.is_empty() {
            return no("cannot authorize ResourceSlice subresources");
        }
        match self.asked.verb {
            "create" => Ok(()),
            "get" | "update" | "patch" | "delete" => self.related(Reference::Slice),
            "watch" | "list" | "deletecollection" if self.selects("spec.nodeName") => Ok(()),
            "watch" | "list" | "deletecollection" => {
                no("can only list/watch/deletecollection resourceslices with nodeName field selector")
            }
            _ => no("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, \
                     patch, delete, deletecollection"),
        }
    }

    fn own_node(&self) -> Answer {
        let (asked, node) = (self.asked, self.node);
        match (asked.subresource, asked.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => Ok(()),
            ("", "get" | "list" | "watch") if asked.name == node => Ok(()),
            ("", "get" | "list" | "watch") if asked.name.is_empty() => {
                Err(format!("node '{node}' cannot read all nodes, only its own Node object"))
            }
            ("", "get" | "list" | "watch") => {
                Err(format!("node '{node}' cannot read '{}', only its own Node object", asked.name))
            }
            _ => no(""),
        }
    }

    fn pod(&self) -> Answer {
        let asked = self.asked;
        match (asked.subresource, asked.verb) {
            ("", "get") => self.related(Reference::Pod),
            ("", "list" | "watch") if self.selects("spec.nodeName") => Ok(()),
            ("", "list" | "watch") if !asked.name.is_empty() => self.related(Reference::Pod),
            ("", "list" | "watch") => no("can only list/watch pods with spec.nodeName field selector"),
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => Ok(()),
            _ => no(""),
        }
    }

    /// Whether the field selector asks for objects of this node alone.
    fn selects(&self, field: &str) -> bool {
        self.asked.fields.iter().any(|term| term.equal && term.field == field && term.value == self.node)
    }
}

#[cfg(test)]
mod tests;

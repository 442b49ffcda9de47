//! NodeRestriction: what a node writes is about itself and its own pods.

mod mirror;

use super::{Ask, Operation, Plugin};
use crate::authz::node::{MIRROR, node_name};
use crate::authz::{Attributes, Authorize};
use object::quote::quote;
use object::status::GroupResource;
use object::{Status, Value, View};
use std::collections::BTreeSet;
use std::sync::Arc;

const LEASES: &str = "kube-node-lease";
/// Labels of Kubernetes' own that a node may set on itself.
const OWN_LABELS: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
const OWN_LABEL_DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const RESTRICTED_DOMAIN: &str = "node-restriction.kubernetes.io";

/// What a node writes is about itself and its own pods.
pub(super) struct NodeRestriction(pub(super) Arc<dyn Authorize>);

impl Plugin for NodeRestriction {
    fn name(&self) -> &'static str {
        "NodeRestriction"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, old: Option<View<'_>>) -> Result<(), Status> {
        let Some(node) = node_name(ask.user).filter(|_| ask.operation != Operation::Connect) else { return Ok(()) };
        let write = Write { ask, node, object: (&*object).into(), old: old.unwrap_or(View::ABSENT) };
        if node.is_empty() {
            return write.refuse(format!("could not determine node from user {}", quote(&ask.user.name)));
        }
        match (ask.resource.group, ask.resource.resource, ask.subresource) {
            ("", "pods", "") => write.pod(),
            ("", "pods", "status") => write.pod_status(),
            ("", "pods", "eviction") => write.eviction(),
            ("", "pods", other) => {
                let other = quote(other);
                write.refuse(format!("unexpected pod subresource {other}, only 'status' and 'eviction' are allowed"))
            }
            ("", "nodes", _) => write.node(),
            ("", "persistentvolumeclaims", "status") => write.claim_status(),
            ("", "persistentvolumeclaims", _) => write.refuse("may only update PVC status"),
            ("", "serviceaccounts", "token") => write.token(&*self.0),
            ("coordination.k8s.io", "leases", _) => write.lease(),
            ("storage.k8s.io", "csinodes", _) => {
                write.own("can only access CSINode with the same name as the requesting node")
            }
            ("resource.k8s.io", "resourceslices", _) => write.slice(),
            ("certificates.k8s.io", "certificatesigningrequests", "") => write.request(),
            _ => Ok(()),
        }
    }
}

/// What a node writes.
struct Write<'a> {
    ask: &'a Ask<'a>,
    node: &'a str,
    object: View<'a>,
    old: View<'a>,
}

impl Write<'_> {
    fn refuse(&self, why: impl Into<String>) -> Result<(), Status> {
        Err(self.ask.forbidden(self.object, why.into()))
    }

    /// `Ok` if it holds, else the refusal.
    fn insist(&self, holds: bool, why: impl FnOnce() -> String) -> Result<(), Status> {
        if holds { Ok(()) } else { self.refuse(why()) }
    }

    fn find(&self, resource: &str, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        let found = self.ask.cluster.get("", resource, namespace, name);
        found.ok_or_else(|| Status::not_found(GroupResource { group: "", resource }, name))
    }

    /// The name in the path, or for creates the one in the object.
    fn name(&self) -> &str {
        match self.ask.name {
            "" => self.object.get("metadata").str("name"),
            name => name,
        }
    }

    /// The object is called like the node.
    fn own(&self, why: &str) -> Result<(), Status> {
        self.insist(self.name() == self.node, || why.to_owned())
    }

    fn pod(&self) -> Result<(), Status> {
        let node = quote(self.node);
        match self.ask.operation {
            Operation::Create => mirror::check(self),
            Operation::Delete => {
                let pod = self.find("pods", self.ask.namespace, self.ask.name)?;
                let is_own = View::from(&*pod).get("spec").str("nodeName") == self.node;
                self.insist(is_own, || format!("node {node} can only delete pods with spec.nodeName set to itself"))
            }
            _ => self
                .refuse(format!("unexpected operation \"UPDATE\", node {node} can only create and delete mirror pods")),
        }
    }

    fn pod_status(&self) -> Result<(), Status> {
        let node = quote(self.node);
        let (old, new) = (self.old, self.object);
        self.insist(old.get("spec").str("nodeName") == self.node, || {
            format!("node {node} can only update pod status for pods with spec.nodeName set to itself")
        })?;
        let same = |path: &[&str]| old.at(path).same(new.at(path));
        self.insist(same(&["metadata", "labels"]), || format!("node {node} cannot update labels through pod status"))?;
        self.insist(same(&["status", "resourceClaimStatuses"]), || {
            format!("node {node} cannot update resource claim statues")
        })?;
        self.insist(same(&["status", "extendedResourceClaimStatus"]), || {
            format!("node {node} cannot update extended resource claim status")
        })
    }

    fn eviction(&self) -> Result<(), Status> {
        let name = self.name();
        self.insist(!name.is_empty(), || "could not determine pod from request data".to_owned())?;
        let pod = self.find("pods", self.ask.namespace, name)?;
        let is_own = View::from(&*pod).get("spec").str("nodeName") == self.node;
        self.insist(is_own, || format!("node {} can only evict pods with spec.nodeName set to itself", self.node))
    }

    fn node(&self) -> Result<(), Status> {
        let (node, asked) = (quote(self.node), self.name());
        self.insist(asked == self.node, || format!("node {node} is not allowed to modify node {}", quote(asked)))?;
        let (old, new) = (self.old, self.object);
        match self.ask.operation {
            Operation::Create => {
                self.insist(!new.get("spec").has("configSource"), || {
                    format!("node {node} is not allowed to create pods with a non-nil configSource")
                })?;
                let labels = foreign_labels(new, View::ABSENT);
                self.insist(labels.is_empty(), || {
                    format!("node {node} is not allowed to set the following labels: {}", labels.join(", "))
                })
            }
            Operation::Update => {
                let same = |path: &[&str]| old.at(path).same(new.at(path));
                self.insist(!new.get("spec").has("configSource") || same(&["spec", "configSource"]), || {
                    format!("node {node} is not allowed to update configSource to a new non-nil configSource")
                })?;
                self.insist(same(&["spec", "taints"]), || format!("node {node} is not allowed to modify taints"))?;
                self.insist(same(&["metadata", "ownerReferences"]), || {
                    format!("node {node} is not allowed to modify ownerReferences")
                })?;
                let labels = foreign_labels(new, old);
                self.insist(labels.is_empty(), || format!("is not allowed to modify labels: {}", labels.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn claim_status(&self) -> Result<(), Status> {
        let bare = |claim: View<'_>| {
            let mut claim = claim.to_value();
            let fields = ["capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"];
            for (place, fields) in [("status", &fields[..]), ("metadata", &["resourceVersion", "managedFields"])] {
                if let Some(map) = claim.get_mut(place).and_then(Value::as_object_mut) {
                    fields.iter().for_each(|field| drop(map.remove(field)));
                }
            }
            claim
        };
        self.insist(bare(self.old) == bare(self.object), || {
            let node = quote(self.node);
            format!("node {node} is not allowed to update fields other than status.quantity and status.conditions")
        })
    }

    /// Tokens are for pods of the node, and for audiences that those pods ask for.
    fn token(&self, authorizer: &dyn Authorize) -> Result<(), Status> {
        if self.ask.operation != Operation::Create {
            return Ok(());
        }
        let bound = self.object.at(&["spec", "boundObjectRef"]);
        let (name, uid) = (bound.str("name"), bound.str("uid"));
        let is_pod = bound.str("apiVersion") == "v1" && bound.str("kind") == "Pod" && !name.is_empty();
        self.insist(is_pod, || "node requested token not bound to a pod".to_owned())?;
        self.insist(!uid.is_empty(), || "node requested token with a pod binding without a uid".to_owned())?;
        let pod = self.find("pods", self.ask.namespace, name)?;
        let pod = View::from(&*pod);
        self.insist(pod.get("metadata").str("uid") == uid, || {
            format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might \
                 have been deleted and then recreated"
            )
        })?;
        self.insist(pod.get("spec").str("nodeName") == self.node, || {
            "node requested token bound to a pod scheduled on a different node".to_owned()
        })?;
        self.audience(pod, authorizer)
    }

    fn audience(&self, pod: View<'_>, authorizer: &dyn Authorize) -> Result<(), Status> {
        let audiences: Vec<&str> = self.object.get("spec").strings("audiences").collect();
        self.insist(audiences.len() < 2, || "node may only request 0 or 1 audiences".to_owned())?;
        let audience = audiences.first().copied().unwrap_or_default();
        // A pod that names no audience means the API server, whose own name stands in the request by now.
        let is_asked = |wanted: &str| wanted == audience || (wanted.is_empty() && is_own_audience(audience));
        let sources = pod.at(&["spec", "volumes"]).items().flat_map(|volume| volume.get("projected").list("sources"));
        let mut tokens = sources.map(|source| source.get("serviceAccountToken")).filter(|token| token.exists());
        if tokens.any(|token| is_asked(token.str("audience"))) || self.drivers_ask(pod, &is_asked) {
            return Ok(());
        }
        let asked = Attributes {
            namespace: self.ask.namespace,
            name: self.ask.name,
            version: "v1",
            ..Attributes::resource(self.ask.user, "request-serviceaccounts-token-audience", "", audience)
        };
        self.insist(authorizer.authorize(&asked).is_allowed(), || {
            format!(
                "audience {} not found in pod spec volume, {} is not authorized to request tokens for this audience",
                quote(audience),
                self.ask.user.name
            )
        })
    }

    /// Whether a CSI driver behind one of the pod's volumes asks for such tokens.
    fn drivers_ask(&self, pod: View<'_>, is_asked: &dyn Fn(&str) -> bool) -> bool {
        let (cluster, namespace) = (self.ask.cluster, self.ask.namespace);
        pod.at(&["spec", "volumes"]).items().any(|volume| {
            let claim = match volume.has("ephemeral") {
                true => format!("{}-{}", pod.get("metadata").str("name"), volume.str("name")),
                false => volume.get("persistentVolumeClaim").str("claimName").to_owned(),
            };
            let of_claim = || {
                let claim = cluster.get("", "persistentvolumeclaims", namespace, &claim)?;
                let name = View::from(&*claim).get("spec").str("volumeName").to_owned();
                let volume = cluster.get("", "persistentvolumes", "", &name)?;
                Some(View::from(&*volume).at(&["spec", "csi"]).str("driver").to_owned())
            };
            let driver = match volume.get("csi").str("driver") {
                "" => of_claim().unwrap_or_default(),
                driver => driver.to_owned(),
            };
            let driver = cluster.get("storage.k8s.io", "csidrivers", "", &driver);
            driver.is_some_and(|driver| {
                let mut requests = View::from(&*driver).get("spec").list("tokenRequests");
                requests.any(|request| is_asked(request.str("audience")))
            })
        })
    }

    fn lease(&self) -> Result<(), Status> {
        self.insist(self.ask.namespace == LEASES, || {
            format!("can only access leases in the {} system namespace", quote(LEASES))
        })?;
        self.own("can only access node lease with the same name as the requesting node")
    }

    fn slice(&self) -> Result<(), Status> {
        let (slice, verb) = match self.ask.operation {
            Operation::Create => (self.object, "create"),
            Operation::Delete => (self.old, "delete"),
            _ => return Ok(()),
        };
        self.insist(slice.get("spec").str("nodeName") == self.node, || {
            format!("can only {verb} ResourceSlice with the same NodeName as the requesting node")
        })
    }

    /// A node asks for certificates of its own name alone.
    fn request(&self) -> Result<(), Status> {
        let spec = self.object.get("spec");
        let signer = spec.str("signerName");
        let is_ours = matches!(signer, "kubernetes.io/kubelet-serving" | "kubernetes.io/kube-apiserver-client-kubelet");
        if self.ask.operation != Operation::Create || !is_ours {
            return Ok(());
        }
        let name = super::certificates::common_name(spec.str("request"))
            .map_err(|why| self.ask.forbidden(self.object, format_args!("unable to parse csr: {why}")))?;
        let own = format!("system:node:{}", self.node);
        self.insist(name == own, || format!("can only create a node CSR with CN={own}"))
    }
}

/// The audiences of the API server; see `Settings::own_audiences`.
fn is_own_audience(audience: &str) -> bool {
    audience.starts_with("https://kubernetes.default.svc")
}

/// Changed labels that a node may not change, sorted.
fn foreign_labels(new: View<'_>, old: View<'_>) -> Vec<String> {
    let (new, old) = (new.at(&["metadata", "labels"]), old.at(&["metadata", "labels"]));
    let keys: BTreeSet<&str> = new.entries().chain(old.entries()).map(|(key, _)| key).collect();
    let is_changed = |key: &&str| new.opt_str(key) != old.opt_str(key);
    keys.into_iter().filter(is_changed).filter(|key| !is_own_label(key)).map(str::to_owned).collect()
}

fn is_own_label(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_in = |of: &str| domain == of || domain.strip_suffix(of).is_some_and(|rest| rest.ends_with('.'));
    if is_in(RESTRICTED_DOMAIN) {
        return false;
    }
    let is_kubernetes = is_in("kubernetes.io") || is_in("k8s.io");
    !is_kubernetes || OWN_LABELS.contains(&key) || OWN_LABEL_DOMAINS.iter().any(|domain| is_in(domain))
}

fn is_mirror(pod: View<'_>) -> bool {
    pod.at(&["metadata", "annotations"]).has(MIRROR)
}

#[cfg(test)]
mod tests;

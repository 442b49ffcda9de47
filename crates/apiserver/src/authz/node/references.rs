//! What refers to what: from a node over its pods to secrets, volumes and the rest.

use super::MIRROR;
use crate::lookup::Cluster;
use object::{Value, View};
use std::sync::Arc;

/// A kind of object to which nodes come over their pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Pod,
    Secret,
    ConfigMap,
    ServiceAccount,
    Claim,
    Volume,
    ResourceClaim,
    Attachment,
    Slice,
}

impl Reference {
    /// Whether the node has something to do with the object.
    pub(super) fn is_made(self, cluster: &dyn Cluster, node: &str, namespace: &str, name: &str) -> bool {
        let node_of = |group, resource| {
            let object = cluster.get(group, resource, "", name);
            object.is_some_and(|object| View::from(&*object).get("spec").str("nodeName") == node)
        };
        match self {
            Reference::Pod => {
                let pod = cluster.get("", "pods", namespace, name);
                pod.is_some_and(|pod| View::from(&*pod).get("spec").str("nodeName") == node)
            }
            Reference::Attachment => node_of("storage.k8s.io", "volumeattachments"),
            Reference::Slice => node_of("resource.k8s.io", "resourceslices"),
            Reference::Volume => {
                let Some(volume) = cluster.get("", "persistentvolumes", "", name) else { return false };
                let claim = View::from(&*volume).at(&["spec", "claimRef"]);
                let (namespace, claim) = (claim.str("namespace"), claim.str("name"));
                Reference::Claim.is_made(cluster, node, namespace, claim)
            }
            Reference::Secret => {
                let pods = pods(cluster, node, namespace);
                pods.iter().any(|pod| has_secret((&**pod).into(), name))
                    || pods.iter().any(|pod| volumes_have_secret(cluster, (&**pod).into(), name))
            }
            Reference::ConfigMap => some(cluster, node, namespace, |pod| has_config_map(pod, name)),
            Reference::ServiceAccount => {
                some(cluster, node, namespace, |pod| pod.get("spec").str("serviceAccountName") == name)
            }
            Reference::Claim => some(cluster, node, namespace, |pod| claims(pod).any(|claim| claim == name)),
            Reference::ResourceClaim => some(cluster, node, namespace, |pod| has_resource_claim(pod, name)),
        }
    }
}

/// The pods of a namespace that run on a node; mirrors of what the node runs by itself refer to nothing.
fn pods(cluster: &dyn Cluster, node: &str, namespace: &str) -> Vec<Arc<Value>> {
    let mut pods = if namespace.is_empty() { Vec::new() } else { cluster.pods_of_node(node, namespace) };
    pods.retain(|pod| !View::from(&**pod).at(&["metadata", "annotations"]).has(MIRROR));
    pods
}

fn some(cluster: &dyn Cluster, node: &str, namespace: &str, refers: impl Fn(View<'_>) -> bool) -> bool {
    pods(cluster, node, namespace).iter().any(|pod| refers((&**pod).into()))
}

fn containers<'a>(spec: View<'a>) -> impl Iterator<Item = View<'a>> {
    ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(move |list| spec.list(list))
}

/// Whether the environment of a container comes from an object of this name.
fn in_environment(spec: View<'_>, name: &str, key_ref: &str, whole_ref: &str) -> bool {
    containers(spec).any(|container| {
        container.list("env").any(|env| env.at(&["valueFrom", key_ref]).str("name") == name)
            || container.list("envFrom").any(|from| from.get(whole_ref).str("name") == name)
    })
}

fn has_secret(pod: View<'_>, name: &str) -> bool {
    let spec = pod.get("spec");
    let in_volume = |volume: View<'_>| {
        let sources = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"];
        volume.get("secret").str("secretName") == name
            || volume.get("azureFile").str("secretName") == name
            || volume.get("projected").list("sources").any(|source| source.get("secret").str("name") == name)
            || volume.at(&["csi", "nodePublishSecretRef"]).str("name") == name
            || sources.iter().any(|source| volume.get(source).get("secretRef").str("name") == name)
    };
    spec.list("imagePullSecrets").any(|secret| secret.str("name") == name)
        || spec.list("volumes").any(in_volume)
        || in_environment(spec, name, "secretKeyRef", "secretRef")
}

fn has_config_map(pod: View<'_>, name: &str) -> bool {
    let spec = pod.get("spec");
    let in_volume = |volume: View<'_>| {
        volume.get("configMap").str("name") == name
            || volume.get("projected").list("sources").any(|source| source.get("configMap").str("name") == name)
    };
    spec.list("volumes").any(in_volume) || in_environment(spec, name, "configMapKeyRef", "configMapRef")
}

/// The names of a pod's claims, those made for it included.
fn claims<'a>(pod: View<'a>) -> impl Iterator<Item = String> + use<'a> {
    let own = pod.get("metadata").str("name");
    pod.get("spec").list("volumes").filter_map(move |volume| {
        if volume.has("ephemeral") {
            return Some(format!("{own}-{}", volume.str("name")));
        }
        volume.get("persistentVolumeClaim").opt_str("claimName").map(str::to_owned)
    })
}

fn has_resource_claim(pod: View<'_>, name: &str) -> bool {
    let mut named = pod.get("spec").list("resourceClaims").map(|claim| claim.str("resourceClaimName"));
    let mut made = pod.get("status").list("resourceClaimStatuses").map(|claim| claim.str("resourceClaimName"));
    let extended = pod.at(&["status", "extendedResourceClaimStatus"]).str("resourceClaimName");
    named.any(|claim| claim == name) || made.any(|claim| claim == name) || extended == name
}

/// Whether a volume behind one of the pod's claims needs a secret of the pod's namespace.
fn volumes_have_secret(cluster: &dyn Cluster, pod: View<'_>, name: &str) -> bool {
    let namespace = pod.get("metadata").str("namespace");
    claims(pod).any(|claim| {
        let Some(claim) = cluster.get("", "persistentvolumeclaims", namespace, &claim) else { return false };
        let volume = View::from(&*claim).get("spec").str("volumeName");
        let Some(volume) = cluster.get("", "persistentvolumes", "", volume) else { return false };
        let spec = View::from(&*volume).get("spec");
        let is_it = |reference: View<'_>| {
            reference.str("name") == name && ["", namespace].contains(&reference.str("namespace"))
        };
        let csi = spec.get("csi");
        let of_csi =
            ["nodePublishSecretRef", "nodeStageSecretRef", "controllerPublishSecretRef", "nodeExpandSecretRef"];
        let others = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"];
        let file = spec.get("azureFile");
        of_csi.iter().any(|field| is_it(csi.get(field)))
            || others.iter().any(|source| is_it(spec.get(source).get("secretRef")))
            || (file.str("secretName") == name && ["", namespace].contains(&file.str("secretNamespace")))
    })
}

//! Mirrors: pods that a node runs by itself and only shows to the API server.

use super::super::service_account::uses_secrets;
use super::{MIRROR, Write, is_mirror};
use object::quote::quote;
use object::{Status, View};

/// Refuses a pod that a node makes and that is no mirror, or that refers to what the API server holds.
pub(super) fn check(write: &Write<'_>) -> Result<(), Status> {
    let (pod, node) = (write.object, quote(write.node));
    write.insist(is_mirror(pod), || {
        format!("pod does not have {} annotation, node {node} can only create mirror pods", quote(MIRROR))
    })?;
    write.insist(pod.get("spec").str("nodeName") == write.node, || {
        format!("node {node} can only create pods with spec.nodeName set to itself")
    })?;
    check_owner(write)?;
    match referenced(pod.get("spec")) {
        Some(what) => write.refuse(format!("node {node} can not create pods that reference {what}")),
        None => Ok(()),
    }
}

fn check_owner(write: &Write<'_>) -> Result<(), Status> {
    let node = quote(write.node);
    let mut owners = write.object.get("metadata").list("ownerReferences");
    write.insist(owners.len() < 2, || {
        format!("node {node} can only create pods with a single owner reference set to itself")
    })?;
    let owner = owners.next().unwrap_or(View::ABSENT);
    let is_node = owner.str("apiVersion") == "v1" && owner.str("kind") == "Node" && owner.str("name") == write.node;
    write.insist(is_node, || format!("node {node} can only create pods with an owner reference set to itself"))?;
    write.insist(owner.bool("controller"), || {
        format!("node {node} can only create pods with a controller owner reference set to itself")
    })?;
    write.insist(!owner.bool("blockOwnerDeletion"), || {
        format!("node {node} must not set blockOwnerDeletion on an owner reference")
    })?;
    let stored = write.find("nodes", "", write.node)?;
    let (given, is) = (owner.str("uid"), View::from(&*stored).get("metadata").str("uid"));
    write.insist(given == is, || format!("node {} UID mismatch: expected {given} got {is}", write.node))
}

/// What of the API server a pod refers to, if it does.
fn referenced(spec: View<'_>) -> Option<&'static str> {
    if !spec.str("serviceAccountName").is_empty() {
        return Some("serviceaccounts");
    }
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let containers = || lists.iter().flat_map(|list| spec.list(list));
    let env = |key: &str, whole: &str| {
        containers().any(|container| {
            container.list("env").any(|env| env.at(&["valueFrom", key]).exists())
                || container.list("envFrom").any(|from| from.has(whole))
        })
    };
    if uses_secrets(spec) {
        return Some("secrets");
    }
    let in_projection = |source: View<'_>| source.has("configMap");
    let in_volume_of_maps =
        |volume: View<'_>| volume.has("configMap") || volume.get("projected").list("sources").any(in_projection);
    if env("configMapKeyRef", "configMapRef") || spec.list("volumes").any(in_volume_of_maps) {
        return Some("configmaps");
    }
    if !spec.get("resourceClaims").is_empty() {
        return Some("resourceclaims");
    }
    spec.list("volumes").find_map(in_volume)
}

fn in_volume(volume: View<'_>) -> Option<&'static str> {
    let direct = [
        ("configMap", "configmaps (via configmap volumes)"),
        ("secret", "secrets (via secret volumes)"),
        ("csi", "csidrivers (via CSI volumes)"),
        ("glusterfs", "endpoints (via glusterFS volumes)"),
        ("persistentVolumeClaim", "persistentvolumeclaims"),
        ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
        ("azureFile", "secrets (via azureFile volumes)"),
    ];
    let projected = [
        ("configMap", "configmaps (via projected volumes)"),
        ("secret", "secrets (via projected volumes)"),
        ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
        ("clusterTrustBundle", "clustertrustbundles"),
        ("podCertificate", "podcertificates"),
    ];
    let of = |place: View<'_>, table: &[(&str, &'static str)]| {
        table.iter().find(|(field, _)| place.has(field)).map(|(_, what)| *what)
    };
    of(volume, &direct).or_else(|| volume.get("projected").list("sources").find_map(|source| of(source, &projected)))
}

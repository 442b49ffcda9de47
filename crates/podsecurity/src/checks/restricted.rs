//! What the level `restricted` demands: no root, no privileges, no volumes but the harmless ones.

use super::words::{containers, plural, quoted, setters};
use super::{Pod, context};
use crate::Finding;
use object::View;
use std::collections::BTreeSet;

/// Volumes that bring nothing of the node or the network.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The others, in the order in which they are looked for.
const RESTRICTED_VOLUMES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

/// Nobody gains privileges by starting a program.
pub(super) fn escalation(pod: Pod<'_>) -> Option<Finding> {
    let names = pod.named(|container| context(container).opt_bool("allowPrivilegeEscalation") != Some(false));
    (!names.is_empty()).then(|| Finding {
        reason: "allowPrivilegeEscalation != false",
        detail: format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&names)),
    })
}

/// Containers give all capabilities away, but perhaps the one to listen on low ports.
pub(super) fn capabilities(pod: Pod<'_>) -> Option<Finding> {
    let capabilities = |container| context(container).get("capabilities");
    let keep = pod.named(|container| !capabilities(container).strings("drop").any(|dropped| dropped == "ALL"));
    let is_bad = |capability: &&str| *capability != "NET_BIND_SERVICE";
    let add = pod.named(|container| capabilities(container).strings("add").any(|added| is_bad(&added)));
    let added: BTreeSet<&str> =
        pod.containers().flat_map(|container| capabilities(container).strings("add")).filter(is_bad).collect();
    let mut details = Vec::new();
    if !keep.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keep)));
    }
    if !add.is_empty() {
        details.push(format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&add),
            quoted(added)
        ));
    }
    (!details.is_empty()).then(|| Finding { reason: "unrestricted capabilities", detail: details.join("; ") })
}

/// Only harmless kinds of volumes.
pub(super) fn volumes(pod: Pod<'_>) -> Option<Finding> {
    let bad = || pod.spec.list("volumes").filter(|volume| !VOLUMES.iter().any(|kind| volume.has(kind)));
    let kind_of = |volume: View<'_>| RESTRICTED_VOLUMES.into_iter().find(|kind| volume.has(kind)).unwrap_or("unknown");
    let names: Vec<&str> = bad().map(|volume| volume.str("name")).collect();
    let kinds: BTreeSet<&str> = bad().map(kind_of).collect();
    (!names.is_empty()).then(|| Finding {
        reason: "restricted volume types",
        detail: format!(
            "{} {} {} {} {}",
            plural(names.len(), "volume", "volumes"),
            quoted(&names),
            plural(names.len(), "uses", "use"),
            plural(kinds.len(), "restricted volume type", "restricted volume types"),
            quoted(kinds)
        ),
    })
}

/// Everybody says that they are not root.
pub(super) fn non_root(pod: Pod<'_>) -> Option<Finding> {
    const REASON: &str = "runAsNonRoot != true";
    let says = |context: View<'_>| context.opt_bool("runAsNonRoot");
    let of_pod = says(pod.context());
    let explicit = pod.named(|container| says(context(container)) == Some(false));
    if let Some(who) = setters(of_pod == Some(false), &explicit) {
        return Some(Finding {
            reason: REASON,
            detail: format!("{who} must not set securityContext.runAsNonRoot=false"),
        });
    }
    let silent = pod.named(|container| says(context(container)).is_none());
    (of_pod != Some(true) && !silent.is_empty()).then(|| Finding {
        reason: REASON,
        detail: format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&silent)),
    })
}

/// Nobody is root by number.
pub(super) fn user(pod: Pod<'_>) -> Option<Finding> {
    let is_root = |context: View<'_>| context.opt_int("runAsUser") == Some(0);
    let names = pod.named(|container| is_root(context(container)));
    let who = setters(is_root(pod.context()), &names)?;
    Some(Finding { reason: "runAsUser=0", detail: format!("{who} must not set runAsUser=0") })
}

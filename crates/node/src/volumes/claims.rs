//! Claims: which path of this node a claim is bound to.

use super::VolumeError;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod, Volume};
use kube::api::Api;
use std::path::PathBuf;

/// A claim that a volume names.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    name: String,
    read_only: bool,
    /// Made for this pod alone.
    ephemeral: bool,
}

/// What a claim is bound to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The check of the path, as hostPath has it.
    pub(super) kind: String,
    pub(super) read_only: bool,
    /// Whether it may be given to a group.
    pub(super) owned: bool,
}

/// The claim of a volume.
pub(super) fn of(pod: &Pod, volume: &Volume) -> Option<Claim> {
    if let Some(source) = &volume.persistent_volume_claim {
        let read_only = source.read_only == Some(true);
        return Some(Claim { name: source.claim_name.clone(), read_only, ephemeral: false });
    }
    volume.ephemeral.as_ref()?;
    let name = format!("{}-{}", pod.metadata.name.as_deref().unwrap_or_default(), volume.name);
    Some(Claim { name, read_only: false, ephemeral: true })
}

/// Finds what a claim is bound to.
pub(super) async fn find(client: &kube::Client, pod: &Pod, claim: &Claim) -> Result<Found, VolumeError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let named = format!("PVC {namespace}/{}", claim.name);
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let found = api.get_opt(&claim.name).await.map_err(|source| VolumeError::Api { what: named.clone(), source })?;
    let Some(found) = found else {
        return refuse(format!("error processing {named}: persistentvolumeclaim {:?} not found", claim.name));
    };
    if claim.ephemeral && !is_owned_by(&found, pod) {
        return refuse(format!("error processing {named}: PVC {named} was not created for pod (pod is not owner)"));
    }
    let bound = found.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound");
    let volume = found.spec.as_ref().and_then(|spec| spec.volume_name.clone()).filter(|name| bound && !name.is_empty());
    let Some(volume) = volume else { return refuse(format!("error processing {named}: PVC is not bound")) };
    let api: Api<PersistentVolume> = Api::all(client.clone());
    let what = format!("PV {volume}");
    let volume = api.get(&volume).await.map_err(|source| VolumeError::Api { what, source })?;
    let spec = volume.spec.unwrap_or_default();
    let reads_only = |modes: Option<Vec<String>>| modes.is_some_and(|modes| modes.iter().all(|m| m == "ReadOnlyMany"));
    let read_only = claim.read_only || reads_only(found.spec.and_then(|spec| spec.access_modes));
    if let Some(local) = spec.local {
        return Ok(Found { path: PathBuf::from(local.path), kind: "Directory".to_owned(), read_only, owned: true });
    }
    let Some(host) = spec.host_path else { return Err(VolumeError::NoPlugin) };
    let kind = host.type_.unwrap_or_default();
    Ok(Found { path: PathBuf::from(host.path), kind, read_only, owned: false })
}

fn is_owned_by(claim: &PersistentVolumeClaim, pod: &Pod) -> bool {
    let owners = claim.metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().any(|owner| owner.controller == Some(true) && Some(&owner.uid) == pod.metadata.uid.as_ref())
}

fn refuse<T>(message: String) -> Result<T, VolumeError> {
    Err(VolumeError::Object(message))
}

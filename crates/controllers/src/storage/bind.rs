//! Binds a volume and a claim to each other: four writes, any of which may have been done before.

use super::{BIND_COMPLETED, BOUND_BY_CONTROLLER, Binder, CLAIMS, VOLUMES, has_note, note, unnote};
use informer::{Object, Shared, clock};
use kinds::binding;
use object::{View, json};

impl Binder {
    /// Binds both to each other.
    pub(super) async fn bind(&self, volume: Shared, claim: Shared) -> Result<(), kube::Error> {
        let volume = self.bind_volume(volume, &claim).await?;
        let volume = self.set_volume_phase(volume, "Bound").await?;
        let claim = self.bind_claim(claim, &volume).await?;
        self.set_claim_phase(&claim, "Bound", Some(&volume)).await.map(drop)
    }

    async fn bind_volume(&self, volume: Shared, claim: &Object) -> Result<Shared, kube::Error> {
        let reference = volume.spec().get("claimRef");
        let is_bound = binding::is_meant_for(volume.view(), claim.view()) && !reference.str("uid").is_empty();
        if is_bound {
            return Ok(volume);
        }
        let mut changed = volume.to_value();
        if !reference.exists() {
            note(&mut changed, BOUND_BY_CONTROLLER, "yes");
        }
        changed["spec"]["claimRef"] = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(),
            "name": claim.name(), "uid": claim.uid(), "resourceVersion": claim.meta().str("resourceVersion"),
        });
        self.informers.replace(VOLUMES, &changed).await
    }

    async fn bind_claim(&self, claim: Shared, volume: &Object) -> Result<Shared, kube::Error> {
        let mut changed = claim.to_value();
        if claim.spec().str("volumeName") != volume.name() {
            changed["spec"]["volumeName"] = volume.name().into();
            note(&mut changed, BOUND_BY_CONTROLLER, "yes");
        }
        if !has_note(&claim, BIND_COMPLETED) {
            note(&mut changed, BIND_COMPLETED, "yes");
        }
        if View::from(&changed) == claim.view() {
            return Ok(claim);
        }
        self.informers.replace(CLAIMS, &changed).await
    }

    /// Takes a claim from a volume that is bound to another.
    pub(super) async fn unbind(&self, volume: Shared) -> Result<(), kube::Error> {
        let mut changed = volume.to_value();
        if has_note(&volume, BOUND_BY_CONTROLLER) {
            changed["spec"].as_object_mut().map(|spec| spec.remove("claimRef"));
            unnote(&mut changed, BOUND_BY_CONTROLLER);
        } else {
            // Somebody wants it for this claim; not for the one that had the name.
            changed["spec"]["claimRef"].as_object_mut().map(|reference| reference.remove("uid"));
        }
        let volume = self.informers.replace(VOLUMES, &changed).await?;
        self.set_volume_phase(volume, "Available").await.map(drop)
    }

    pub(super) async fn set_volume_phase(&self, volume: Shared, phase: &str) -> Result<Shared, kube::Error> {
        if volume.status().str("phase") == phase {
            return Ok(volume);
        }
        let mut changed = volume.to_value();
        changed["status"]["phase"] = phase.into();
        changed["status"]["lastPhaseTransitionTime"] = clock::now_text().into();
        changed["status"].as_object_mut().map(|status| status.remove("message"));
        self.informers.replace_status(VOLUMES, &changed).await
    }

    /// Writes the phase of a claim, and what it has of its volume.
    pub(super) async fn set_claim_phase(
        &self,
        claim: &Shared,
        phase: &str,
        volume: Option<&Object>,
    ) -> Result<Shared, kube::Error> {
        let mut changed = claim.to_value();
        changed["status"]["phase"] = phase.into();
        let status = changed["status"].as_object_mut();
        match (volume, status) {
            (None, Some(status)) => {
                status.remove("accessModes");
                status.remove("capacity");
            }
            (Some(volume), _) => {
                changed["status"]["accessModes"] = volume.spec().get("accessModes").to_value();
                // What a claim has may grow beyond what its volume was told to hold.
                let was_bound = claim.status().str("phase") == "Bound" && claim.status().has("capacity");
                if !was_bound {
                    changed["status"]["capacity"] = volume.spec().get("capacity").to_value();
                }
                let class = volume.spec().str("volumeAttributesClassName");
                if !class.is_empty() {
                    changed["status"]["currentVolumeAttributesClassName"] = class.into();
                }
            }
            _ => {}
        }
        if View::from(&changed).get("status").same(claim.status()) {
            return Ok(claim.clone());
        }
        self.informers.replace_status(CLAIMS, &changed).await
    }
}

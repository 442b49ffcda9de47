//! The volumes' side of the binder.

use super::{Binder, PROVISIONED_BY, VOLUMES, has_note};
use informer::{Key, Next, Shared, clock};

/// Provisioners of this kind were part of the reference itself; nobody stands for them here.
const BUILT_IN: &str = "kubernetes.io/";

impl Binder {
    pub(super) async fn sync_volume(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(volume) = self.volumes.by_key(&key) else { return Ok(Next::Done) };
        let reference = volume.spec().get("claimRef");
        if reference.str("uid").is_empty() {
            return self.set_volume_phase(volume, "Available").await.map(|_| Next::Done);
        }
        let known = self.claims.get(reference.str("namespace"), reference.str("name"));
        let mut claim = known.filter(|claim| claim.uid() == reference.str("uid"));
        if claim.is_none() && !is_let_go(&volume) {
            // The data are at stake: ask the server itself.
            let live = self.informers.live(super::CLAIMS, reference.str("namespace"), reference.str("name")).await?;
            claim = live.filter(|claim| claim.uid() == reference.str("uid"));
        }
        match claim {
            None => self.let_go(volume).await?,
            Some(claim) if claim.spec().str("volumeName").is_empty() => self.claim_queue.add(claim.key()),
            Some(claim) if claim.spec().str("volumeName") == volume.name() => {
                self.set_volume_phase(volume, "Bound").await?;
            }
            Some(_) if has_note(&volume, PROVISIONED_BY) && policy(&volume) == "Delete" => self.let_go(volume).await?,
            Some(_) => self.unbind(volume).await?,
        }
        Ok(Next::Done)
    }

    /// The claim is gone: what becomes of the volume?
    async fn let_go(&self, volume: Shared) -> Result<(), kube::Error> {
        let volume = if is_let_go(&volume) { volume } else { self.set_volume_phase(volume, "Released").await? };
        let maker = volume.annotation(PROVISIONED_BY);
        let has_maker = !maker.is_empty() && !maker.starts_with(BUILT_IN);
        // A volume that a provisioner made is deleted by that provisioner.
        if policy(&volume) != "Delete" || has_maker || volume.status().str("phase") == "Failed" {
            return Ok(());
        }
        let name = volume.name();
        let message =
            format!("error getting deleter volume plugin for volume {name:?}: no deletable volume plugin matched");
        self.recorder.warning(VOLUMES, &volume, "VolumeFailedDelete", &*message);
        let mut changed = volume.to_value();
        changed["status"]["phase"] = "Failed".into();
        changed["status"]["message"] = message.into();
        changed["status"]["lastPhaseTransitionTime"] = clock::now_text().into();
        self.informers.replace_status(VOLUMES, &changed).await.map(drop)
    }
}

fn is_let_go(volume: &Shared) -> bool {
    matches!(volume.status().str("phase"), "Released" | "Failed")
}

fn policy(volume: &Shared) -> &str {
    volume.spec().str("persistentVolumeReclaimPolicy")
}

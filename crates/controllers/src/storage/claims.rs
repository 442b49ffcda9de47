//! The claims' side of the binder.

use super::{BIND_COMPLETED, Binder, CLAIMS, SELECTED_NODE, has_note, note};
use informer::{Key, Next, Object, Shared};
use kinds::binding;
use object::View;

/// The annotation of the class that claims get which name none.
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// The class whose volumes nobody makes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// The annotations by which provisioners know their claims.
const PROVISIONER: [&str; 2] =
    ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];

impl Binder {
    pub(super) async fn sync_claim(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(claim) = self.claims.by_key(&key) else { return Ok(Next::Done) };
        if has_note(&claim, BIND_COMPLETED) {
            self.check_bound(claim).await?;
        } else if claim.spec().str("volumeName").is_empty() {
            self.find_volume(claim).await?;
        } else {
            self.take_named(claim).await?;
        }
        Ok(Next::Done)
    }

    /// A claim that is bound: is its volume still there, and its own?
    async fn check_bound(&self, claim: Shared) -> Result<(), kube::Error> {
        let name = claim.spec().str("volumeName");
        if name.is_empty() {
            let why = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
            return self.lose(&claim, "ClaimLost", why).await;
        }
        let Some(volume) = self.volumes.get("", name) else {
            let why = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
            return self.lose(&claim, "ClaimLost", why).await;
        };
        let reference = volume.spec().get("claimRef");
        if reference.exists() && reference.str("uid") != claim.uid() {
            let why = "Two claims are bound to the same volume, this one is bound incorrectly";
            return self.lose(&claim, "ClaimMisbound", why).await;
        }
        self.tell_growth(&claim);
        self.bind(volume, claim).await
    }

    async fn lose(&self, claim: &Shared, reason: &'static str, why: &str) -> Result<(), kube::Error> {
        if claim.status().str("phase") == "Lost" {
            return Ok(());
        }
        self.recorder.warning(CLAIMS, claim, reason, why);
        self.set_claim_phase(claim, "Lost", None).await.map(drop)
    }

    /// A claim that is not bound, and may have any volume that fits.
    async fn find_volume(&self, claim: Shared) -> Result<(), kube::Error> {
        let waits = self.waits_for_node(&claim);
        if let Some(volume) = self.best_match(&claim, waits) {
            return self.bind(volume, claim).await;
        }
        let claim = match self.give_default_class(&claim).await? {
            Some(claim) => claim,
            None => claim,
        };
        let class = binding::class_of(claim.view());
        if self.waits_for_node(&claim) && !has_note(&claim, SELECTED_NODE) {
            let message = "waiting for first consumer to be created before binding";
            self.recorder.normal(CLAIMS, &claim, "WaitForFirstConsumer", message);
        } else if class.is_empty() {
            let message = "no persistent volumes available for this claim and no storage class is set";
            self.recorder.normal(CLAIMS, &claim, "FailedBinding", message);
        } else {
            self.order(&claim).await?;
            return Ok(());
        }
        self.set_claim_phase(&claim, "Pending", None).await.map(drop)
    }

    /// A claim that names its volume.
    async fn take_named(&self, claim: Shared) -> Result<(), kube::Error> {
        let Some(volume) = self.volumes.get("", claim.spec().str("volumeName")) else {
            return self.set_claim_phase(&claim, "Pending", None).await.map(drop);
        };
        let name = volume.name();
        if volume.spec().has("claimRef") {
            if binding::is_meant_for(volume.view(), claim.view()) {
                return self.bind(volume, claim).await;
            }
            let message = format!("volume {name:?} already bound to a different claim.");
            self.recorder.warning(CLAIMS, &claim, "FailedBinding", message);
            return self.set_claim_phase(&claim, "Pending", None).await.map(drop);
        }
        if let Some(why) = binding::mismatch(volume.view(), claim.view()) {
            let message = format!("Cannot bind to requested volume {name:?}: {why}");
            self.recorder.warning(CLAIMS, &claim, "VolumeMismatch", message);
            return self.set_claim_phase(&claim, "Pending", None).await.map(drop);
        }
        self.bind(volume, claim).await
    }

    /// The smallest volume that fits; one that is meant for the claim first. A claim that waits for a node is bound by
    /// the scheduler, unless a volume is meant for it.
    fn best_match(&self, claim: &Object, waits: bool) -> Option<Shared> {
        let is_meant = |volume: &Shared| binding::is_meant_for(volume.view(), claim.view());
        let fitting = self.volumes.all().into_iter().filter(|volume| binding::fits(volume.view(), claim.view()));
        let allowed = fitting.filter(|volume| !waits || is_meant(volume));
        allowed.min_by_key(|volume| (!is_meant(volume), binding::size(volume.view()), volume.name().to_owned()))
    }

    fn waits_for_node(&self, claim: &Object) -> bool {
        let class = self.classes.get("", binding::class_of(claim.view()));
        class.is_some_and(|class| class.get("volumeBindingMode").as_str() == "WaitForFirstConsumer")
    }

    /// Gives a claim that names no class the default one, if there is one.
    async fn give_default_class(&self, claim: &Shared) -> Result<Option<Shared>, kube::Error> {
        if claim.spec().has("storageClassName") || !binding::class_of(claim.view()).is_empty() {
            return Ok(None);
        }
        let defaults = self.classes.all().into_iter().filter(|class| class.annotation(IS_DEFAULT) == "true");
        let Some(class) = defaults.max_by_key(|class| (class.created(), std::cmp::Reverse(class.name().to_owned())))
        else {
            return Ok(None);
        };
        let mut changed = claim.to_value();
        changed["spec"]["storageClassName"] = class.name().into();
        self.informers.replace(CLAIMS, &changed).await.map(Some)
    }

    /// Has a provisioner make a volume.
    async fn order(&self, claim: &Shared) -> Result<(), kube::Error> {
        let name = binding::class_of(claim.view());
        let Some(class) = self.classes.get("", name) else {
            let message = format!("storageclass.storage.k8s.io {name:?} not found");
            self.recorder.warning(CLAIMS, claim, "ProvisioningFailed", message);
            return self.set_claim_phase(claim, "Pending", None).await.map(drop);
        };
        let provisioner = class.get("provisioner").as_str();
        if provisioner == NO_PROVISIONER {
            let message = format!("no volume plugin matched name: {provisioner}");
            self.recorder.warning(CLAIMS, claim, "ProvisioningFailed", message);
            return self.set_claim_phase(claim, "Pending", None).await.map(drop);
        }
        let mut changed = claim.to_value();
        PROVISIONER.iter().for_each(|name| note(&mut changed, name, provisioner));
        let claim = if View::from(&changed) == claim.view() {
            claim.clone()
        } else {
            self.informers.replace(CLAIMS, &changed).await?
        };
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        );
        self.recorder.normal(CLAIMS, &claim, "ExternalProvisioning", message);
        self.set_claim_phase(&claim, "Pending", None).await.map(drop)
    }

    /// A claim that asks for more than it has waits for whoever made its volume.
    fn tell_growth(&self, claim: &Object) {
        let has = object::quantity::Quantity::from_view(claim.status().at(&["capacity", "storage"])).value();
        let class = self.classes.get("", binding::class_of(claim.view()));
        let may_grow = class.is_some_and(|class| class.view().bool("allowVolumeExpansion"));
        if may_grow && has > 0 && binding::asked(claim.view()) > has {
            let message = "waiting for an external controller to expand this PVC";
            self.recorder.normal(CLAIMS, claim, "ExternalExpanding", message);
        }
    }
}

//! The storage of pods: claims are made before pods, and kept or not as the set says.

use super::{Controller, SETS, identity};
use crate::workload::pods::controller_reference;
use informer::{Kind, Object, Shared, kinds, request};
use object::{Value, View, json};

const CLAIMS: &Kind = &kinds::PERSISTENT_VOLUME_CLAIMS;

/// Who is to take a claim along when it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    Nobody,
    Set,
    Pod,
}

impl Controller {
    /// Makes the claims of a number that are missing.
    pub(super) async fn make_claims(&self, set: &Object, ordinal: i64) -> Result<(), kube::Error> {
        for claim in identity::claims(set, ordinal) {
            let name = View::from(&claim).get("metadata").str("name").to_owned();
            if self.claims.get(set.namespace(), &name).is_some() {
                continue;
            }
            let pod = identity::pod_name(set, ordinal);
            match self.informers.create(CLAIMS, set.namespace(), &claim).await {
                Ok(_) => {
                    let message = format!("Create Claim {name} Pod {pod} in StatefulSet {} success", set.name());
                    self.recorder.normal(SETS, set, "SuccessfulCreate", message);
                }
                Err(error) if request::code(&error) == 409 => {}
                Err(error) => {
                    if !request::is_namespace_going(&error) {
                        let why = request::message(&error);
                        let message = format!(
                            "Create Claim {name} for Pod {pod} in StatefulSet {} failed error: {why}",
                            set.name()
                        );
                        self.recorder.warning(SETS, set, "FailedCreate", message);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether a claim of a number still waits to go with the pod that had it before.
    pub(super) fn has_stale_claim(&self, set: &Object, ordinal: i64) -> bool {
        let pod = identity::pod_name(set, ordinal);
        retention(set).1
            && self.claims_of(set, ordinal).iter().any(|claim| {
                claim.is_going()
                    || claim.meta().list("ownerReferences").any(|owner| is_reference(owner, &kinds::PODS, &pod))
            })
    }

    /// Has claims of a pod go with the set, with the pod, or with nobody.
    pub(super) async fn keep_claims(&self, set: &Object, pod: &Object, is_condemned: bool) -> Result<(), kube::Error> {
        let Some(ordinal) = identity::ordinal_of(pod.name()) else { return Ok(()) };
        let (with_set, with_pod) = retention(set);
        let keeper = match (with_set, with_pod) {
            (_, true) if is_condemned => Keeper::Pod,
            (true, _) => Keeper::Set,
            _ => Keeper::Nobody,
        };
        for claim in self.claims_of(set, ordinal) {
            let Some(changed) = kept_by(&claim, set, pod, keeper) else { continue };
            self.informers.replace(CLAIMS, &changed).await?;
        }
        Ok(())
    }

    fn claims_of(&self, set: &Object, ordinal: i64) -> Vec<Shared> {
        let templates = set.spec().list("volumeClaimTemplates");
        let names = templates.map(|template| identity::claim_name(set, template, ordinal));
        names.filter_map(|name| self.claims.get(set.namespace(), &name)).collect()
    }
}

/// Whether claims go when the set goes, and when it shrinks.
fn retention(set: &Object) -> (bool, bool) {
    let policy = set.spec().get("persistentVolumeClaimRetentionPolicy");
    (policy.str("whenDeleted") == "Delete", policy.str("whenScaled") == "Delete")
}

fn is_reference(owner: View<'_>, kind: &Kind, name: &str) -> bool {
    owner.str("apiVersion") == kind.api_version() && owner.str("kind") == kind.kind && owner.str("name") == name
}

/// The claim with the right owner, if it has another. A claim of an earlier set or pod, or that somebody else controls,
/// is left alone.
fn kept_by(claim: &Object, set: &Object, pod: &Object, keeper: Keeper) -> Option<Value> {
    let owners: Vec<View<'_>> = claim.meta().list("ownerReferences").collect();
    let is_set = |owner: View<'_>| is_reference(owner, SETS, set.name());
    let is_pod = |owner: View<'_>| is_reference(owner, &kinds::PODS, pod.name());
    let is_foreign = owners.iter().any(|owner| {
        (is_set(*owner) && owner.str("uid") != set.uid())
            || (is_pod(*owner) && owner.str("uid") != pod.uid())
            || (!is_set(*owner) && !is_pod(*owner) && owner.bool("controller"))
    });
    if is_foreign {
        return None;
    }
    let wanted = match keeper {
        Keeper::Nobody => None,
        Keeper::Set => Some(controller_reference(SETS, set)),
        Keeper::Pod => Some(controller_reference(&kinds::PODS, pod)),
    };
    let others = owners.iter().filter(|owner| !is_set(**owner) && !is_pod(**owner)).map(|owner| owner.to_value());
    let new: Vec<Value> = others.chain(wanted).collect();
    let same = new.len() == owners.len()
        && new.iter().all(|new| owners.iter().any(|old| old.str("uid") == new["uid"] && old.bool("controller")));
    if same {
        return None;
    }
    let mut changed = claim.to_value();
    changed["metadata"]["ownerReferences"] = json!(new);
    Some(changed)
}

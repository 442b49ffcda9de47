//! Which volume may serve which claim.

use object::View;
use object::quantity::Quantity;
use object::selector::labels::Selector;

/// The annotation of older claims and volumes that names the storage class.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The storage class that a claim or a volume names.
pub fn class_of(object: View<'_>) -> &str {
    let annotated = object.get("metadata").get("annotations").opt_str(CLASS);
    annotated.unwrap_or_else(|| object.get("spec").str("storageClassName"))
}

/// How much a claim asks for, in bytes.
pub fn asked(claim: View<'_>) -> i64 {
    Quantity::from_view(claim.get("spec").at(&["resources", "requests", "storage"])).value()
}

/// How much a volume holds, in bytes.
pub fn size(volume: View<'_>) -> i64 {
    Quantity::from_view(volume.get("spec").at(&["capacity", "storage"])).value()
}

/// Whether a volume is meant for a claim: its reference names it, and no earlier one of the name.
pub fn is_meant_for(volume: View<'_>, claim: View<'_>) -> bool {
    let (reference, metadata) = (volume.get("spec").get("claimRef"), claim.get("metadata"));
    reference.str("namespace") == metadata.str("namespace")
        && reference.str("name") == metadata.str("name")
        && (reference.str("uid").is_empty() || reference.str("uid") == metadata.str("uid"))
}

/// Why a volume cannot serve a claim, whoever asks for it.
pub fn mismatch(volume: View<'_>, claim: View<'_>) -> Option<String> {
    let (has, wants) = (volume.get("spec"), claim.get("spec"));
    let name = volume.get("metadata").str("name");
    let mode = |spec: View<'_>| if spec.str("volumeMode") == "Block" { "Block" } else { "Filesystem" };
    let offers = |mode: &str| has.strings("accessModes").any(|offered| offered == mode);
    if volume.get("metadata").has("deletionTimestamp") {
        return Some(format!("the volume is marked for deletion {name:?}"));
    }
    let why = if size(volume) < asked(claim) {
        "requested PV is too small"
    } else if class_of(volume) != class_of(claim) {
        "storageClassName does not match"
    } else if has.str("volumeAttributesClassName") != wants.str("volumeAttributesClassName") {
        "volumeAttributesClassName does not match"
    } else if mode(has) != mode(wants) {
        "incompatible volumeMode"
    } else if !wants.strings("accessModes").all(offers) {
        "incompatible accessMode"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Whether a volume is free, or meant for the claim, and fits it.
pub fn fits(volume: View<'_>, claim: View<'_>) -> bool {
    let is_free = !volume.get("spec").has("claimRef") && matches!(volume.get("status").str("phase"), "Available" | "");
    let selector = claim.get("spec").get("selector");
    let is_selected = || {
        let labels = volume.get("metadata").get("labels");
        !selector.exists() || Selector::from_object(selector).is_ok_and(|selector| selector.matches(&labels))
    };
    let is_meant = is_meant_for(volume, claim);
    (is_meant || (is_free && is_selected())) && mismatch(volume, claim).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    fn volume(more: Value) -> Value {
        let mut volume = json!({"metadata": {"name": "v", "labels": {"disk": "fast"}}, "spec": {
            "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "a"}});
        for (key, value) in more.as_object().unwrap() {
            volume["spec"][key] = value.clone();
        }
        volume
    }

    fn claim(more: Value) -> Value {
        let mut claim = json!({"metadata": {"namespace": "ns", "name": "c", "uid": "1"}, "spec": {
            "resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"], "storageClassName": "a"}});
        for (key, value) in more.as_object().unwrap() {
            claim["spec"][key] = value.clone();
        }
        claim
    }

    #[test]
    fn a_volume_fits_if_nothing_is_against_it() {
        let reference = |name: &str, uid: &str| json!({"claimRef": {"namespace": "ns", "name": name, "uid": uid}});
        for (volume_has, claim_wants, want) in [
            (json!({}), json!({}), true),
            (json!({}), json!({"resources": {"requests": {"storage": "3Gi"}}}), false),
            (json!({}), json!({"storageClassName": "b"}), false),
            (json!({"volumeMode": "Block"}), json!({}), false),
            (json!({}), json!({"accessModes": ["ReadWriteMany"]}), false),
            (json!({}), json!({"selector": {"matchLabels": {"disk": "slow"}}}), false),
            (reference("c", ""), json!({}), true),
            (reference("c", "1"), json!({}), true),
            (reference("c", "2"), json!({}), false),
            (reference("d", ""), json!({}), false),
        ] {
            let (volume, claim) = (volume(volume_has.clone()), claim(claim_wants.clone()));
            assert_eq!(fits(View::from(&volume), View::from(&claim)), want, "{volume_has} for {claim_wants}");
        }
    }
}

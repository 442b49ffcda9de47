//! The subresource by which containers for debugging are added.

use super::options::PodOptions;
use super::prepare::{count_generation, drop_disabled_fields, put};
use super::profiles::MIRROR;
use super::same::same;
use super::update::{changes, validate_annotations, validate_meta_and_spec};
use crate::strategy::{Request, Strategy};
use object::field::{Error, Errors, Path};
use object::{Value, View};
use std::collections::HashMap;

/// The rules of `pods/ephemeralcontainers`.
pub(super) struct PodEphemeralContainers;

impl Strategy for PodEphemeralContainers {
    fn defaults(&self, pod: &mut Value) {
        super::defaults::default_pod(pod);
    }

    fn prepare_for_update(&self, pod: &mut Value, old: View<'_>, _request: &Request<'_>) {
        let containers = View::from(&*pod).get("spec").get("ephemeralContainers").to_value();
        restore(pod, old);
        put(&mut pod["spec"], "ephemeralContainers", Some(&containers).filter(|list| !list.is_null()).into());
        drop_disabled_fields(pod, old);
        count_generation(pod, old);
    }

    fn validate_update(&self, pod: View<'_>, old: View<'_>) -> Errors {
        validate(pod, old)
    }

    fn canonicalize(&self, pod: &mut Value) {
        super::prepare::pair_fields(pod);
    }
}

/// Sets spec, status and metadata back to what they were, but for the metadata that any status update keeps.
pub(super) fn restore(pod: &mut Value, old: View<'_>) {
    for field in ["spec", "status"] {
        put(pod, field, old.get(field));
    }
    let old_meta = old.get("metadata");
    const KEPT: &[&str] = &[
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "selfLink",
    ];
    for field in KEPT {
        put(&mut pod["metadata"], field, old_meta.get(field));
    }
}

fn validate(pod: View<'_>, old: View<'_>) -> Errors {
    let options = PodOptions::for_pod(old);
    let mut errors = validate_meta_and_spec(pod, old, &options);
    validate_annotations(pod, old, &options, &mut errors);
    if old.at(&["metadata", "annotations"]).has(MIRROR) {
        return vec![whole_pod("static pods do not support ephemeral containers")];
    }
    let path = Path::new("spec");
    let path = path.child("ephemeralContainers");
    let by_name: HashMap<&str, View<'_>> =
        pod.get("spec").list("ephemeralContainers").map(|container| (container.str("name"), container)).collect();
    for before in old.get("spec").list("ephemeralContainers") {
        let name = object::quote::quote(before.str("name"));
        match by_name.get(before.str("name")) {
            None => {
                let detail = format!("existing ephemeral containers {name} may not be removed\n");
                errors.push(Error::forbidden(&path, detail));
            }
            Some(after) if !same(before, *after) => {
                let changes = changes("EphemeralContainer", before, *after);
                let detail = format!("existing ephemeral containers {name} may not be changed\n{changes}");
                errors.push(Error::forbidden(&path, detail));
            }
            Some(_) => {}
        }
    }
    errors
}

/// What upstream writes for a field without a name.
pub(super) const NO_FIELD: Path<'static> = Path::new("[]");

/// An error about the pod as a whole, for which upstream names no field.
pub(super) fn whole_pod(detail: &str) -> Error {
    Error::forbidden(&NO_FIELD, detail)
}

//! The group `coordination.k8s.io`: leases.

use crate::columns::{name, object_age};
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{validate_object_meta, validate_object_meta_update};
use object::names::name_is_dns_subdomain;
use object::{Value, View};

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![Resource::new("coordination.k8s.io", "v1", "Lease", "leases", Scope::Namespaced, Lease)]
}

/// The rules of leases. Those of coordinated leader election are dropped, as upstream does without that feature.
struct Lease;

const COORDINATED: [&str; 2] = ["strategy", "preferredHolder"];

impl Strategy for Lease {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        drop_coordinated(object, View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let path = Path::new("metadata");
        let mut errors = validate_object_meta(object.get("metadata"), true, name_is_dns_subdomain, &path);
        errors.extend(validate_spec(object.get("spec")));
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        drop_coordinated(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let path = Path::new("metadata");
        let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path);
        errors.extend(validate_spec(object.get("spec")));
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Holder", "@spec.holderIdentity"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.get("spec").str("holderIdentity").into(), object_age(object, now)]
    }
}

fn drop_coordinated(object: &mut Value, old: View<'_>) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for field in COORDINATED.into_iter().filter(|field| !old.get("spec").has(field)) {
        spec.remove(field);
    }
}

fn validate_spec(spec: View<'_>) -> Errors {
    let path = Path::new("spec");
    let mut errors = Errors::new();
    if let Some(seconds) = spec.opt_int("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        errors.push(Error::invalid(&path.child("leaseDurationSeconds"), seconds, "must be greater than 0"));
    }
    if let Some(count) = spec.opt_int("leaseTransitions").filter(|count| *count < 0) {
        errors.push(Error::invalid(&path.child("leaseTransitions"), count, object::meta::IS_NEGATIVE));
    }
    errors
}

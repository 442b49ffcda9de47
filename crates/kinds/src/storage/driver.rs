//! CSIDriver.

use crate::change;
use crate::change::{count_generation, set_default};
use crate::checks::{meta, meta_update};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::validate_immutable_field;
use object::names::name_is_dns_subdomain;
use object::{Value, View, json};
use std::collections::HashSet;

const RECOMMENDED: &str = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";

/// The rules of CSI drivers.
pub(super) struct CsiDriver;

impl Strategy for CsiDriver {
    fn defaults(&self, object: &mut Value) {
        let spec = change::map_at(object, "spec");
        for (field, value) in [
            ("attachRequired", true.into()),
            ("podInfoOnMount", false.into()),
            ("storageCapacity", false.into()),
            ("fsGroupPolicy", json!("ReadWriteOnceWithFSType")),
            ("requiresRepublish", false.into()),
            ("seLinuxMount", false.into()),
        ] {
            set_default(spec, field, value);
        }
        if View::from(spec.get("volumeLifecycleModes")).is_empty() {
            spec.insert("volumeLifecycleModes".to_owned(), json!(["Persistent"]));
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        drop_scaling(object, View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        errors.extend(validate_spec(object.get("spec")));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warn(object).map(str::to_owned).into_iter().collect()
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        drop_scaling(object, old);
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        let (spec, old) = (object.get("spec"), old.get("spec"));
        errors.extend(validate_spec(spec));
        let path = Path::new("spec");
        for (field, shown) in [("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")]
        {
            errors.extend(validate_immutable_field(spec.get(field), old.get(field), &path.child(shown)));
        }
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let requests = |object: View<'_>| object.at(&["spec", "tokenRequests"]).to_value();
        let changed = !View::from(&requests(object)).same(View::from(&requests(old)));
        warn(object).filter(|_| changed).map(str::to_owned).into_iter().collect()
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::typed("AttachRequired", "boolean", "@spec.attachRequired"),
                Column::typed("PodInfoOnMount", "boolean", "@spec.podInfoOnMount"),
                Column::typed("StorageCapacity", "boolean", "@spec.storageCapacity"),
                Column::text("TokenRequests", "@spec.tokenRequests"),
                Column::typed("RequiresRepublish", "boolean", "@spec.requiresRepublish"),
                Column::text("Modes", "@spec.volumeLifecycleModes"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let spec = object.get("spec");
        let modes: Vec<&str> = spec.strings("volumeLifecycleModes").collect();
        let audiences: Vec<&str> = spec.list("tokenRequests").map(|request| request.str("audience")).collect();
        let tokens = if spec.has("tokenRequests") { audiences.join(",") } else { "<unset>".to_owned() };
        vec![
            name(object),
            spec.opt_bool("attachRequired").unwrap_or(true).into(),
            spec.bool("podInfoOnMount").into(),
            spec.bool("storageCapacity").into(),
            tokens.into(),
            spec.bool("requiresRepublish").into(),
            or(&modes.join(","), "<none>").into(),
            object_age(object, now),
        ]
    }
}

/// A field of a feature that is not on.
fn drop_scaling(object: &mut Value, old: View<'_>) {
    const FIELD: &str = "preventPodSchedulingIfMissing";
    if !old.get("spec").has(FIELD)
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.remove(FIELD);
    }
}

fn warn(object: View<'_>) -> Option<&'static str> {
    let spec = object.get("spec");
    let unset = !spec.get("tokenRequests").is_empty() && !spec.has("serviceAccountTokenInSecrets");
    unset.then_some(RECOMMENDED)
}

fn validate_spec(spec: View<'_>) -> Errors {
    let path = Path::new("spec");
    let mut errors = Errors::new();
    for (field, shown) in [
        ("attachRequired", "attachedRequired"),
        ("podInfoOnMount", "podInfoOnMount"),
        ("storageCapacity", "storageCapacity"),
    ] {
        if !spec.has(field) {
            errors.push(Error::required(&path.child(shown), ""));
        }
    }
    let policies = ["File", "None", "ReadWriteOnceWithFSType"];
    if let Some(policy) = spec.opt_str("fsGroupPolicy").filter(|policy| !policies.contains(policy)) {
        errors.push(Error::not_supported(&path.child("fsGroupPolicy"), policy, &policies));
    }
    errors.extend(validate_token_requests(spec, &path.child("tokenRequests")));
    let modes = ["Persistent", "Ephemeral"];
    for mode in spec.strings("volumeLifecycleModes").filter(|mode| !modes.contains(mode)) {
        errors.push(Error::not_supported(&path.child("volumeLifecycleModes"), mode, &modes));
    }
    if !spec.has("seLinuxMount") {
        errors.push(Error::required(&path.child("seLinuxMount"), ""));
    }
    let field = "nodeAllocatableUpdatePeriodSeconds";
    if let Some(period) = spec.opt_int(field).filter(|period| *period < 10) {
        errors.push(Error::invalid(&path.child(field), period, "must be greater than or equal to 10 seconds"));
    }
    let field = "serviceAccountTokenInSecrets";
    if spec.has(field) && spec.get("tokenRequests").is_empty() {
        let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.push(Error::invalid(&path.child(field), spec.bool(field), why));
    }
    errors
}

fn validate_token_requests(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    for (index, request) in spec.list("tokenRequests").enumerate() {
        let path = path.index(index);
        let audience = request.str("audience");
        if !seen.insert(audience) {
            errors.push(Error::duplicate(&path.child("audience"), audience));
            continue;
        }
        let Some(seconds) = request.opt_int("expirationSeconds") else { continue };
        let place = path.child("expirationSeconds");
        if seconds < 600 {
            errors.push(Error::invalid(&place, seconds, "may not specify a duration less than 10 minutes"));
        }
        if seconds > 1 << 32 {
            errors.push(Error::invalid(&place, seconds, "may not specify a duration larger than 2^32 seconds"));
        }
    }
    errors
}

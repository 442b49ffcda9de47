//! The group `scheduling.k8s.io`: priority classes.

use crate::change::{set_default, set_generation};
use crate::checks::{meta, meta_update};
use crate::columns::{name, object_age};
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::validate_immutable_field;
use object::names::name_is_dns_subdomain;
use object::{Value, View};

/// The highest priority that a class of the user's own may have.
const HIGHEST: i64 = 1_000_000_000;
/// The classes of the system and their priorities.
const SYSTEM: [(&str, i64); 2] = [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let group = "scheduling.k8s.io";
    vec![Resource::new(group, "v1", "PriorityClass", "priorityclasses", Scope::Cluster, PriorityClass).short(&["pc"])]
}

/// The rules of priority classes.
struct PriorityClass;

impl Strategy for PriorityClass {
    fn defaults(&self, object: &mut Value) {
        if let Some(object) = object.as_object_mut() {
            set_default(object, "preemptionPolicy", "PreemptLowerPriority");
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        errors.extend(validate_value(object));
        let path = Path::new("preemptionPolicy");
        match object.opt_str("preemptionPolicy") {
            None | Some("PreemptLowerPriority" | "Never") => {}
            Some("") => errors.push(Error::required(&path, "")),
            Some(other) => errors.push(Error::not_supported(&path, other, &["PreemptLowerPriority", "Never"])),
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        if object.int("value") != old.int("value") {
            errors.push(Error::forbidden(&Path::new("value"), "may not be changed in an update."));
        }
        let field = "preemptionPolicy";
        errors.extend(validate_immutable_field(object.get(field), old.get(field), &Path::new(field)));
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::typed("Value", "integer", "@value"),
                Column::typed("Global-Default", "boolean", "@globalDefault"),
                Column::AGE,
                Column::text("PreemptionPolicy", "@preemptionPolicy"),
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![
            name(object),
            object.int("value").into(),
            object.bool("globalDefault").into(),
            object_age(object, now),
            object.str("preemptionPolicy").into(),
        ]
    }
}

fn validate_value(object: View<'_>) -> Option<Error> {
    let (name, value) = (object.get("metadata").str("name"), object.int("value"));
    if !name.starts_with("system-") {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        return (value > HIGHEST).then(|| Error::forbidden(&Path::new("value"), why));
    }
    let why = match SYSTEM.iter().find(|(known, _)| *known == name) {
        None => format!("{name} is not a known system priority class"),
        Some((_, known)) if *known != value => format!("value of {name} PriorityClass must be {known}"),
        Some(_) if object.bool("globalDefault") => format!("globalDefault of {name} PriorityClass must be false"),
        Some(_) => return None,
    };
    let path = Path::new("metadata");
    let why = format!("priority class names with 'system-' prefix are reserved for system use only. error: {why}");
    Some(Error::forbidden(&path.child("name"), why))
}

//! The `apiextensions.k8s.io` group: definitions of custom resources.

mod conversion;
mod definition;
mod field_path;
mod formats;
mod open_api;
mod rules;
mod shown;
mod structural;

pub use conversion::has_bad_bundle;

use crate::change::set_generation;
use crate::change::{at, clear_status, count_generation, existing, keep, map_at, set_default, set_default_text};
use crate::columns::name_and_created;
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::Errors;
use object::quote::quote;
use object::{Value, View, json};

/// The finalizer that keeps a definition until its objects have gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let mut definitions = Resource::new(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        Scope::Cluster,
        Definition,
    )
    .short(&["crd", "crds"])
    .categories(&["api-extensions"])
    .subresource("status");
    definitions.type_name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition".into();
    vec![definitions]
}

struct Definition;

/// Rules of `customresourcedefinitions/status`.
struct Status;

impl Strategy for Definition {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default(spec, "conversion", json!({"strategy": "None"}));
        set_default(spec, "names", json!({}));
        let names = spec.get_mut("names").and_then(Value::as_object_mut);
        if let Some(names) = names {
            let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !kind.is_empty() {
                set_default_text(names, "singular", &kind.to_lowercase());
                set_default_text(names, "listKind", &format!("{kind}List"));
            }
        }
        if let Some(service) = existing(object, &["spec", "conversion", "webhook", "clientConfig", "service"]) {
            set_default(service, "port", 443);
        }
        if View::from(&*object).at(&["status", "storedVersions"]).is_empty() {
            store_version(object);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        let ty = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus";
        clear_status(object, ty);
        set_generation(object, 1);
        store_version(object);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        definition::validate(object)
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        formats::unknown(object).into_iter().map(warning).collect()
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        count_generation(object, old, &[&["spec"]]);
        store_version(object);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        definition::validate_update(object, old)
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let known = formats::unknown(old);
        formats::unknown(object).into_iter().filter(|format| !known.contains(format)).map(warning).collect()
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    /// A definition goes when its objects have gone; a controller sees to that.
    fn mark_deleted(&self, object: &mut Value, now: &str) -> bool {
        let finalizer = Value::from(CLEANUP);
        let metadata = map_at(object, "metadata");
        metadata.insert("deletionTimestamp".to_owned(), now.into());
        let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
        if let Some(finalizers) = finalizers.as_array_mut().filter(|list| !list.contains(&finalizer)) {
            finalizers.push(finalizer);
        }
        let status = map_at(object, "status");
        let conditions = status.get("conditions").cloned().unwrap_or_default();
        let condition = json!({
            "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        });
        status.insert("conditions".to_owned(), set_condition(conditions, condition, now));
        true
    }

    fn columns(&self) -> &'static [Column] {
        Column::NAME_AND_CREATED
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        name_and_created(object)
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        definition::validate_status_update(object, old)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// Conditions of a definition with one set: in its place, or at the end. Its time changes with its status alone.
pub fn set_condition(conditions: Value, mut condition: Value, now: &str) -> Value {
    let mut conditions = if let Value::Array(conditions) = conditions { conditions } else { Vec::new() };
    condition["lastTransitionTime"] = now.into();
    match conditions.iter_mut().find(|known| known["type"] == condition["type"]) {
        Some(known) => {
            if known["status"] == condition["status"] && known["lastTransitionTime"].is_string() {
                condition["lastTransitionTime"] = known["lastTransitionTime"].take();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
    conditions.into()
}

fn warning(format: &str) -> String {
    format!("unrecognized format {}", quote(format))
}

/// Notes in the status that objects are kept in the storage version.
fn store_version(object: &mut Value) {
    let versions = View::from(&*object).at(&["spec", "versions"]);
    let Some(storage) = versions.items().find(|version| version.bool("storage")) else { return };
    let name = Value::from(storage.str("name"));
    let status = map_at(object, "status");
    set_default(status, "storedVersions", json!([]));
    if let Some(stored) = at(object, &["status", "storedVersions"]).and_then(Value::as_array_mut)
        && !stored.contains(&name)
    {
        stored.push(name);
    }
}

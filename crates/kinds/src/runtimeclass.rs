//! The group `node.k8s.io`: runtime classes.

use crate::checks::each;
use crate::columns::{name, object_age};
use crate::core::pod::options::PodOptions;
use crate::core::pod::resources::validate_overhead;
use crate::core::pod::{dump, tolerations, warnings};
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{validate_immutable_field, validate_labels, validate_object_meta, validate_object_meta_update};
use object::names::{name_is_dns_label, name_is_dns_subdomain};
use object::{Value, View};
use std::collections::HashSet;

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![Resource::new("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", Scope::Cluster, RuntimeClass)]
}

/// The rules of runtime classes.
struct RuntimeClass;

impl Strategy for RuntimeClass {
    fn validate(&self, object: View<'_>) -> Errors {
        let path = Path::new("metadata");
        let mut errors = validate_object_meta(object.get("metadata"), false, name_is_dns_subdomain, &path);
        let path = Path::new("handler");
        match object.str("handler") {
            "" => errors.push(Error::required(&path, "")),
            handler => errors.extend(each(name_is_dns_label(handler, false), handler, &path)),
        }
        let options = PodOptions::for_template(View::ABSENT);
        let overhead = object.at(&["overhead", "podFixed"]);
        validate_overhead(overhead, &Path::new("overhead"), &options, &mut errors);
        let scheduling = object.get("scheduling");
        let path = Path::new("scheduling");
        errors.extend(validate_labels(scheduling.get("nodeSelector"), &path.child("nodeSelector")));
        validate_tolerations(scheduling.get("tolerations"), &options, &path.child("tolerations"), &mut errors);
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        let path = Path::new("metadata");
        errors.extend(validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path));
        errors.extend(validate_immutable_field(object.get("handler"), old.get("handler"), &Path::new("handler")));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings_of(object)
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings_of(object)
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Handler", ""), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.str("handler").into(), object_age(object, now)]
    }
}

/// As for pods; none may stand twice.
fn validate_tolerations(list: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    tolerations::validate(list, options, path, errors);
    let mut seen = HashSet::new();
    for (index, toleration) in list.items().enumerate() {
        let key = ["key", "operator", "value", "effect"].map(|field| toleration.str(field));
        if !seen.insert(key) {
            errors.push(Error::duplicate_shown(&path.index(index), dump::compact("Toleration", toleration)));
        }
    }
}

fn warnings_of(object: View<'_>) -> Vec<String> {
    let labels = object.at(&["scheduling", "nodeSelector"]).entries();
    let messages = labels.filter_map(|(key, _)| warnings::deprecated_node_label(key));
    messages.map(|message| format!("scheduling.nodeSelector: {message}")).collect()
}

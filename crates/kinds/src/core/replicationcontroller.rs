//! Replication controllers.

use crate::amounts::validate_not_negative;
use crate::apps::validate_replica_status;
use crate::change::{at, clear_status, count_generation, keep, map_at, set_default, set_generation};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::names::{Messages, is_dns1123_subdomain_content};
use object::selector::labels::Selector;
use object::{Value, View};

/// Rules of replication controllers.
pub(super) struct ReplicationController;

/// Rules of `replicationcontrollers/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "template"];

impl Strategy for ReplicationController {
    fn defaults(&self, object: &mut Value) {
        let labels = View::from(&*object).at(TEMPLATE).at(&["metadata", "labels"]);
        let labels = (!labels.is_empty()).then(|| labels.to_value());
        let empty = |map: &object::Map, name: &str| View::from(map.get(name)).is_empty();
        let metadata = map_at(object, "metadata");
        if let Some(labels) = labels.as_ref().filter(|_| empty(metadata, "labels")) {
            metadata.insert("labels".to_owned(), labels.clone());
        }
        let spec = map_at(object, "spec");
        if let Some(labels) = labels.filter(|_| empty(spec, "selector")) {
            spec.insert("selector".to_owned(), labels);
        }
        set_default(spec, "replicas", 1);
        if let Some(template) = spec.get_mut("template") {
            template::default_template(template);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.core.v1.ReplicationControllerStatus");
        set_generation(object, 1);
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_rule);
        validate_spec(object.get("spec"), View::ABSENT, &mut errors);
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        template::warn_about_name(object, &mut warnings);
        let spec = Path::new("spec");
        warnings.extend(template::template_warnings(object.at(TEMPLATE), &spec.child("template")));
        warnings
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, old.at(TEMPLATE));
        }
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        validate_spec(object.get("spec"), old.get("spec"), &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        if object.get("metadata").int("generation") == old.get("metadata").int("generation") {
            return Vec::new();
        }
        // Upstream warns of the old template here, compared with the new one.
        template::template_warnings(old.at(TEMPLATE), &Path::new("spec").child("template"))
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn orphans_by_default(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn selectable_field(&self, object: View<'_>, _name: &str) -> String {
        object.get("status").int("replicas").to_string()
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        &[
            Column::NAME,
            Column { name: "Desired", kind: "integer", format: "", description: "@spec.replicas", priority: 0 },
            Column { name: "Current", kind: "integer", format: "", description: "@status.replicas", priority: 0 },
            Column { name: "Ready", kind: "integer", format: "", description: "@status.readyReplicas", priority: 0 },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
            Column { name: "Selector", kind: "string", format: "", description: "@spec.selector", priority: 1 },
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let [names, images] = template::container_cells(spec.get("template"));
        vec![
            meta.str("name").into(),
            spec.int("replicas").into(),
            status.int("replicas").into(),
            status.int("readyReplicas").into(),
            age(meta.str("creationTimestamp"), now).into(),
            names,
            images,
            template::show_labels(spec.get("selector")).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        validate_replica_status(object.get("status"), &mut errors);
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// Names are validated by declaration, which counts bytes, once they are made; what they are made of is not looked at.
fn name_rule(name: &str, prefix: bool) -> Messages {
    if prefix { Messages::new() } else { is_dns1123_subdomain_content(name) }
}

fn validate_spec(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_not_negative(spec, &["minReadySeconds"], &path, errors);
    let selector = Selector::from_map(spec.get("selector"));
    if selector.is_everything() {
        errors.push(Error::required(&path.child("selector"), ""));
    }
    if spec.has("replicas") {
        validate_not_negative(spec, &["replicas"], &path, errors);
    } else {
        errors.push(Error::required(&path.child("replicas"), ""));
    }
    let (pods, place) = (spec.get("template"), path.child("template"));
    if !pods.exists() {
        errors.push(Error::required(&place, ""));
        return;
    }
    let (before, kind) = (old.get("template"), "ReplicationController");
    errors.extend(template::validate_running(pods, before, Some(&selector), kind, &place));
}

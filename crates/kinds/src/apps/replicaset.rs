//! Replica sets.

use super::deployment::validate_immutable_selector;
use crate::amounts::{validate_at_most, validate_not_negative};
use crate::change::{at, clear_status, count_generation, keep, map_at, set_default, set_generation};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::names::name_is_dns_subdomain;
use object::selector::labels::Selector;
use object::{Value, View};

/// Rules of replica sets.
pub(super) struct ReplicaSet;

/// Rules of `replicasets/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "template"];

impl Strategy for ReplicaSet {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default(spec, "replicas", 1);
        if let Some(template) = spec.get_mut("template") {
            template::default_template(template);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.apps.v1.ReplicaSetStatus");
        set_generation(object, 1);
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
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
        let (spec, before) = (object.get("spec"), old.get("spec"));
        validate_spec(spec, before, &mut errors);
        errors.extend(validate_immutable_selector(spec, before, &Path::new("spec")));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        if object.get("metadata").int("generation") == old.get("metadata").int("generation") {
            return Vec::new();
        }
        template::template_warnings(object.at(TEMPLATE), &Path::new("spec").child("template"))
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
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
            template::show_label_selector(spec.get("selector")).into(),
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

/// Validates the counts of a replica set or replication controller.
pub(crate) fn validate_replica_status(status: View<'_>, errors: &mut Errors) {
    let path = Path::new("status");
    let counts = [
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ];
    validate_not_negative(status, &counts, &path, errors);
    let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    validate_at_most(status, &parts, ("replicas", "cannot be greater than status.replicas"), &path, errors);
    let ready = ("readyReplicas", "cannot be greater than readyReplicas");
    validate_at_most(status, &["availableReplicas"], ready, &path, errors);
}

/// Validates selector and template of a deployment or replica set.
pub(super) fn validate_selector_and_template(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (selector, place) = (spec.get("selector"), path.child("selector"));
    if selector.exists() {
        errors.extend(validate_label_selector(selector, SelectorOptions::default(), &place));
        if selector.get("matchLabels").is_empty() && selector.get("matchExpressions").is_empty() {
            let shown = template::show_selector(selector);
            errors.push(Error::invalid_shown(&place, shown, "empty selector is invalid for deployment"));
        }
    } else {
        errors.push(Error::required(&place, ""));
    }
    let Ok(read) = Selector::from_object(selector) else {
        errors.push(Error::invalid_shown(&place, template::show_selector(selector), "invalid label selector"));
        return;
    };
    let (pods, place) = (spec.get("template"), path.child("template"));
    errors.extend(template::validate_running(pods, old.get("template"), Some(&read), "ReplicaSet", &place));
}

fn validate_spec(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_not_negative(spec, &["replicas", "minReadySeconds"], &path, errors);
    validate_selector_and_template(spec, old, &path, errors);
}

//! Deployments.

use super::replicaset::validate_selector_and_template;
use crate::amounts::{
    int_or_percent, validate_at_most, validate_at_most_100_percent, validate_collisions, validate_int_or_percent,
    validate_not_negative,
};
use crate::change::{
    clear_status, count_generation, existing, keep, map_at, set_default, set_default_text, set_generation,
};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::meta::validate_immutable_field;
use object::names::name_is_dns_subdomain;
use object::quote::quote;
use object::selector::labels::Selector;
use object::{Value, View, json};

/// Rules of deployments.
pub(super) struct Deployment;

/// Rules of `deployments/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "template"];

impl Strategy for Deployment {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default(spec, "replicas", 1);
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "progressDeadlineSeconds", 600);
        set_default(spec, "strategy", json!({}));
        if let Some(strategy) = spec.get_mut("strategy").and_then(Value::as_object_mut) {
            set_default_text(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                set_default(strategy, "rollingUpdate", json!({}));
                if let Some(update) = strategy["rollingUpdate"].as_object_mut() {
                    set_default(update, "maxUnavailable", "25%");
                    set_default(update, "maxSurge", "25%");
                }
            }
        }
        if let Some(template) = spec.get_mut("template") {
            template::default_template(template);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.apps.v1.DeploymentStatus");
        set_generation(object, 1);
        if let Some(template) = crate::change::at(object, TEMPLATE) {
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
        if let Some(template) = crate::change::at(object, TEMPLATE) {
            template::drop_disabled(template, old.at(TEMPLATE));
        }
        count_generation(object, old, &[&["spec"], &["metadata", "annotations"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (spec, before) = (object.get("spec"), old.get("spec"));
        validate_spec(spec, before, &mut errors);
        let path = Path::new("spec");
        errors.extend(validate_immutable_selector(spec, before, &path));
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
        const READY: &str = "Number of the pod with ready state";
        &[
            Column::NAME,
            Column { name: "Ready", kind: "string", format: "", description: READY, priority: 0 },
            Column {
                name: "Up-to-date",
                kind: "string",
                format: "",
                description: "@status.updatedReplicas",
                priority: 0,
            },
            Column {
                name: "Available",
                kind: "string",
                format: "",
                description: "@status.availableReplicas",
                priority: 0,
            },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
            Column { name: "Selector", kind: "string", format: "", description: "@spec.selector", priority: 1 },
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let [names, images] = template::container_cells(spec.get("template"));
        let selector = Selector::from_object(spec.get("selector"));
        vec![
            meta.str("name").into(),
            format!("{}/{}", status.int("readyReplicas"), spec.int("replicas")).into(),
            status.int("updatedReplicas").into(),
            status.int("availableReplicas").into(),
            age(meta.str("creationTimestamp"), now).into(),
            names,
            images,
            selector.map_or_else(|_| "<invalid>".to_owned(), |selector| selector.to_string()).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
        if let Some(metadata) = existing(object, &["metadata"]) {
            match old.get("metadata").get("labels").value() {
                Some(labels) => drop(metadata.insert("labels".to_owned(), labels.clone())),
                None => drop(metadata.remove("labels")),
            }
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (status, path) = (object.get("status"), Path::new("status"));
        let counts = [
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ];
        validate_not_negative(status, &counts, &path, &mut errors);
        let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
        validate_at_most(status, &parts, ("replicas", "cannot be greater than status.replicas"), &path, &mut errors);
        let ready = ("readyReplicas", "cannot be greater than readyReplicas");
        validate_at_most(status, &["availableReplicas"], ready, &path, &mut errors);
        validate_collisions(status, old.get("status"), &path, &mut errors);
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["metadata", "labels"]]
    }
}

/// `spec.selector` against the old one; a changed one is shown in Go's order of fields.
pub(super) fn validate_immutable_selector(spec: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let (new, old) = (spec.get("selector"), old.get("selector"));
    if validate_immutable_field(new, old, path).is_empty() {
        return Errors::new();
    }
    let shown = template::show_selector(new);
    vec![Error::invalid_shown(&path.child("selector"), shown, object::meta::FIELD_IMMUTABLE)]
}

fn validate_spec(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_not_negative(spec, &["replicas"], &path, errors);
    validate_selector_and_template(spec, old, &path, errors);
    validate_strategy(spec.get("strategy"), &path.child("strategy"), errors);
    validate_not_negative(spec, &["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], &path, errors);
    if let Some(deadline) = spec.opt_int("progressDeadlineSeconds")
        && deadline <= spec.int("minReadySeconds")
    {
        let detail = "must be greater than minReadySeconds";
        errors.push(Error::invalid(&path.child("progressDeadlineSeconds"), deadline, detail));
    }
}

fn validate_strategy(strategy: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (update, place) = (strategy.get("rollingUpdate"), path.child("rollingUpdate"));
    match strategy.str("type") {
        "Recreate" if update.exists() => {
            errors.push(Error::forbidden(&place, "may not be specified when strategy `type` is 'Recreate'"));
        }
        "Recreate" => {}
        "RollingUpdate" if !update.exists() => {
            errors.push(Error::required(&place, "this should be defaulted and never be nil"));
        }
        "RollingUpdate" => validate_rolling_update(update, &place, errors),
        _ => {
            let shown =
                format!("{{\"Type\":{},\"RollingUpdate\":{}}}", quote(strategy.str("type")), show_update(update));
            errors.push(Error::not_supported_shown(path, shown, &["Recreate", "RollingUpdate"]));
        }
    }
}

fn show_update(update: View<'_>) -> String {
    if !update.exists() {
        return "null".to_owned();
    }
    let amount = |name: &str| update.get(name).value().map_or_else(|| "0".to_owned(), Value::to_string);
    format!("{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}", amount("maxUnavailable"), amount("maxSurge"))
}

fn validate_rolling_update(update: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (unavailable, surge) = (update.get("maxUnavailable"), update.get("maxSurge"));
    let place = path.child("maxUnavailable");
    validate_int_or_percent(unavailable, &place, errors);
    validate_int_or_percent(surge, &path.child("maxSurge"), errors);
    if int_or_percent(unavailable) == 0 && int_or_percent(surge) == 0 {
        errors.push(Error::invalid(&place, unavailable.to_value(), "may not be 0 when `maxSurge` is 0"));
    }
    validate_at_most_100_percent(unavailable, &place, errors);
}

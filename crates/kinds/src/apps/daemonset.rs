//! Daemon sets.
//!
//! The generation of the template is kept in an annotation, as upstream's conversion from its internal form has it.

use crate::amounts::{
    int_or_percent, validate_at_most_100_percent, validate_collisions, validate_int_or_percent, validate_not_negative,
};
use crate::change::{at, clear_status, keep, map_at, set_default, set_default_text, set_generation};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, has_invalid_label_value, validate_label_selector};
use object::names::name_is_dns_subdomain;
use object::quote::quote;
use object::selector::labels::Selector;
use object::{Value, View, json};

/// Rules of daemon sets.
pub(super) struct DaemonSet;

/// Rules of `daemonsets/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "template"];
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

impl Strategy for DaemonSet {
    fn defaults(&self, object: &mut Value) {
        let generation = template_generation(View::from(&*object));
        set_template_generation(object, generation);
        let spec = map_at(object, "spec");
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "updateStrategy", json!({}));
        if let Some(strategy) = spec.get_mut("updateStrategy").and_then(Value::as_object_mut) {
            set_default_text(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                set_default(strategy, "rollingUpdate", json!({}));
                if let Some(update) = strategy["rollingUpdate"].as_object_mut() {
                    set_default(update, "maxUnavailable", 1);
                    set_default(update, "maxSurge", 0);
                }
            }
        }
        if let Some(template) = spec.get_mut("template") {
            template::default_template(template);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.apps.v1.DaemonSetStatus");
        set_generation(object, 1);
        let generation = template_generation(View::from(&*object)).max(1);
        set_template_generation(object, generation);
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_subdomain);
        validate_spec(object, View::ABSENT, &mut errors);
        errors
    }

    fn annotation_for_field(&self) -> Option<&'static str> {
        Some(TEMPLATE_GENERATION)
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        template::template_warnings(object.at(TEMPLATE), &Path::new("spec").child("template"))
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, old.at(TEMPLATE));
        }
        keep(object, old, "status");
        let new = View::from(&*object);
        let template_changed = !new.at(TEMPLATE).same(old.at(TEMPLATE));
        let spec_changed = !new.get("spec").same(old.get("spec"));
        set_template_generation(object, template_generation(old) + i64::from(template_changed));
        if spec_changed {
            set_generation(object, old.get("metadata").int("generation") + 1);
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        errors.extend(super::deployment::validate_immutable_selector(spec, old.get("spec"), &path));
        validate_spec(object, old, &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        if template_generation(object) == template_generation(old) {
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
        const fn count(name: &'static str, description: &'static str) -> Column {
            Column { name, kind: "integer", format: "", description, priority: 0 }
        }
        const NODES: &str = "@spec.template.spec.nodeSelector";
        const COLUMNS: &[Column] = &[
            Column::NAME,
            count("Desired", "@status.desiredNumberScheduled"),
            count("Current", "@status.currentNumberScheduled"),
            count("Ready", "@status.numberReady"),
            count("Up-to-date", "@status.updatedNumberScheduled"),
            count("Available", "@status.numberAvailable"),
            Column { name: "Node Selector", kind: "string", format: "", description: NODES, priority: 0 },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
            Column { name: "Selector", kind: "string", format: "", description: "@spec.selector", priority: 1 },
        ];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let [names, images] = template::container_cells(spec.get("template"));
        vec![
            meta.str("name").into(),
            status.int("desiredNumberScheduled").into(),
            status.int("currentNumberScheduled").into(),
            status.int("numberReady").into(),
            status.int("updatedNumberScheduled").into(),
            status.int("numberAvailable").into(),
            template::show_labels(spec.at(&["template", "spec", "nodeSelector"])).into(),
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
        set_template_generation(object, template_generation(old));
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (status, path) = (object.get("status"), Path::new("status"));
        let counts = [
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ];
        validate_not_negative(status, &counts, &path, &mut errors);
        validate_collisions(status, old.get("status"), &path, &mut errors);
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn template_generation(object: View<'_>) -> i64 {
    object.at(&["metadata", "annotations"]).str(TEMPLATE_GENERATION).parse().unwrap_or_default()
}

fn set_template_generation(object: &mut Value, generation: i64) {
    let metadata = map_at(object, "metadata");
    set_default(metadata, "annotations", json!({}));
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), generation.to_string().into());
    }
}

fn validate_spec(object: View<'_>, old: View<'_>, errors: &mut Errors) {
    let (spec, before, path) = (object.get("spec"), old.get("spec"), Path::new("spec"));
    let (selector, place) = (spec.get("selector"), path.child("selector"));
    let options = SelectorOptions {
        allow_invalid_values: has_invalid_label_value(before.get("selector")),
        ..SelectorOptions::default()
    };
    errors.extend(validate_label_selector(selector, options, &place));
    if selector.exists() && selector.get("matchLabels").is_empty() && selector.get("matchExpressions").is_empty() {
        let shown = template::show_selector(selector);
        errors.push(Error::invalid_shown(&place, shown, "empty selector is invalid for daemonset"));
    }
    let (pods, before) = (spec.get("template"), before.get("template"));
    let read = Selector::from_object(selector).ok();
    errors.extend(template::validate_running(pods, before, read.as_ref(), "DaemonSet", &path.child("template")));
    validate_not_negative(spec, &["minReadySeconds"], &path, errors);
    let generation = template_generation(object);
    errors.extend(object::meta::validate_nonnegative(generation, &path.child("templateGeneration")));
    validate_strategy(spec.get("updateStrategy"), &path.child("updateStrategy"), errors);
    validate_not_negative(spec, &["revisionHistoryLimit"], &path, errors);
}

fn validate_strategy(strategy: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (update, place) = (strategy.get("rollingUpdate"), path.child("rollingUpdate"));
    match strategy.str("type") {
        "OnDelete" => {}
        "RollingUpdate" if !update.exists() => errors.push(Error::required(&place, "")),
        "RollingUpdate" => validate_rolling_update(update, &place, errors),
        other => {
            let amount = |name: &str| update.get(name).value().map_or_else(|| "0".to_owned(), Value::to_string);
            let update = match update.exists() {
                true => {
                    format!("{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}", amount("maxUnavailable"), amount("maxSurge"))
                }
                false => "null".to_owned(),
            };
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":{update}}}", quote(other));
            errors.push(Error::not_supported_shown(path, shown, &["RollingUpdate", "OnDelete"]));
        }
    }
}

fn validate_rolling_update(update: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (unavailable, surge) = (update.get("maxUnavailable"), update.get("maxSurge"));
    let (unavailable_path, surge_path) = (path.child("maxUnavailable"), path.child("maxSurge"));
    validate_int_or_percent(unavailable, &unavailable_path, errors);
    validate_int_or_percent(surge, &surge_path, errors);
    validate_at_most_100_percent(unavailable, &unavailable_path, errors);
    validate_at_most_100_percent(surge, &surge_path, errors);
    match (int_or_percent(unavailable) != 0, int_or_percent(surge) != 0) {
        (true, true) => {
            let detail = "may not be set when maxUnavailable is non-zero";
            errors.push(Error::invalid(&surge_path, surge.to_value(), detail));
        }
        (false, false) => errors.push(Error::required(&unavailable_path, "cannot be 0 when maxSurge is 0")),
        _ => {}
    }
}

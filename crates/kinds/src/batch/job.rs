//! Jobs.

mod labels;
mod policy;
mod spec;
mod status;
mod update;

pub(super) use spec::validate_common_spec;

use crate::change::{
    at, clear_status, count_generation, existing, keep, map_at, set_default, set_default_text, set_generation,
};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Errors, Path};
use object::{Value, View};

/// Rules of jobs.
pub(super) struct Job;

const TEMPLATE: &[&str] = &["spec", "template"];

impl Strategy for Job {
    fn defaults(&self, object: &mut Value) {
        labels::copy_from_template(object);
        let spec = map_at(object, "spec");
        let set = |name: &str| spec.get(name).is_some_and(|value| !value.is_null());
        if !set("completions") && !set("parallelism") {
            set_default(spec, "completions", 1);
        }
        set_default(spec, "parallelism", 1);
        let per_index = spec.get("backoffLimitPerIndex").is_some_and(|value| !value.is_null());
        set_default(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
        set_default(spec, "completionMode", "NonIndexed");
        set_default(spec, "suspend", false);
        let failure_policy = spec.get("podFailurePolicy").is_some_and(|value| !value.is_null());
        set_default(spec, "podReplacementPolicy", if failure_policy { "Failed" } else { "TerminatingOrFailed" });
        set_default(spec, "manualSelector", false);
        default_nested(spec);
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        labels::generate_selector(object);
        clear_status(object, "io.k8s.api.batch.v1.JobStatus");
        set_generation(object, 1);
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, View::ABSENT);
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        spec::validate_job(object, View::ABSENT)
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        template::warn_about_name(object, &mut warnings);
        spec_warnings(object.get("spec"), &Path::new("spec"), &mut warnings);
        warnings
    }

    /// A stored job is defaulted once more when it is read, which gives it the labels made for its pods.
    fn canonicalize(&self, object: &mut Value) {
        labels::copy_from_template(object);
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        if let Some(template) = at(object, TEMPLATE) {
            template::drop_disabled(template, old.at(TEMPLATE));
        }
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = spec::validate_job(object, old);
        errors.extend(checks::meta_update(object, old));
        spec::validate_spec(object, old, &mut errors);
        update::validate(object.get("spec"), old, &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        if object.get("metadata").int("generation") != old.get("metadata").int("generation") {
            spec_warnings(object.get("spec"), &Path::new("spec"), &mut warnings);
        }
        warnings
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&status::Status)
    }

    fn orphans_by_default(&self) -> bool {
        true
    }

    fn delete_warning(&self) -> Option<&'static str> {
        Some(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them \
             or set propagationPolicy=Orphan to suppress this warning",
        )
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.successful"]
    }

    fn selectable_field(&self, object: View<'_>, _name: &str) -> String {
        object.get("status").int("succeeded").to_string()
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label {} not supported for Job", object::quote::quote(name))
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const STATUS: &str = "Status of the job.";
        const DURATION: &str = "Time required to complete the job.";
        &[
            Column::NAME,
            Column { name: "Status", kind: "string", format: "", description: STATUS, priority: 0 },
            Column { name: "Completions", kind: "string", format: "", description: "@status.succeeded", priority: 0 },
            Column { name: "Duration", kind: "string", format: "", description: DURATION, priority: 0 },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
            Column { name: "Selector", kind: "string", format: "", description: "@spec.selector", priority: 1 },
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        let [names, images] = template::container_cells(spec.get("template"));
        vec![
            meta.str("name").into(),
            status::shown(object).into(),
            completions(object).into(),
            status::duration(object.get("status"), now).into(),
            age(meta.str("creationTimestamp"), now).into(),
            names,
            images,
            template::show_label_selector(spec.get("selector")).into(),
        ]
    }
}

/// Fills the defaults that a job has inside, wherever its spec stands.
pub(super) fn default_nested(spec: &mut object::Map) {
    if let Some(template) = spec.get_mut("template") {
        template::default_template(template);
    }
    let rules = spec.get_mut("podFailurePolicy").and_then(|policy| policy.get_mut("rules"));
    for rule in rules.and_then(Value::as_array_mut).into_iter().flatten() {
        for pattern in rule.get_mut("onPodConditions").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(pattern) = existing(pattern, &[]) {
                set_default_text(pattern, "status", "True");
            }
        }
    }
}

/// Warnings about a job's spec at `path`.
pub(super) fn spec_warnings(spec: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let indexed = spec.str("completionMode") == "Indexed";
    if indexed && spec.int("completions") > 100_000 && spec.int("parallelism") > 10_000 {
        warnings.push(format!(
            "{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
             Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ));
    }
    warnings.extend(template::template_warnings(spec.get("template"), &path.child("template")));
}

fn completions(object: View<'_>) -> String {
    let (spec, succeeded) = (object.get("spec"), object.get("status").int("succeeded"));
    match (spec.opt_int("completions"), spec.int("parallelism")) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

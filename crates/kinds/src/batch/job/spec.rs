//! Validation of a job's spec.

use super::{labels, policy};
use crate::amounts::validate_not_negative;
use crate::checks;
use crate::template;
use object::View;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, has_invalid_label_value, validate_label_selector};
use object::names::{is_dns1123_label, is_domain_prefixed_path, name_is_dns_subdomain};
use object::quote::quote;
use object::selector::labels::Selector;

const MAX_INDEXED_PARALLELISM: i64 = 100_000;
const MANY_COMPLETIONS: i64 = 100_000;
const MANY_COMPLETIONS_LIMIT: i64 = 10_000;
const MAX_MANAGED_BY: i64 = 63;

/// Validates a job; `old` is absent for a new one.
pub(super) fn validate_job(object: View<'_>, old: View<'_>) -> Errors {
    let meta = object.get("metadata");
    let mut errors = checks::meta(object, true, name_is_dns_subdomain);
    labels::validate_generated(object, old, &mut errors);
    validate_spec(object, old, &mut errors);
    let spec = object.get("spec");
    if let Some(completions) = spec.opt_int("completions").filter(|count| *count > 0)
        && spec.str("completionMode") == "Indexed"
    {
        // The name of the last pod.
        let host = format!("{}-{}", meta.str("name"), completions - 1);
        if !is_dns1123_label(&host).is_empty() {
            let detail = format!("will not able to create pod with invalid DNS label: {host}");
            errors.push(Error::invalid(&Path::new("metadata").child("name"), meta.str("name"), detail));
        }
    }
    errors
}

/// Validates `spec` of a job.
pub(super) fn validate_spec(object: View<'_>, old: View<'_>, errors: &mut Errors) {
    let (spec, before, path) = (object.get("spec"), old.get("spec"), Path::new("spec"));
    validate_common_spec(spec, before, &path, errors);
    let (selector, place) = (spec.get("selector"), path.child("selector"));
    if selector.exists() {
        let options = SelectorOptions {
            allow_invalid_values: has_invalid_label_value(before.get("selector")),
            ..SelectorOptions::default()
        };
        errors.extend(validate_label_selector(selector, options, &place));
    } else {
        errors.push(Error::required(&place, ""));
    }
    if let Ok(selector) = Selector::from_object(selector) {
        template::validate_labels(spec.get("template"), &selector, &path.child("template"), errors);
    }
}

/// Validates what jobs and the templates of cron jobs share.
pub(in crate::batch) fn validate_common_spec(spec: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    validate_not_negative(spec, &counts, path, errors);
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        errors.push(Error::required(&path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
    }
    if let Some(manager) = spec.opt_str("managedBy") {
        let place = path.child("managedBy");
        errors.extend(is_domain_prefixed_path(&place, manager));
        if manager.len() > MAX_MANAGED_BY as usize {
            errors.push(Error::too_long(&place, MAX_MANAGED_BY));
        }
    }
    validate_completion_mode(spec, path, errors);
    if spec.has("podFailurePolicy") {
        policy::validate_failure(spec, &path.child("podFailurePolicy"), errors);
    }
    if spec.has("successPolicy") {
        policy::validate_success(spec, &path.child("successPolicy"), errors);
    }
    policy::validate_replacement(spec, &path.child("podReplacementPolicy"), errors);
    let place = path.child("template");
    errors.extend(template::validate_template(spec.get("template"), old.get("template"), &place));
    validate_restart_policy(spec, &place, errors);
}

fn validate_completion_mode(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match spec.opt_str("completionMode") {
        Some("Indexed") => validate_indexed(spec, path, errors),
        Some("NonIndexed") | None => {
            for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let Some(value) = spec.opt_int(name) {
                    errors.push(Error::invalid(&path.child(name), value, "requires indexed completion mode"));
                }
            }
        }
        Some(other) => {
            errors.push(Error::not_supported(&path.child("completionMode"), other, &["NonIndexed", "Indexed"]));
        }
    }
}

fn validate_indexed(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (completions, parallelism) = (spec.opt_int("completions"), spec.opt_int("parallelism"));
    let failed = spec.opt_int("maxFailedIndexes");
    let (parallelism_path, failed_path) = (path.child("parallelism"), path.child("maxFailedIndexes"));
    if completions.is_none() {
        errors.push(Error::required(&path.child("completions"), "when completion mode is Indexed"));
    }
    if let Some(count) = parallelism.filter(|count| *count > MAX_INDEXED_PARALLELISM) {
        let detail = "must be less than or equal to 100000 when completion mode is Indexed";
        errors.push(Error::invalid(&parallelism_path, count, detail));
    }
    if let (Some(completions), Some(failed)) = (completions, failed)
        && failed > completions
    {
        errors.push(Error::invalid(&failed_path, failed, "must be less than or equal to completions"));
    }
    if let Some(failed) = failed.filter(|count| *count > MAX_INDEXED_PARALLELISM) {
        errors.push(Error::invalid(&failed_path, failed, "must be less than or equal to 100000"));
    }
    if completions.unwrap_or_default() <= MANY_COMPLETIONS || !spec.has("backoffLimitPerIndex") {
        return;
    }
    let detail = "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit \
                  per index";
    if failed.is_none() {
        errors.push(Error::required(&failed_path, "must be specified when completions is above 100000"));
    }
    if let Some(count) = parallelism.filter(|count| *count > MANY_COMPLETIONS_LIMIT) {
        errors.push(Error::invalid(&parallelism_path, count, detail));
    }
    if let Some(failed) = failed.filter(|count| *count > MANY_COMPLETIONS_LIMIT) {
        errors.push(Error::invalid(&failed_path, failed, detail));
    }
}

fn validate_restart_policy(spec: View<'_>, template: &Path<'_>, errors: &mut Errors) {
    let path = template.child("spec");
    let path = path.child("restartPolicy");
    match spec.at(&["template", "spec"]).str("restartPolicy") {
        "Always" | "" => errors.push(Error::required(&path, "valid values: \"OnFailure\", \"Never\"")),
        "Never" => {}
        policy @ "OnFailure" => {
            if spec.has("podFailurePolicy") {
                let detail = format!("only {} is supported when podFailurePolicy is specified", quote("Never"));
                errors.push(Error::invalid(&path, policy, detail));
            }
        }
        other => errors.push(Error::not_supported(&path, other, &["OnFailure", "Never"])),
    }
}

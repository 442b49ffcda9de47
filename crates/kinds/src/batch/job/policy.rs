//! Validation of what a job does about pods that end.

use crate::amounts::validate_not_negative;
use crate::batch::indexes;
use object::field::{Error, Errors, Path};
use object::names::is_qualified_name;
use object::{Value, View};
use std::collections::BTreeSet;

const MAX_RULES: usize = 20;
const MAX_EXIT_CODES: usize = 255;
const MAX_INDEXES: usize = 64 * 1024;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];

/// Validates `podFailurePolicy`.
pub(super) fn validate_failure(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (rules, list) = (spec.get("podFailurePolicy").get("rules"), path.child("rules"));
    if rules.len() > MAX_RULES {
        errors.push(Error::too_many(&list, rules.len() as i64, MAX_RULES as i64));
    }
    let pod = spec.at(&["template", "spec"]);
    let names: BTreeSet<&str> =
        pod.list("containers").chain(pod.list("initContainers")).map(|container| container.str("name")).collect();
    for (index, rule) in rules.items().enumerate() {
        validate_rule(spec, rule, &names, &list.index(index), errors);
    }
}

fn validate_rule(spec: View<'_>, rule: View<'_>, names: &BTreeSet<&str>, path: &Path<'_>, errors: &mut Errors) {
    let place = path.child("action");
    match rule.str("action") {
        "" => errors.push(Error::required(&place, valid(&ACTIONS))),
        "FailIndex" => {
            if !spec.has("backoffLimitPerIndex") {
                let detail = "requires the backoffLimitPerIndex to be set";
                errors.push(Error::invalid(&place, "FailIndex", detail));
            }
        }
        action if ACTIONS.contains(&action) => {}
        other => errors.push(Error::not_supported(&place, other, &ACTIONS)),
    }
    let (codes, conditions) = (rule.get("onExitCodes"), rule.get("onPodConditions"));
    if codes.exists() {
        validate_exit_codes(codes, names, &path.child("onExitCodes"), errors);
    }
    if !conditions.is_empty() {
        validate_conditions(conditions, &path.child("onPodConditions"), errors);
    }
    match (codes.exists(), !conditions.is_empty()) {
        (true, true) => {
            errors
                .push(Error::invalid_hidden(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
        }
        (false, false) => {
            errors.push(Error::invalid_hidden(path, "specifying one of OnExitCodes and OnPodConditions is required"));
        }
        _ => {}
    }
}

/// `valid values: ["a" "b"]`.
fn valid(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| object::quote::quote(value)).collect();
    format!("valid values: [{}]", quoted.join(" "))
}

fn validate_conditions(conditions: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
    if conditions.len() > MAX_RULES {
        errors.push(Error::too_many(list, conditions.len() as i64, MAX_RULES as i64));
    }
    for (index, pattern) in conditions.items().enumerate() {
        let path = list.index(index);
        let kind = pattern.str("type");
        let messages = is_qualified_name(kind);
        errors.extend(messages.into_iter().map(|message| Error::invalid(&path.child("type"), kind, message)));
        match pattern.str("status") {
            "" => errors.push(Error::required(&path.child("status"), valid(&STATUSES))),
            status if STATUSES.contains(&status) => {}
            other => errors.push(Error::not_supported(&path.child("status"), other, &STATUSES)),
        }
    }
}

fn validate_exit_codes(codes: View<'_>, names: &BTreeSet<&str>, path: &Path<'_>, errors: &mut Errors) {
    const OPERATORS: [&str; 2] = ["In", "NotIn"];
    let (operator, place) = (codes.str("operator"), path.child("operator"));
    match operator {
        "" => errors.push(Error::required(&place, valid(&OPERATORS))),
        "In" | "NotIn" => {}
        other => errors.push(Error::not_supported(&place, other, &OPERATORS)),
    }
    if let Some(name) = codes.opt_str("containerName").filter(|name| !names.contains(name)) {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.push(Error::invalid(&path.child("containerName"), name, detail));
    }
    let (values, list) = (codes.get("values"), path.child("values"));
    if values.is_empty() {
        errors.push(Error::invalid(&list, values.to_value(), "at least one value is required"));
    } else if values.len() > MAX_EXIT_CODES {
        errors.push(Error::too_many(&list, values.len() as i64, MAX_EXIT_CODES as i64));
    }
    let numbers: Vec<i64> = values.items().map(View::as_int).collect();
    let mut seen = BTreeSet::new();
    for (index, &number) in numbers.iter().enumerate() {
        let place = list.index(index);
        if operator == "In" && number == 0 {
            errors.push(Error::invalid(&place, number, "must not be 0 for the In operator"));
        }
        if !seen.insert(number) {
            errors.push(Error::duplicate(&place, number));
        }
    }
    if !numbers.is_sorted() {
        errors.push(Error::invalid(&list, Value::from(numbers), "must be ordered"));
    }
}

/// Validates `podReplacementPolicy`.
pub(super) fn validate_replacement(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let supported: &[&str] =
        if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    if let Some(policy) = spec.opt_str("podReplacementPolicy").filter(|policy| !supported.contains(policy)) {
        errors.push(Error::not_supported(path, policy, supported));
    }
}

/// Validates `successPolicy`.
pub(super) fn validate_success(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let policy = spec.get("successPolicy");
    if spec.str("completionMode") != "Indexed" {
        let shown = show_success(policy);
        errors.push(Error::invalid_shown(path, shown, "requires indexed completion mode"));
        return;
    }
    let (rules, list) = (policy.get("rules"), path.child("rules"));
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(Error::required(&list, detail));
    }
    if rules.len() > MAX_RULES {
        errors.push(Error::too_many(&list, rules.len() as i64, MAX_RULES as i64));
    }
    for (index, rule) in rules.items().enumerate() {
        validate_success_rule(rule, spec.int("completions"), &list.index(index), errors);
    }
}

/// A failure policy with Go's field names.
pub(super) fn show_failure(policy: View<'_>) -> String {
    if !policy.exists() {
        return "null".to_owned();
    }
    let code = |codes: View<'_>| {
        if !codes.exists() {
            return "null".to_owned();
        }
        let (name, operator) = (codes.get("containerName").to_value(), codes.get("operator").to_value());
        format!("{{\"ContainerName\":{name},\"Operator\":{operator},\"Values\":{}}}", codes.get("values").to_value())
    };
    let condition = |pattern: View<'_>| {
        format!("{{\"Type\":{},\"Status\":{}}}", pattern.get("type").to_value(), pattern.get("status").to_value())
    };
    let rule = |rule: View<'_>| {
        let conditions: Vec<String> = rule.list("onPodConditions").map(condition).collect();
        let conditions =
            if rule.has("onPodConditions") { format!("[{}]", conditions.join(",")) } else { "null".to_owned() };
        let (action, codes) = (rule.get("action").to_value(), code(rule.get("onExitCodes")));
        format!("{{\"Action\":{action},\"OnExitCodes\":{codes},\"OnPodConditions\":{conditions}}}")
    };
    let rules: Vec<String> = policy.list("rules").map(rule).collect();
    format!("{{\"Rules\":[{}]}}", rules.join(","))
}

/// A success policy with Go's field names.
pub(super) fn show_success(policy: View<'_>) -> String {
    if !policy.exists() {
        return "null".to_owned();
    }
    let rules: Vec<String> = policy
        .list("rules")
        .map(|rule| {
            let (indexes, count) = (rule.get("succeededIndexes").to_value(), rule.get("succeededCount").to_value());
            format!("{{\"SucceededIndexes\":{indexes},\"SucceededCount\":{count}}}")
        })
        .collect();
    if policy.has("rules") { format!("{{\"Rules\":[{}]}}", rules.join(",")) } else { "{\"Rules\":null}".to_owned() }
}

fn validate_success_rule(rule: View<'_>, completions: i64, path: &Path<'_>, errors: &mut Errors) {
    let (list, count) = (rule.opt_str("succeededIndexes"), rule.opt_int("succeededCount"));
    if list.is_none() && count.is_none() {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(Error::required(path, detail));
    }
    let mut total = 0;
    if let Some(list) = list {
        let place = path.child("succeededIndexes");
        if list.len() > MAX_INDEXES {
            errors.push(Error::too_long(&place, MAX_INDEXES as i64));
        }
        match indexes::count(list, completions) {
            Ok(count) => total = count,
            Err(why) => {
                errors.push(Error::invalid(&place, list, format!("error parsing succeededIndexes: {why}")));
            }
        }
    }
    let Some(count) = count else { return };
    let place = path.child("succeededCount");
    validate_not_negative(rule, &["succeededCount"], path, errors);
    if count > completions {
        let detail = format!("must be less than or equal to {completions} (the number of specified completions)");
        errors.push(Error::invalid(&place, count, detail));
    }
    if list.is_some() && count > total {
        let detail = format!(
            "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        );
        errors.push(Error::invalid(&place, count, detail));
    }
}

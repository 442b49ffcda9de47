//! Tolerations of a pod, and what may become of them.

use super::checks::{invalid_for_each, label_name, one_of};
use super::options::PodOptions;
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::collections::HashSet;

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Validates tolerations.
pub(crate) fn validate(tolerations: View<'_>, options: &PodOptions, list: &Path<'_>, errors: &mut Errors) {
    for (index, toleration) in tolerations.items().enumerate() {
        let path = list.index(index);
        let (key, operator, effect) = (toleration.str("key"), toleration.str("operator"), toleration.str("effect"));
        if !key.is_empty() {
            label_name(key, &path.child("key"), errors);
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.push(Error::invalid(&path.child("operator"), operator, detail));
        }
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(Error::invalid(&path.child("effect"), effect, detail));
        }
        validate_operator(toleration, options, &path, errors);
        if !effect.is_empty() {
            one_of(effect, EFFECTS, &path.child("effect"), errors);
        }
    }
}

fn validate_operator(toleration: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    let (operator, value) = (toleration.str("operator"), toleration.str("value"));
    let at = path.child("operator");
    match operator {
        "Equal" | "" => {
            let messages = names::is_valid_label_value(value);
            if !messages.is_empty() {
                errors.push(Error::invalid(&at, value, messages.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            errors.push(Error::invalid(&at, value, "value must be empty when `operator` is 'Exists'"));
        }
        "Exists" => {}
        "Lt" | "Gt" if options.comparing_tolerations => {
            let path = path.child("value");
            invalid_for_each(names::is_decimal_integer(value), value, &path, errors);
            if value.parse::<i64>().is_err() {
                errors.push(Error::invalid(&path, value, go_parse_error(value)));
            }
        }
        "Lt" | "Gt" => errors.push(Error::not_supported(&at, operator, &["Equal", "Exists", "Lt", "Gt"])),
        _ => errors.push(Error::not_supported(&at, operator, &["Equal", "Exists"])),
    }
}

/// What Go's `strconv.ParseInt` says of a text that is no 64-bit number.
fn go_parse_error(value: &str) -> String {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let reason = if is_number { "value out of range" } else { "invalid syntax" };
    format!("strconv.ParseInt: parsing {}: {reason}", object::quote::quote(value))
}

/// Tolerations of a running pod may be added; of those there, only the seconds may change.
pub(super) fn validate_additions(
    new: View<'_>,
    old: View<'_>,
    options: &PodOptions,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let known: HashSet<[&str; 4]> = new.items().map(without_seconds).collect();
    if old.items().any(|toleration| !known.contains(&without_seconds(toleration))) {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        return errors.push(Error::forbidden(path, detail));
    }
    validate(new, options, path, errors);
}

fn without_seconds(toleration: View<'_>) -> [&str; 4] {
    ["key", "operator", "value", "effect"].map(|name| toleration.str(name))
}

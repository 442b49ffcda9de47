//! `metav1.Condition` lists.

use super::labels::validate_label_name;
use crate::field::{Error, Errors, Path};
use crate::names::regex_error;
use crate::view::View;

const REASON_MAX: i64 = 1024;
const MESSAGE_MAX: i64 = 32 * 1024;
const REASON: &str = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const REASON_WORDS: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";

/// Validates a list of conditions; each type may stand once.
pub fn validate_conditions(conditions: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut seen = std::collections::HashSet::new();
    for (index, condition) in conditions.items().enumerate() {
        let path = path.index(index);
        if !seen.insert(condition.str("type")) {
            errors.push(Error::duplicate(&path.child("type"), condition.str("type")));
        }
        errors.extend(validate_condition(condition, &path));
    }
    errors
}

fn validate_condition(condition: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = validate_label_name(condition.str("type"), &path.child("type"));
    let status = condition.str("status");
    if !matches!(status, "True" | "False" | "Unknown") {
        errors.push(Error::not_supported(&path.child("status"), status, &["False", "True", "Unknown"]));
    }
    let generation = condition.int("observedGeneration");
    if generation < 0 {
        let place = path.child("observedGeneration");
        errors.push(Error::invalid(&place, generation, "must be greater than or equal to zero"));
    }
    if !condition.has("lastTransitionTime") {
        errors.push(Error::required(&path.child("lastTransitionTime"), ""));
    }
    let (reason, place) = (condition.str("reason"), path.child("reason"));
    if reason.is_empty() {
        errors.push(Error::required(&place, ""));
    } else {
        if !matches_reason(reason.as_bytes()) {
            let examples = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
            errors.push(Error::invalid(&place, reason, regex_error(REASON_WORDS, REASON, &examples)));
        }
        if reason.len() as i64 > REASON_MAX {
            errors.push(Error::too_long(&place, REASON_MAX));
        }
    }
    if condition.str("message").len() as i64 > MESSAGE_MAX {
        errors.push(Error::too_long(&path.child("message"), MESSAGE_MAX));
    }
    errors
}

fn matches_reason(reason: &[u8]) -> bool {
    let word = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_';
    reason.first().is_some_and(u8::is_ascii_alphabetic)
        && reason.last().is_some_and(word)
        && reason.iter().all(|c| word(c) || matches!(c, b',' | b':'))
}

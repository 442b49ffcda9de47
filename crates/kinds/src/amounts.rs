//! Fields that hold a number or a percentage (`IntOrString`).

use object::View;
use object::field::{Error, Errors, Path};
use object::names::is_valid_percent;

const NEGATIVE: &str = "must be greater than or equal to 0";

/// Validates a number that is not negative, or a percentage.
pub(crate) fn validate_int_or_percent(value: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match value.opt_text() {
        Some(text) => {
            errors.extend(is_valid_percent(text).into_iter().map(|message| Error::invalid(path, text, message)));
        }
        None if value.as_int() < 0 => errors.push(Error::invalid(path, value.as_int(), NEGATIVE)),
        None => {}
    }
}

/// Validates that a percentage is at most 100.
pub(crate) fn validate_at_most_100_percent(value: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if percent(value).is_some_and(|percent| percent > 100) {
        errors.push(Error::invalid(path, value.as_str(), "must not be greater than 100%"));
    }
}

/// The number or the percentage; texts that are neither count as the number that they are, or 0.
pub(crate) fn int_or_percent(value: View<'_>) -> i64 {
    percent(value).unwrap_or_else(|| match value.opt_text() {
        Some(text) => text.parse().unwrap_or_default(),
        None => value.as_int(),
    })
}

/// As text: `5` or `20%`.
pub(crate) fn show(value: View<'_>) -> String {
    match value.opt_text() {
        Some(text) => text.to_owned(),
        None => value.as_int().to_string(),
    }
}

/// Validates numbers of a map that may not be negative; absent ones are fine.
pub(crate) fn validate_not_negative(parent: View<'_>, names: &[&str], path: &Path<'_>, errors: &mut Errors) {
    for name in names {
        let value = parent.int(name);
        if value < 0 {
            errors.push(Error::invalid(&path.child(name), value, NEGATIVE));
        }
    }
}

/// Validates that numbers are not greater than another of the same map.
pub(crate) fn validate_at_most(
    parent: View<'_>,
    names: &[&str],
    (limit, detail): (&str, &str),
    path: &Path<'_>,
    errors: &mut Errors,
) {
    for name in names {
        if parent.int(name) > parent.int(limit) {
            errors.push(Error::invalid(&path.child(name), parent.int(name), detail));
        }
    }
}

/// Validates that a count of hash collisions did not go down.
pub(crate) fn validate_collisions(status: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (new, before) = (status.int("collisionCount"), old.opt_int("collisionCount"));
    if before.is_some_and(|before| !status.has("collisionCount") || new < before) {
        errors.push(Error::invalid(&path.child("collisionCount"), new, "cannot be decremented"));
    }
}

fn percent(value: View<'_>) -> Option<i64> {
    let text = value.opt_text()?;
    if is_valid_percent(text).is_empty() { text.trim_end_matches('%').parse().ok() } else { None }
}

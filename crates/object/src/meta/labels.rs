//! Labels and label selectors.

use crate::field::{Error, Errors, Path};
use crate::names::{is_qualified_name, is_valid_label_value};
use crate::view::View;

/// What a label selector may hold for the sake of objects that are already stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectorOptions {
    /// Values need not be valid label values.
    pub allow_invalid_values: bool,
    /// Operators need not be known.
    pub allow_unknown_operators: bool,
}

/// Validates keys and values of labels.
pub fn validate_labels(labels: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for (key, value) in labels.entries() {
        errors.extend(validate_label_name(key, path));
        let messages = is_valid_label_value(value.as_str());
        errors.extend(messages.into_iter().map(|message| Error::invalid(path, value.as_str(), message)));
    }
    errors
}

/// Validates a label's key.
pub fn validate_label_name(name: &str, path: &Path<'_>) -> Errors {
    is_qualified_name(name).into_iter().map(|message| Error::invalid(path, name, message)).collect()
}

/// Validates a `LabelSelector`; an absent one is fine.
pub fn validate_label_selector(selector: View<'_>, options: SelectorOptions, path: &Path<'_>) -> Errors {
    let mut errors = validate_labels(selector.get("matchLabels"), &path.child("matchLabels"));
    let place = path.child("matchExpressions");
    for (index, requirement) in selector.list("matchExpressions").enumerate() {
        errors.extend(validate_label_selector_requirement(requirement, options, &place.index(index)));
    }
    errors
}

/// Validates one `LabelSelectorRequirement`.
pub fn validate_label_selector_requirement(requirement: View<'_>, options: SelectorOptions, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let (values, place) = (requirement.get("values"), path.child("values"));
    match requirement.str("operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(Error::required(&place, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.push(Error::forbidden(&place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ if options.allow_unknown_operators => {}
        other => errors.push(Error::invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    errors.extend(validate_label_name(requirement.str("key"), &path.child("key")));
    if !options.allow_invalid_values {
        for (index, value) in values.items().map(View::as_str).enumerate() {
            let messages = is_valid_label_value(value);
            errors.extend(messages.into_iter().map(|message| Error::invalid(&place.index(index), value, message)));
        }
    }
    errors
}

/// True if an expression of the selector holds a value that no label can have.
pub fn has_invalid_label_value(selector: View<'_>) -> bool {
    let values = selector.list("matchExpressions").flat_map(|requirement| requirement.strings("values"));
    values.map(is_valid_label_value).any(|messages| !messages.is_empty())
}

//! Checks that the validations of many kinds share, and the constants that they name.

use object::View;
use object::field::{Error, Errors, Path};
use object::meta::{validate_object_meta, validate_object_meta_update};
use object::names::{self, Messages, NameRule};
use object::quantity::Quantity;

/// For numbers of zero and below.
pub(crate) const NOT_POSITIVE: &str = "must be greater than zero";
/// For amounts that must be whole.
pub(crate) const NOT_INTEGER: &str = "must be an integer";
/// Transport protocols, in the order in which messages name them.
pub(crate) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// Validates the metadata of a new object.
pub(crate) fn meta(object: View<'_>, namespaced: bool, rule: NameRule) -> Errors {
    let metadata = object.get("metadata");
    let path = Path::new("metadata");
    let mut errors = validate_object_meta(metadata, namespaced, rule, &path);
    errors.extend(finalizers(metadata, &path));
    errors
}

/// Validates the metadata of a changed object.
pub(crate) fn meta_update(object: View<'_>, old: View<'_>) -> Errors {
    let metadata = object.get("metadata");
    let path = Path::new("metadata");
    let mut errors = validate_object_meta_update(metadata, old.get("metadata"), &path);
    errors.extend(finalizers(metadata, &path));
    errors
}

/// Finalizers without a domain must be those that Kubernetes knows.
fn finalizers(metadata: View<'_>, path: &Path<'_>) -> Errors {
    let path = path.child("finalizers");
    let names = metadata.strings("finalizers").enumerate();
    names.filter_map(|(index, name)| standard_finalizer(name, &path.index(index))).collect()
}

/// A finalizer without a domain must be one that Kubernetes knows.
pub(crate) fn standard_finalizer(name: &str, path: &Path<'_>) -> Option<Error> {
    let known = name.contains('/') || matches!(name, "kubernetes" | "orphan" | "foregroundDeletion");
    let why = "name is neither a standard finalizer name nor is it fully qualified";
    (!known).then(|| Error::invalid(path, name, why))
}

/// One error for each message about the text.
pub(crate) fn each(messages: Messages, value: &str, path: &Path<'_>) -> impl Iterator<Item = Error> {
    messages.into_iter().map(move |message| Error::invalid(path, value, message))
}

/// The text is a DNS label.
pub(crate) fn dns_label(value: &str, path: &Path<'_>) -> Errors {
    each(names::is_dns1123_label(value), value, path).collect()
}

/// The text is a DNS name.
pub(crate) fn dns_subdomain(value: &str, path: &Path<'_>) -> Errors {
    each(names::is_dns1123_subdomain(value), value, path).collect()
}

/// The text is a qualified name.
pub(crate) fn qualified_name(value: &str, path: &Path<'_>) -> Errors {
    each(names::is_qualified_name(value), value, path).collect()
}

/// The number is that of a port.
pub(crate) fn port_number(port: i64, path: &Path<'_>) -> Errors {
    names::is_valid_port_num(port).into_iter().map(|message| Error::invalid(path, port, message)).collect()
}

/// The amount is not negative.
pub(crate) fn nonnegative_quantity(value: &Quantity, path: &Path<'_>) -> Errors {
    if value.sign() < 0 {
        return vec![Error::invalid(path, value.to_string(), object::meta::IS_NEGATIVE)];
    }
    Errors::new()
}

/// The amount is more than nothing.
pub(crate) fn positive_quantity(value: &Quantity, path: &Path<'_>) -> Errors {
    if value.sign() <= 0 {
        return vec![Error::invalid(path, value.to_string(), NOT_POSITIVE)];
    }
    Errors::new()
}

/// A text that must be there and be one of `supported`.
pub(crate) fn required_one_of(value: &str, supported: &[&str], path: &Path<'_>) -> Option<Error> {
    match value {
        "" => Some(Error::required(path, "")),
        _ if supported.contains(&value) => None,
        _ => Some(Error::not_supported(path, value, supported)),
    }
}

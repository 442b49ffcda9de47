//! Small checks that many fields share.

use object::field::{Error, Errors, Path};
use object::{View, names};

/// For numbers below zero.
pub(crate) const NEGATIVE: &str = "must be greater than or equal to 0";
/// For numbers of zero and below.
pub(crate) const NOT_POSITIVE: &str = "must be greater than zero";
/// For file modes.
const FILE_MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// One error for each message about the text.
pub(crate) fn invalid_for_each(messages: Vec<String>, value: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(messages.into_iter().map(|message| Error::invalid(path, value, message)));
}

/// The text is a DNS label.
pub(crate) fn dns_label(value: &str, path: &Path<'_>, errors: &mut Errors) {
    invalid_for_each(names::is_dns1123_label(value), value, path, errors);
}

/// The text is a DNS subdomain.
pub(crate) fn dns_subdomain(value: &str, path: &Path<'_>, errors: &mut Errors) {
    invalid_for_each(names::is_dns1123_subdomain(value), value, path, errors);
}

/// The text is the name of an object, which is a DNS subdomain.
pub(crate) fn object_name(value: &str, path: &Path<'_>, errors: &mut Errors) {
    invalid_for_each(names::name_is_dns_subdomain(value, false), value, path, errors);
}

/// The text is a qualified name (`prefix/name`).
pub(crate) fn qualified_name(value: &str, path: &Path<'_>, errors: &mut Errors) {
    invalid_for_each(names::is_qualified_name(value), value, path, errors);
}

/// The text is the key of a label.
pub(crate) fn label_name(value: &str, path: &Path<'_>, errors: &mut Errors) {
    invalid_for_each(names::is_qualified_name(value), value, path, errors);
}

/// The number is not negative.
pub(crate) fn not_negative(value: i64, path: &Path<'_>, errors: &mut Errors) {
    if value < 0 {
        errors.push(Error::invalid(path, value, NEGATIVE));
    }
}

/// The child `name` is not empty.
pub(crate) fn required(parent: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if parent.get(name).is_empty() {
        errors.push(Error::required(&path.child(name), ""));
    }
}

/// The text is one of `supported`, which are told in this order.
pub(crate) fn one_of(value: &str, supported: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if !supported.contains(&value) {
        errors.push(Error::not_supported(path, value, supported));
    }
}

/// Like [`one_of`], with an error of its own for the empty text.
pub(crate) fn required_one_of(value: &str, supported: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if value.is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        one_of(value, supported, path, errors);
    }
}

/// The optional file mode in the child `name` has permission bits alone.
pub(crate) fn file_mode(parent: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
    if let Some(mode) = parent.opt_int(name).filter(|mode| !(0..=0o777).contains(mode)) {
        errors.push(Error::invalid(&path.child(name), mode, FILE_MODE));
    }
}

/// The port is a number or a name.
pub(crate) fn port_number_or_name(port: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match port.value().and_then(|value| value.as_str()) {
        Some(name) => invalid_for_each(names::is_valid_port_name(name), name, path, errors),
        None => port_number(port.as_int(), path, errors),
    }
}

/// The number is one that a port can have.
pub(crate) fn port_number(port: i64, path: &Path<'_>, errors: &mut Errors) {
    let messages = names::is_valid_port_num(port);
    errors.extend(messages.into_iter().map(|message| Error::invalid(path, port, message)));
}

/// The path is relative and has no `..`.
pub(crate) fn local_descending_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.starts_with('/') {
        errors.push(Error::invalid(path, value, "must be a relative path"));
    }
    no_backsteps(value, path, errors);
}

/// The path is relative, has no `..`, and does not begin with two dots, which the atomic writer of volumes uses.
pub(crate) fn local_non_reserved_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    local_descending_path(value, path, errors);
    if value.starts_with("..") && !value.starts_with("../") {
        errors.push(Error::invalid(path, value, "must not start with '..'"));
    }
}

/// The path has no `..`.
pub(crate) fn no_backsteps(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if has_backsteps(value) {
        errors.push(Error::invalid(path, value, "must not contain '..'"));
    }
}

/// True if `..` is a part of the path.
pub(crate) fn has_backsteps(value: &str) -> bool {
    value.split('/').any(|part| part == "..")
}

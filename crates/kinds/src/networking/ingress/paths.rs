//! Paths of an ingress and what stands behind them.

use crate::checks::{each, port_number};
use object::View;
use object::field::{Error, Errors, Path};
use object::names::{is_dns1123_subdomain, is_path_segment_name, is_valid_port_name, name_is_dns_label};

/// Validates the paths of a rule.
pub(super) fn validate_rule(rule: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if !rule.has("http") {
        return errors;
    }
    let http = path.child("http");
    let path = http.child("paths");
    let paths = rule.get("http").list("paths");
    if paths.len() == 0 {
        errors.push(Error::required(&path, ""));
    }
    for (index, entry) in paths.enumerate() {
        errors.extend(validate_path(entry, &path.index(index)));
    }
    errors
}

fn validate_path(entry: View<'_>, path: &Path<'_>) -> Errors {
    let (text, place) = (entry.str("path"), path.child("path"));
    let mut errors = Errors::new();
    let absolute = || Error::invalid(&place, text, "must be an absolute path");
    match entry.opt_str("pathType") {
        None => return vec![Error::required(&path.child("pathType"), "pathType must be specified")],
        Some("Exact" | "Prefix") => {
            if !text.starts_with('/') {
                errors.push(absolute());
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|part| text.contains(part)) {
                errors.push(Error::invalid(&place, text, format!("must not contain '{part}'")));
            }
            for end in ["/..", "/."].into_iter().filter(|end| text.ends_with(end)) {
                errors.push(Error::invalid(&place, text, format!("cannot end with '{end}'")));
            }
        }
        Some("ImplementationSpecific") => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.push(absolute());
            }
        }
        Some(other) => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(Error::not_supported(&path.child("pathType"), other, &known));
        }
    }
    errors.extend(validate_backend(entry.get("backend"), &path.child("backend")));
    errors
}

/// Validates a backend: a service and its port, or another object.
pub(super) fn validate_backend(backend: View<'_>, path: &Path<'_>) -> Errors {
    match (backend.has("resource"), backend.has("service")) {
        (true, true) => vec![Error::invalid(path, "", "cannot set both resource and service backends")],
        (true, false) => validate_reference(backend.get("resource"), &path.child("resource")),
        (false, true) => validate_service(backend.get("service"), path),
        (false, false) => vec![Error::invalid(path, "", "resource or service backend is required")],
    }
}

fn validate_service(service: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let place = path.child("service");
    match service.str("name") {
        "" => errors.push(Error::required(&place.child("name"), "")),
        name => errors.extend(each(name_is_dns_label(name, false), name, &place.child("name"))),
    }
    let place = place.child("port");
    let port = service.get("port");
    match (port.str("name"), port.int("number")) {
        ("", 0) => errors.push(Error::required(path, "port name or number is required")),
        ("", number) => errors.extend(port_number(number, &place.child("number"))),
        (name, 0) => errors.extend(each(is_valid_port_name(name), name, &place.child("name"))),
        _ => errors.push(Error::invalid(path, "", "cannot set both port name & port number")),
    }
    errors
}

/// Validates group, kind and name of a reference.
pub(in crate::networking) fn validate_reference(reference: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if let Some(group) = reference.opt_str("apiGroup") {
        errors.extend(each(is_dns1123_subdomain(group), group, &path.child("apiGroup")));
    }
    for field in ["kind", "name"] {
        match reference.str(field) {
            "" => errors.push(Error::required(&path.child(field), "")),
            text => errors.extend(each(is_path_segment_name(text), text, &path.child(field))),
        }
    }
    errors
}

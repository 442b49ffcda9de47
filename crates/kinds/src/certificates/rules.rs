//! Validation of certificate requests.

use super::{conditions, request};
use crate::checks;
use object::View;
use object::field::{Error, Errors, Path};
use object::names::{any_name, is_dns1123_label, is_dns1123_subdomain};
use object::quote::quote;
use std::collections::BTreeSet;

/// Sorted, as messages name them.
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const SHORTEST: i64 = 600;

/// By which resource a request changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Through {
    /// `certificatesigningrequests`.
    Resource,
    /// `certificatesigningrequests/status`.
    Status,
    /// `certificatesigningrequests/approval`.
    Approval,
}

/// Validates a request. What is wrong already in `old` may stay so.
pub(super) fn validate(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = checks::meta(object, false, any_name);
    let (spec, path) = (object.get("spec"), Path::new("spec"));
    if let Some(fault) = request::fault_of_request(spec.str("request")) {
        errors.push(Error::invalid(&path.child("request"), spec.get("request").to_value(), fault));
    }
    validate_usages(spec.get("usages"), old.get("spec").get("usages"), &path.child("usages"), &mut errors);
    let (signer, place) = (spec.str("signerName"), path.child("signerName"));
    if signer == LEGACY_SIGNER && old.get("spec").str("signerName") != LEGACY_SIGNER {
        errors.push(Error::invalid(&place, signer, "the legacy signerName is not allowed via this API version"));
    } else {
        validate_signer(signer, &place, &mut errors);
    }
    if let Some(seconds) = spec.opt_int("expirationSeconds").filter(|&seconds| seconds < SHORTEST) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(Error::invalid(&path.child("expirationSeconds"), seconds, detail));
    }
    let (status, path) = (object.get("status"), Path::new("status"));
    validate_conditions(status.get("conditions"), old, &path.child("conditions"), &mut errors);
    validate_certificate(status.str("certificate"), old, &path.child("certificate"), &mut errors);
    errors
}

/// Validates a changed request.
pub(super) fn validate_update(object: View<'_>, old: View<'_>, through: Through) -> Errors {
    let mut errors = validate(object, old);
    let path = Path::new("status");
    let place = path.child("conditions");
    for kind in ["Approved", "Denied", "Failed"] {
        if conditions(object, kind).count() < conditions(old, kind).count() {
            errors
                .push(Error::forbidden(&place, format!("updates may not remove a condition of type {}", quote(kind))));
        }
    }
    if through != Through::Approval {
        for kind in ["Approved", "Denied"] {
            let (now, before) = (conditions(object, kind), conditions(old, kind));
            let (count, count_before) = (conditions(object, kind).count(), conditions(old, kind).count());
            if count > count_before {
                errors
                    .push(Error::forbidden(&place, format!("updates may not add a condition of type {}", quote(kind))));
            } else if count == count_before && !now.zip(before).all(|(now, before)| now.same(before)) {
                let detail = format!("updates may not modify a condition of type {}", quote(kind));
                errors.push(Error::forbidden(&place, detail));
            }
        }
    }
    let (now, before) = (object.get("status").str("certificate"), old.get("status").str("certificate"));
    if now != before {
        let place = path.child("certificate");
        if through != Through::Status {
            errors.push(Error::forbidden(&place, "updates may not set certificate content"));
        } else if !before.is_empty() {
            errors.push(Error::forbidden(&place, "updates may not modify existing certificate content"));
        }
    }
    errors.extend(checks::meta_update(object, old));
    errors
}

fn validate_usages(usages: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if usages.is_empty() {
        errors.push(Error::required(path, ""));
    }
    let unknown = |usage: View<'_>| !USAGES.contains(&usage.as_str());
    if !old.items().any(unknown) {
        for (index, usage) in usages.items().enumerate().filter(|(_, usage)| unknown(*usage)) {
            errors.push(Error::not_supported(&path.index(index), usage.as_str(), USAGES));
        }
    }
    let different: BTreeSet<&str> = old.items().map(View::as_str).collect();
    if different.len() == old.len() {
        let mut seen = BTreeSet::new();
        for (index, usage) in usages.items().map(View::as_str).enumerate() {
            if !seen.insert(usage) {
                errors.push(Error::duplicate(&path.index(index), usage));
            }
        }
    }
}

fn validate_signer(signer: &str, path: &Path<'_>, errors: &mut Errors) {
    if signer.is_empty() {
        errors.push(Error::required(path, ""));
        return;
    }
    let Some((domain, name)) = signer.split_once('/').filter(|(_, name)| !name.contains('/')) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.push(Error::invalid(path, signer, detail));
        return;
    };
    if domain.len() > 253 {
        errors.push(Error::too_long(path, 253));
    }
    validate_labels(domain, is_dns1123_label, path, errors);
    if !domain.contains('.') {
        errors.push(Error::invalid(path, domain, "should be a domain with at least two segments separated by dots"));
    }
    validate_labels(name, is_dns1123_subdomain, path, errors);
    let longest = 253 + 1 + 63 + 1 + 253;
    if signer.len() > longest {
        errors.push(Error::too_long(path, i64::try_from(longest).unwrap_or(i64::MAX)));
    }
}

/// Tells of the first label that is wrong.
fn validate_labels(text: &str, rule: fn(&str) -> Vec<String>, path: &Path<'_>, errors: &mut Errors) {
    let faults = text.split('.').map(|label| (label, rule(label)));
    if let Some((label, messages)) = faults.into_iter().find(|(_, messages)| !messages.is_empty()) {
        for message in messages {
            errors.push(Error::invalid(path, text, format!("validating label {}: {message}", quote(label))));
        }
    }
}

fn validate_conditions(list: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let kinds_before: Vec<&str> = old.get("status").list("conditions").map(|item| item.str("type")).collect();
    let different: BTreeSet<&&str> = kinds_before.iter().collect();
    let both_before = ["Approved", "Denied"].iter().all(|kind| kinds_before.contains(kind));
    let mut seen = BTreeSet::new();
    for (index, condition) in list.items().enumerate() {
        let (item, kind, status) = (path.index(index), condition.str("type"), condition.str("status"));
        if kind.is_empty() && !kinds_before.contains(&"") {
            errors.push(Error::required(&item.child("type"), ""));
        }
        let only_true = matches!(kind, "Approved" | "Denied" | "Failed");
        let allowed: &[&str] = if only_true { &["True"] } else { &["False", "True", "Unknown"] };
        errors.extend(checks::required_one_of(status, allowed, &item.child("status")));
        let opposite = match kind {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if !both_before && !opposite.is_empty() && seen.contains(opposite) {
            errors.push(Error::invalid(path, kind, "Approved and Denied conditions are mutually exclusive"));
        }
        if !seen.insert(kind) && different.len() == kinds_before.len() {
            errors.push(Error::duplicate(&item.child("type"), kind));
        }
    }
}

fn validate_certificate(certificate: &str, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let before = old.get("status").str("certificate");
    if request::fault_of_certificate(before).is_some() {
        return;
    }
    if let Some(fault) = request::fault_of_certificate(certificate) {
        errors.push(Error::invalid(path, "<certificate data>", fault));
    }
}

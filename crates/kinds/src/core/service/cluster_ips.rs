//! Cluster IPs, their families, and how they may change.

use super::is_headless;
use object::field::{Error, Errors, Path};
use object::names::{is_valid_ip_for_legacy_field, parse_ip_sloppy};
use object::{Value, View};
use std::collections::HashSet;
use std::net::IpAddr;

const CHANGED: &str = "may not change once set";

/// Validates cluster IPs and IP families of a spec; `old` is absent for a new service.
pub(super) fn validate(spec: View<'_>, old: View<'_>) -> Errors {
    if spec.str("type") == "ExternalName" {
        return Errors::new();
    }
    let path = Path::new("spec");
    let mut errors: Errors = validate_pair(spec, &path.child("clusterIPs")).into_iter().collect();
    errors.extend(validate_families(spec, &path.child("ipFamilies")));
    if let Some(policy) = spec.opt_str("ipFamilyPolicy") {
        let known = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        if !known.contains(&policy) {
            errors.push(Error::not_supported(&path.child("ipFamilyPolicy"), policy, &known));
        }
    }
    errors.extend(validate_ips(spec, old, &path.child("clusterIPs")));
    errors
}

/// `clusterIP` is the first of `clusterIPs`.
fn validate_pair(spec: View<'_>, path: &Path<'_>) -> Option<Error> {
    let ips = spec.get("clusterIPs");
    match (spec.str("clusterIP"), spec.strings("clusterIPs").next()) {
        ("", None) => None,
        ("", Some(_)) => Some(Error::invalid(path, ips.to_value(), "must be empty when `clusterIP` is not specified")),
        (_, None) => Some(Error::required(path, "")),
        (ip, Some(first)) if ip == first => None,
        _ => Some(Error::invalid(path, ips.to_value(), "first value must match `clusterIP`")),
    }
}

fn validate_families(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    for (index, family) in spec.strings("ipFamilies").enumerate() {
        let path = path.index(index);
        if !matches!(family, "IPv4" | "IPv6") {
            errors.push(Error::not_supported(&path, family, &["IPv4", "IPv6"]));
        }
        if !seen.insert(family) {
            errors.push(Error::duplicate(&path, family));
        }
    }
    errors
}

fn validate_ips(spec: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let known: Vec<&str> = old.strings("clusterIPs").collect();
    let ips: Vec<&str> = spec.strings("clusterIPs").collect();
    let shown = || spec.get("clusterIPs").to_value();
    let mut malformed = false;
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && *ip == "None" {
            if ips.len() > 1 {
                malformed = true;
                errors.push(Error::invalid(path, shown(), "'None' must be the first and only value"));
            }
            continue;
        }
        let found = is_valid_ip_for_legacy_field(&path.index(index), ip, &known);
        malformed |= !found.is_empty();
        errors.extend(found);
    }
    if ips.len() > 2 {
        errors.push(Error::invalid(path, shown(), "may only hold up to 2 values"));
    }
    if malformed {
        return errors;
    }
    let mixed = ips.iter().any(|ip| is_v6(ip)) && ips.iter().any(|ip| !is_v6(ip));
    if ips.len() > 1 && !mixed {
        errors.push(Error::invalid(path, shown(), "may specify no more than one IP for each IP family"));
    }
    if !is_headless(spec) {
        for (index, (ip, family)) in ips.iter().zip(spec.strings("ipFamilies")).enumerate() {
            let expected = match (family, is_v6(ip)) {
                ("IPv4", true) => "IPv4",
                ("IPv6", false) => "IPv6",
                _ => continue,
            };
            let why = format!("expected an {expected} value as indicated by `ipFamilies[{index}]`");
            errors.push(Error::invalid(&path.index(index), *ip, why));
        }
    }
    errors
}

/// True if the text is an IPv6 address.
pub(super) fn is_v6(ip: &str) -> bool {
    matches!(parse_ip_sloppy(ip), Some(IpAddr::V6(_)))
}

/// The first cluster IP stays; a second one may come, and go together with its policy.
pub(super) fn validate_change(object: View<'_>, old: View<'_>) -> Errors {
    let (spec, old) = (object.get("spec"), old.get("spec"));
    if spec.str("type") == "ExternalName" || old.str("type") == "ExternalName" || is_headless(spec) && is_headless(old)
    {
        return Errors::new();
    }
    let new_ips: Vec<&str> = spec.strings("clusterIPs").collect();
    let old_ips: Vec<&str> = old.strings("clusterIPs").collect();
    let root = Path::new("spec");
    let path = root.child("clusterIPs");
    let mut errors = Errors::new();
    let refuse = |index: usize, why: &str| Error::invalid(&path.index(index), shown(&new_ips), why);
    if old_ips.len() == new_ips.len() {
        let pairs = old_ips.iter().zip(&new_ips).enumerate();
        errors.extend(pairs.filter(|(_, (old, new))| old != new).map(|(index, _)| refuse(index, CHANGED)));
        return errors;
    }
    if new_ips.is_empty() {
        errors.push(refuse(0, "primary clusterIP can not be unset"));
    }
    if let (Some(old), Some(new)) = (old_ips.first(), new_ips.first())
        && old != new
    {
        errors.push(refuse(0, CHANGED));
    }
    if old_ips.len() > new_ips.len() && new_ips.len() == 1 && spec.str("ipFamilyPolicy") != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        errors.push(Error::invalid(&root.child("ipFamilyPolicy"), spec.get("ipFamilyPolicy").to_value(), why));
    }
    errors
}

/// The first family stays; a second one may come, and go together with its policy.
pub(super) fn validate_family_change(object: View<'_>, old: View<'_>) -> Errors {
    let (spec, old) = (object.get("spec"), old.get("spec"));
    if spec.str("type") == "ExternalName" || old.str("type") == "ExternalName" || is_headless(spec) || is_headless(old)
    {
        return Errors::new();
    }
    let new: Vec<&str> = spec.strings("ipFamilies").collect();
    let known: Vec<&str> = old.strings("ipFamilies").collect();
    let ips: Vec<&str> = spec.strings("clusterIPs").collect();
    let root = Path::new("spec");
    let path = root.child("ipFamilies");
    let path = path.index(0);
    let mut errors = Errors::new();
    if known.len() == new.len() {
        let changed = known.iter().zip(&new).filter(|(old, new)| old != new);
        errors.extend(changed.map(|_| Error::invalid(&path, shown(&new), CHANGED)));
        return errors;
    }
    if known.len() > new.len() && ips.is_empty() {
        errors.push(Error::invalid(&path, shown(&new), "primary ipFamily can not be unset"));
    }
    if let (Some(old), Some(new)) = (known.first(), new.first())
        && old != new
    {
        errors.push(Error::invalid(&path, shown(&ips), CHANGED));
    }
    if known.len() > new.len() && new.len() == 1 && spec.str("ipFamilyPolicy") != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
        errors.push(Error::invalid(&root.child("ipFamilyPolicy"), spec.get("ipFamilyPolicy").to_value(), why));
    }
    errors
}

/// A list as Go shows it: `null` when there is none.
fn shown(items: &[&str]) -> Value {
    if items.is_empty() { Value::Null } else { Value::from(items.to_vec()) }
}

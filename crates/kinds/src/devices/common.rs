//! Checks that claims and slices share.

use crate::checks;
pub(super) use crate::core::pod::volumes::network::csi_driver_name as driver_name;
use object::field::{Error, Errors, Path};
use object::names::{is_cidentifier, is_dns1123_subdomain};
use object::{Value, View};
use std::collections::BTreeSet;

/// Effects of taints, sorted.
pub(super) const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

/// Driver, pool, device and share.
pub(super) fn device_id(device: View<'_>) -> Vec<Value> {
    ["driver", "pool", "device", "shareID"].iter().map(|name| device.get(name).to_value()).collect()
}

/// Tells of a list that is too long; false if it did.
pub(super) fn fits(list: View<'_>, most: i64, path: &Path<'_>, errors: &mut Errors) -> bool {
    let count = i64::try_from(list.len()).unwrap_or(i64::MAX);
    if count > most {
        errors.push(Error::too_many(path, count, most));
    }
    count <= most
}

/// Tells of keys that stand twice.
pub(super) fn unique<'a>(keys: impl Iterator<Item = &'a str>, path: &Path<'_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (index, key) in keys.enumerate() {
        if !seen.insert(key) {
            errors.push(Error::duplicate(&path.index(index), key));
        }
    }
}

/// The name of a pool: DNS names with slashes in between.
pub(super) fn pool_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    if name.is_empty() {
        errors.push(Error::required(path, ""));
        return;
    }
    if name.len() > 253 {
        errors.push(Error::too_long(path, 253));
    }
    for part in name.split('/') {
        errors.extend(checks::each(is_dns1123_subdomain(part), part, path));
    }
}

/// A name in C, with the domain of a driver or without.
pub(super) fn qualified_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [id] => identifier(id, path, errors),
        [domain, id] => {
            match domain {
                "" => errors.push(Error::invalid(path, "", "the domain must not be empty")),
                _ => driver_name(domain, path, errors),
            }
            match id {
                "" => errors.push(Error::invalid(path, "", "the name must not be empty")),
                _ => identifier(id, path, errors),
            }
        }
        _ => {}
    }
}

fn identifier(id: &str, path: &Path<'_>, errors: &mut Errors) {
    if id.len() > 32 {
        errors.push(Error::too_long(path, 32));
    }
    errors.extend(checks::each(is_cidentifier(id), id, path));
}

/// Conditions that must hold, or must not, before a pod is bound.
pub(super) fn binding_conditions(device: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (wanted, unwanted) = (device.get("bindingConditions"), device.get("bindingFailureConditions"));
    let (wanted_path, unwanted_path) = (path.child("bindingConditions"), path.child("bindingFailureConditions"));
    for (list, path) in [(wanted, &wanted_path), (unwanted, &unwanted_path)] {
        if fits(list, 4, path, errors) {
            for (index, name) in list.items().map(View::as_str).enumerate() {
                errors.extend(object::meta::validate_label_name(name, &path.index(index)));
            }
        }
        unique(list.items().map(View::as_str), path, errors);
    }
    for (index, name) in unwanted.items().map(View::as_str).enumerate() {
        if wanted.items().any(|other| other.as_str() == name) {
            let detail = "bindingFailureConditions must not overlap with bindingConditions";
            errors.push(Error::invalid(&unwanted_path.index(index), name, detail));
        }
    }
    if wanted.is_empty() && !unwanted.is_empty() {
        let detail = "bindingConditions are required to use bindingFailureConditions";
        errors.push(Error::invalid(&wanted_path, wanted.to_value(), detail));
    }
    if unwanted.is_empty() && !wanted.is_empty() {
        let detail = "bindingFailureConditions are required to use bindingConditions";
        errors.push(Error::invalid(&unwanted_path, unwanted.to_value(), detail));
    }
}

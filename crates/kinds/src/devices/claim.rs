//! Validation of claims and classes.

use super::common::{EFFECTS, binding_conditions, device_id, driver_name, fits, pool_name, qualified_name, unique};
use super::selector;
use super::show;
use crate::checks;
use crate::core::pod::affinity::validate_node_selector;
use crate::core::resource_names::is_extended;
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_conditions, validate_label_name};
use object::names::{is_dns1123_subdomain, is_valid_interface_address, is_valid_label_value};
use object::quote::quote;
use object::{View, raw};
use std::collections::HashSet;

const MOST: i64 = 32;
const LONGEST_PARAMETERS: usize = 10 * 1024;
const REFERENCE: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                         by '/'";

/// Validates the spec of a class.
pub(super) fn validate_class(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_selectors(spec.get("selectors"), &path.child("selectors"), errors);
    let (configs, list) = (spec.get("config"), path.child("config"));
    if fits(configs, MOST, &list, errors) {
        for (index, config) in configs.items().enumerate() {
            validate_config(config, &list.index(index), errors);
        }
    }
    if let Some(name) = spec.opt_str("extendedResourceName").filter(|name| !is_extended(name)) {
        let detail = "must be a valid extended resource name";
        errors.push(Error::invalid(&path.child("extendedResourceName"), name, detail));
    }
}

/// Validates the spec of a claim.
pub(super) fn validate_spec(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (devices, path) = (spec.get("devices"), path.child("devices"));
    let (requests, list) = (devices.get("requests"), path.child("requests"));
    if fits(requests, MOST, &list, errors) {
        for (index, request) in requests.items().enumerate() {
            validate_request(request, &list.index(index), errors);
        }
        unique(requests.items().map(|request| request.str("name")), &list, errors);
    }
    let (constraints, list) = (devices.get("constraints"), path.child("constraints"));
    if fits(constraints, MOST, &list, errors) {
        for (index, constraint) in constraints.items().enumerate() {
            validate_constraint(constraint, devices, &list.index(index), errors);
        }
    }
    let (configs, list) = (devices.get("config"), path.child("config"));
    if fits(configs, MOST, &list, errors) {
        for (index, config) in configs.items().enumerate() {
            let item = list.index(index);
            validate_references(config.get("requests"), devices, &item.child("requests"), errors);
            validate_config(config, &item, errors);
        }
    }
}

fn validate_request(request: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(checks::dns_label(request.str("name"), &path.child("name")));
    let (exactly, first) = (request.get("exactly"), request.get("firstAvailable"));
    match (exactly.exists(), !first.is_empty()) {
        (false, false) => {
            errors.push(Error::required(path, "exactly one of `exactly` or `firstAvailable` is required"));
        }
        (true, true) => {
            let detail = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            errors.push(Error::invalid(path, object::Value::Null, detail));
        }
        (true, false) => validate_devices(exactly, &path.child("exactly"), errors),
        (false, true) => {
            let list = path.child("firstAvailable");
            if fits(first, 8, &list, errors) {
                for (index, alternative) in first.items().enumerate() {
                    let item = list.index(index);
                    errors.extend(checks::dns_label(alternative.str("name"), &item.child("name")));
                    validate_devices(alternative, &item, errors);
                }
                unique(first.items().map(|alternative| alternative.str("name")), &list, errors);
            }
        }
    }
}

fn validate_devices(request: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (class, place) = (request.str("deviceClassName"), path.child("deviceClassName"));
    match class {
        "" => errors.push(Error::required(&place, "")),
        _ => errors.extend(checks::each(is_dns1123_subdomain(class), class, &place)),
    }
    validate_selectors(request.get("selectors"), &path.child("selectors"), errors);
    let (mode, count) = (request.str("allocationMode"), request.int("count"));
    match mode {
        "All" if count != 0 => {
            let detail = "must not be specified when allocationMode is 'All'";
            errors.push(Error::invalid(&path.child("count"), count, detail));
        }
        "ExactCount" if count <= 0 => {
            errors.push(Error::invalid(&path.child("count"), count, checks::NOT_POSITIVE));
        }
        "All" | "ExactCount" => {}
        _ => errors.push(Error::not_supported(&path.child("allocationMode"), mode, &["All", "ExactCount"])),
    }
    let list = path.child("tolerations");
    for (index, toleration) in request.list("tolerations").enumerate() {
        validate_toleration(toleration, &list.index(index), errors);
    }
}

fn validate_selectors(selectors: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    if !fits(selectors, MOST, list, errors) {
        return;
    }
    for (index, selector) in selectors.items().enumerate() {
        let (item, expression) = (list.index(index), selector.get("cel").str("expression"));
        let place = item.child("cel");
        if !selector.has("cel") {
            errors.push(Error::required(&place, ""));
        } else {
            selector::validate(expression, &place.child("expression"), errors);
        }
    }
}

fn validate_toleration(toleration: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (key, value, effect) = (toleration.str("key"), toleration.str("value"), toleration.str("effect"));
    if !key.is_empty() {
        errors.extend(validate_label_name(key, &path.child("key")));
    }
    match toleration.str("operator") {
        "Exists" if !value.is_empty() => {
            errors.push(Error::invalid(&path.child("value"), value, "must be empty for operator `Exists`"));
        }
        "Exists" => {}
        "Equal" => errors.extend(checks::each(is_valid_label_value(value), value, &path.child("value"))),
        operator => errors.extend(checks::required_one_of(operator, &["Equal", "Exists"], &path.child("operator"))),
    }
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        errors.push(Error::not_supported(&path.child("effect"), effect, &EFFECTS));
    }
}

fn validate_constraint(constraint: View<'_>, devices: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_references(constraint.get("requests"), devices, &path.child("requests"), errors);
    let named = ["matchAttribute", "distinctAttribute"].into_iter().find(|name| constraint.has(name));
    let Some(name) = named else {
        let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are \
                      set";
        errors.push(Error::required(path, detail));
        return;
    };
    let (attribute, place) = (constraint.str(name), path.child(name));
    qualified_name(attribute, &place, errors);
    if !attribute.contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        errors.push(Error::invalid(&place, attribute, detail));
    }
}

fn validate_references(names: View<'_>, devices: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    if fits(names, MOST, list, errors) {
        for (index, name) in names.items().map(View::as_str).enumerate() {
            validate_reference(name, devices, &list.index(index), errors);
        }
        unique(names.items().map(View::as_str), list, errors);
    }
}

fn validate_reference(name: &str, devices: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() > 2 {
        errors.push(Error::invalid(path, name, REFERENCE));
        return;
    }
    for part in &parts {
        errors.extend(checks::dns_label(part, path));
    }
    let is_known = devices.list("requests").any(|request| {
        let first = request.str("name") == parts[0];
        first && parts.get(1).is_none_or(|part| request.list("firstAvailable").any(|sub| sub.str("name") == *part))
    });
    if !is_known {
        errors.push(Error::invalid(path, name, REFERENCE));
    }
}

fn validate_config(config: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (opaque, place) = (config.get("opaque"), path.child("opaque"));
    if !opaque.exists() {
        errors.push(Error::required(&place, ""));
        return;
    }
    driver_name(opaque.str("driver"), &place.child("driver"), errors);
    validate_raw(opaque, "parameters", &place.child("parameters"), errors);
}

fn validate_raw(holder: View<'_>, field: &str, path: &Path<'_>, errors: &mut Errors) {
    let value = holder.get(field);
    if !value.exists() {
        errors.push(Error::required(path, ""));
    } else if raw::text(holder, field).len() > LONGEST_PARAMETERS {
        errors.push(Error::too_long(path, i64::try_from(LONGEST_PARAMETERS).unwrap_or(i64::MAX)));
    } else if value.as_map().is_none() {
        errors.push(Error::invalid(path, "<value omitted>", "must be a valid JSON object"));
    }
}

/// Validates the changed status of a claim.
pub(super) fn validate_status_update(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = checks::meta_update(object, old);
    let (status, before, path) = (object.get("status"), old.get("status"), Path::new("status"));
    let (users, list) = (status.get("reservedFor"), path.child("reservedFor"));
    let (allocation, place) = (status.get("allocation"), path.child("allocation"));
    if fits(users, 256, &list, &mut errors) {
        for (index, user) in users.items().enumerate() {
            let item = list.index(index);
            for name in ["resource", "name", "uid"].into_iter().filter(|name| user.str(name).is_empty()) {
                errors.push(Error::required(&item.child(name), ""));
            }
        }
        unique(users.items().map(|user| user.str("uid")), &list, &mut errors);
    }
    validate_device_statuses(status, &path.child("devices"), &mut errors);
    if !users.is_empty() && !allocation.exists() {
        errors.push(Error::forbidden(&list, "may not be specified when `allocated` is not set"));
    } else if object.get("metadata").has("deletionTimestamp") {
        let known = |user: View<'_>| before.list("reservedFor").any(|other| other.same(user));
        if !users.items().all(known) {
            let detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            errors.push(Error::forbidden(&list, detail));
        }
    }
    if allocation.exists() && before.has("allocation") {
        if !allocation.same(before.get("allocation")) {
            errors.push(Error::invalid_shown(&place, show::allocation(allocation), FIELD_IMMUTABLE));
        }
    } else if allocation.exists() {
        validate_allocation(allocation, object.at(&["spec", "devices"]), &place, &mut errors);
    }
    errors
}

fn validate_device_statuses(status: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let allocated: Vec<_> = status.at(&["allocation", "devices"]).list("results").map(device_id).collect();
    for (index, device) in status.list("devices").enumerate() {
        let item = list.index(index);
        driver_name(device.str("driver"), &item.child("driver"), errors);
        pool_name(device.str("pool"), &item.child("pool"), errors);
        errors.extend(checks::dns_label(device.str("device"), &item.child("device")));
        share_id(device, &item, errors);
        if !allocated.contains(&device_id(device)) {
            errors.push(Error::invalid_shown(&item, show_id(device), "must be an allocated device in the claim"));
        }
        fits(device.get("conditions"), 8, &item.child("conditions"), errors);
        errors.extend(validate_conditions(device.get("conditions"), &item.child("conditions")));
        if device.has("data") {
            validate_raw(device, "data", &item.child("data"), errors);
        }
        validate_network(device.get("networkData"), &item.child("networkData"), errors);
    }
    let mut seen = HashSet::new();
    for (index, device) in status.list("devices").enumerate() {
        if !seen.insert(show_id(device)) {
            errors.push(Error::duplicate_shown(&list.index(index), show_id(device)));
        }
    }
}

/// Driver, pool, device and share, as messages show them.
fn show_id(device: View<'_>) -> String {
    let parts = [("Driver", "driver"), ("Pool", "pool"), ("Device", "device"), ("ShareID", "shareID")];
    let parts = parts.map(|(shown, name)| format!("\"{shown}\":{}", quote(device.str(name))));
    format!("{{{}}}", parts.join(","))
}

/// The share of a device, if it has one, is a UUID in its usual form.
fn share_id(device: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let Some(id) = device.opt_str("shareID") else { return };
    let detail = match uuid_fault(id) {
        Some(fault) => format!("error validating uid: {fault}"),
        None if id.len() == 36 && !id.bytes().any(|byte| byte.is_ascii_uppercase()) => return,
        None => "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase \
                 hexadecimal characters"
            .to_owned(),
    };
    errors.push(Error::invalid(&path.child("shareID"), id, detail));
}

/// What keeps a text from being a UUID in any of its forms.
fn uuid_fault(id: &str) -> Option<String> {
    const MALFORMED: &str = "invalid UUID format";
    let bytes = id.as_bytes();
    let plain = match bytes.len() {
        32 => return (!bytes.iter().all(u8::is_ascii_hexdigit)).then(|| MALFORMED.to_owned()),
        36 => bytes,
        38 if bytes.starts_with(b"{") && bytes.ends_with(b"}") => &bytes[1..37],
        38 => return Some("invalid bracketed UUID format".to_owned()),
        45 if bytes[..9].eq_ignore_ascii_case(b"urn:uuid:") => &bytes[9..],
        45 => return Some(format!("invalid urn prefix: {}", quote(&String::from_utf8_lossy(&bytes[..9])))),
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let is_right = |(index, byte): (usize, &u8)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (!plain.iter().enumerate().all(is_right)).then(|| MALFORMED.to_owned())
}

/// What a device is on the network.
fn validate_network(data: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (name, most) in [("interfaceName", 256), ("hardwareAddress", 128)] {
        if i64::try_from(data.str(name).len()).unwrap_or(i64::MAX) > most {
            errors.push(Error::too_long(&path.child(name), most));
        }
    }
    let (addresses, list) = (data.get("ips"), path.child("ips"));
    if fits(addresses, 16, &list, errors) {
        for (index, address) in addresses.items().map(View::as_str).enumerate() {
            errors.extend(is_valid_interface_address(&list.index(index), address));
        }
        unique(addresses.items().map(View::as_str), &list, errors);
    }
}

fn validate_allocation(allocation: View<'_>, devices: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (given, place) = (allocation.get("devices"), path.child("devices"));
    let (results, list) = (given.get("results"), place.child("results"));
    if fits(results, MOST, &list, errors) {
        for (index, result) in results.items().enumerate() {
            let item = list.index(index);
            validate_reference(result.str("request"), devices, &item.child("request"), errors);
            driver_name(result.str("driver"), &item.child("driver"), errors);
            pool_name(result.str("pool"), &item.child("pool"), errors);
            errors.extend(checks::dns_label(result.str("device"), &item.child("device")));
            binding_conditions(result, &item, errors);
            share_id(result, &item, errors);
        }
    }
    let (configs, list) = (given.get("config"), place.child("config"));
    if fits(configs, 2 * MOST, &list, errors) {
        for (index, config) in configs.items().enumerate() {
            let item = list.index(index);
            let sources = ["FromClaim", "FromClass"];
            errors.extend(checks::required_one_of(config.str("source"), &sources, &item.child("source")));
            validate_references(config.get("requests"), devices, &item.child("requests"), errors);
            validate_config(config, &item, errors);
        }
    }
    if allocation.has("nodeSelector") {
        validate_node_selector(allocation.get("nodeSelector"), false, &path.child("nodeSelector"), errors);
    }
}

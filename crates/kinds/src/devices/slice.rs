//! Validation of slices: what devices there are.

use super::common::{EFFECTS, binding_conditions, driver_name, fits, pool_name, qualified_name, unique};
use super::policy;
use crate::change::set_default;
use crate::checks;
use crate::core::pod;
use crate::core::pod::affinity::validate_node_selector;
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_immutable_field, validate_label_name};
use object::names::{is_dns1123_subdomain, is_valid_label_value};
use object::{Map, Value, View};
use regex::Regex;
use std::sync::LazyLock;

const MOST_DEVICES: i64 = 128;
/// Where devices have taints, counters or lists.
const MOST_ADVANCED_DEVICES: i64 = 64;
const LONGEST_VALUE: i64 = 64;
/// Most values of all attributes of a device.
const MOST_VALUES: usize = 48;
/// Fields of an attribute that hold several values.
const LISTS: &[&str] = &["bools", "ints", "strings", "versions"];

static SEMVER: LazyLock<Regex> = LazyLock::new(|| {
    const NUMBER: &str = r"(0|[1-9][0-9]*)";
    const PRE: &str = r"(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)";
    const BUILD: &str = r"[0-9a-zA-Z-]+";
    let form = format!(r"^{NUMBER}\.{NUMBER}\.{NUMBER}(-{PRE}(\.{PRE})*)?(\+{BUILD}(\.{BUILD})*)?$");
    Regex::new(&form).expect("the form is fixed")
});

/// Validates the spec of a slice, against the old one if there is one.
pub(super) fn validate(spec: View<'_>, old: View<'_>, errors: &mut Errors) {
    let path = Path::new("spec");
    let (pool, place) = (spec.get("pool"), path.child("pool"));
    driver_name(spec.str("driver"), &path.child("driver"), errors);
    pool_name(pool.str("name"), &place.child("name"), errors);
    if pool.int("resourceSliceCount") <= 0 {
        let count = pool.int("resourceSliceCount");
        errors.push(Error::invalid(&place.child("resourceSliceCount"), count, checks::NOT_POSITIVE));
    }
    if pool.int("generation") < 0 {
        let detail = "must be greater than or equal to zero";
        errors.push(Error::invalid(&place.child("generation"), pool.int("generation"), detail));
    }
    if old.exists() {
        let before = old.get("pool").get("name");
        errors.extend(validate_immutable_field(pool.get("name"), before, &place.child("name")));
        errors.extend(validate_immutable_field(spec.get("driver"), old.get("driver"), &path.child("driver")));
        // An empty name is not a missing one.
        if spec.opt_str("nodeName") != old.opt_str("nodeName") {
            errors.push(Error::invalid(&path.child("nodeName"), spec.get("nodeName").to_value(), FIELD_IMMUTABLE));
        }
    }
    validate_nodes(spec, &path, errors);
    if spec.has("sharedCounters") && spec.has("devices") {
        errors.push(Error::invalid(&path, "", "only one of `sharedCounters` or `devices` is allowed"));
    }
    let (devices, list) = (spec.get("devices"), path.child("devices"));
    let most = if devices.items().any(is_advanced) { MOST_ADVANCED_DEVICES } else { MOST_DEVICES };
    if fits(devices, most, &list, errors) {
        for (index, device) in devices.items().enumerate() {
            validate_device(device, spec.bool("perDeviceNodeSelection"), &list.index(index), errors);
        }
        unique(devices.items().map(|device| device.str("name")), &list, errors);
    }
    let (sets, list) = (spec.get("sharedCounters"), path.child("sharedCounters"));
    if fits(sets, 8, &list, errors) {
        for (index, set) in sets.items().enumerate() {
            validate_counters(set, "name", &list.index(index), errors);
        }
        unique(sets.items().map(|set| set.str("name")), &list, errors);
    }
}

fn is_advanced(device: View<'_>) -> bool {
    let has_list =
        |attribute: View<'_>| ["bools", "ints", "strings", "versions"].iter().any(|name| attribute.has(name));
    !device.get("taints").is_empty()
        || !device.get("consumesCounters").is_empty()
        || device.get("attributes").entries().any(|(_, attribute)| has_list(attribute))
}

fn validate_nodes(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let mut set = Vec::new();
    if let Some(name) = spec.opt_str("nodeName") {
        let place = path.child("nodeName");
        if name.is_empty() {
            errors.push(Error::invalid(&place, "", "must be either unset or set to a non-empty string"));
        } else {
            set.push("`nodeName`");
            errors.extend(checks::each(is_dns1123_subdomain(name), name, &place));
        }
    }
    let (selector, place) = (spec.get("nodeSelector"), path.child("nodeSelector"));
    if selector.exists() {
        set.push("`nodeSelector`");
        validate_node_selector(selector, false, &place, errors);
        let terms = selector.get("nodeSelectorTerms");
        if terms.len() != 1 {
            let detail = "must have exactly one node selector term";
            let shown: Vec<String> = terms.items().map(|term| pod::dump_compact("NodeSelectorTerm", term)).collect();
            let shown = if terms.exists() { format!("[{}]", shown.join(",")) } else { "null".to_owned() };
            errors.push(Error::invalid_shown(&place.child("nodeSelectorTerms"), shown, detail));
        }
    }
    for (name, shown) in [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")] {
        match spec.opt_bool(name) {
            Some(true) => set.push(shown),
            Some(false) => {
                errors.push(Error::invalid(&path.child(name), false, "must be either unset or set to true"));
            }
            None => {}
        }
    }
    let wanted = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    validate_one(&set, wanted, ", but multiple fields are set", path, errors);
}

fn validate_one(set: &[&str], wanted: &str, many: &str, path: &Path<'_>, errors: &mut Errors) {
    match set.len() {
        0 => errors.push(Error::required(path, wanted)),
        1 => {}
        _ => errors.push(Error::invalid(path, format!("{{{}}}", set.join(", ")), format!("{wanted}{many}"))),
    }
}

fn validate_device(device: View<'_>, selects_nodes: bool, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(checks::dns_label(device.str("name"), &path.child("name")));
    let (attributes, capacity) = (device.get("attributes"), device.get("capacity"));
    if attributes.len() + capacity.len() > 32 {
        let detail = "the total number of attributes and capacities must not exceed 32";
        errors.push(Error::invalid(path, attributes.len() + capacity.len(), detail));
    }
    let values: usize = attributes.entries().map(|(_, attribute)| values_of(attribute)).sum();
    if values > MOST_VALUES {
        let detail = format!("the total number of attribute values must not exceed {MOST_VALUES}");
        errors.push(Error::invalid(path, values, detail));
    }
    let place = path.child("attributes");
    for (name, attribute) in attributes.entries() {
        qualified_name(name, &place, errors);
        validate_attribute(attribute, &place.key(name), errors);
    }
    let place = path.child("capacity");
    for (name, amount) in capacity.entries() {
        qualified_name(name, &place, errors);
        policy::validate(amount, device.bool("allowMultipleAllocations"), &place.key(name), errors);
    }
    let list = path.child("taints");
    if fits(device.get("taints"), 16, &list, errors) {
        for (index, taint) in device.list("taints").enumerate() {
            validate_taint(taint, &list.index(index), errors);
        }
    }
    let (counters, list) = (device.get("consumesCounters"), path.child("consumesCounters"));
    if fits(counters, 2, &list, errors) {
        for (index, counter) in counters.items().enumerate() {
            validate_counters(counter, "counterSet", &list.index(index), errors);
        }
        unique(counters.items().map(|counter| counter.str("counterSet")), &list, errors);
    }
    validate_nodes_of_device(device, selects_nodes, path, errors);
    binding_conditions(device, path, errors);
}

/// How many values an attribute has.
fn values_of(attribute: View<'_>) -> usize {
    LISTS.iter().map(|list| attribute.get(list).len()).sum::<usize>().max(1)
}

fn validate_nodes_of_device(device: View<'_>, selects_nodes: bool, path: &Path<'_>, errors: &mut Errors) {
    if !selects_nodes {
        if ["nodeName", "nodeSelector", "allNodes"].iter().any(|name| device.has(name)) {
            let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set \
                          to true in the ResourceSlice spec";
            errors.push(Error::invalid(path, Value::Null, detail));
        }
        return;
    }
    let mut set = Vec::new();
    if let Some(name) = device.opt_str("nodeName") {
        let place = path.child("nodeName");
        if name.is_empty() {
            errors.push(Error::invalid(&place, "", "must not be empty"));
        } else {
            set.push("`nodeName`");
            errors.extend(checks::each(is_dns1123_subdomain(name), name, &place));
        }
    }
    if device.has("nodeSelector") {
        set.push("`nodeSelector`");
        validate_node_selector(device.get("nodeSelector"), false, &path.child("nodeSelector"), errors);
    }
    match device.opt_bool("allNodes") {
        Some(true) => set.push("`allNodes`"),
        Some(false) => {
            errors.push(Error::invalid(&path.child("allNodes"), false, "must be either unset or set to true"));
        }
        None => {}
    }
    let wanted = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is \
                  set to true in the ResourceSlice spec";
    validate_one(&set, wanted, "", path, errors);
}

/// Tells when taints were added.
pub(super) fn date_taints(object: &mut Value, now: &str) {
    let devices = object.pointer_mut("/spec/devices").and_then(Value::as_array_mut);
    for device in devices.into_iter().flatten() {
        let taints = device.get_mut("taints").and_then(Value::as_array_mut);
        for taint in taints.into_iter().flatten().filter_map(Value::as_object_mut) {
            set_default(taint, "timeAdded", now);
        }
    }
}

/// Drops what belongs to features that are switched off.
pub(super) fn drop_disabled(object: &mut Value, old: View<'_>) {
    let uses = |field: &'static str| old.get("spec").list("devices").any(|device| device.has(field));
    let keeps_mappings = uses("nodeAllocatableResourceMappings");
    let keeps_lists = old.get("spec").list("devices").any(|device| {
        device.get("attributes").entries().any(|(_, attribute)| LISTS.iter().any(|list| attribute.has(list)))
    });
    let devices = object.pointer_mut("/spec/devices").and_then(Value::as_array_mut);
    for device in devices.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !keeps_mappings {
            device.remove("nodeAllocatableResourceMappings");
        }
        let attributes = device.get_mut("attributes").and_then(Value::as_object_mut).filter(|_| !keeps_lists);
        for attribute in attributes.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            attribute.retain(|name, _| !LISTS.contains(&name.as_str()));
        }
    }
}

/// An attribute as messages show it: with the names of upstream's internal form.
fn show_attribute(attribute: View<'_>) -> String {
    let fields = [
        ("IntValue", "int"),
        ("BoolValue", "bool"),
        ("StringValue", "string"),
        ("VersionValue", "version"),
        ("IntValues", "ints"),
        ("BoolValues", "bools"),
        ("StringValues", "strings"),
        ("VersionValues", "versions"),
    ];
    let parts: Vec<String> =
        fields.iter().map(|(shown, name)| format!("\"{shown}\":{}", attribute.get(name).to_value())).collect();
    format!("{{{}}}", parts.join(","))
}

fn validate_attribute(attribute: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let texts = |name: &'static str, list: &'static str| {
        let place = path.child(list);
        let single = attribute.opt_str(name).map(|text| (path.child(name).to_string(), text));
        let many = attribute.strings(list).enumerate().map(|(index, text)| (place.index(index).to_string(), text));
        single.into_iter().chain(many).map(|(place, text)| (place, text.to_owned())).collect::<Vec<_>>()
    };
    for (place, text) in texts("string", "strings") {
        too_long(&text, &Path::new(&place), errors);
    }
    for (place, text) in texts("version", "versions") {
        let place = Path::new(&place);
        if !SEMVER.is_match(&text) {
            let detail = "must be a string compatible with semver.org spec 2.0.0";
            errors.push(Error::invalid(&place, text.as_str(), detail));
        }
        too_long(&text, &place, errors);
    }
    let names = ["bool", "int", "string", "version", "bools", "ints", "strings", "versions"];
    match names.iter().filter(|name| attribute.has(name)).count() {
        0 => errors.push(Error::invalid(path, "", "exactly one value must be specified")),
        1 => {}
        _ => errors.push(Error::invalid_shown(path, show_attribute(attribute), "exactly one value must be specified")),
    }
}

fn too_long(text: &str, path: &Path<'_>, errors: &mut Errors) {
    if i64::try_from(text.len()).unwrap_or(i64::MAX) > LONGEST_VALUE {
        errors.push(Error::too_long(path, LONGEST_VALUE));
    }
}

fn validate_taint(taint: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let value = taint.str("value");
    errors.extend(validate_label_name(taint.str("key"), &path.child("key")));
    errors.extend(checks::each(is_valid_label_value(value), value, &path.child("value")));
    errors.extend(checks::required_one_of(taint.str("effect"), &EFFECTS, &path.child("effect")));
}

/// A set of counters, which stands under `name`.
fn validate_counters(set: View<'_>, name: &'static str, path: &Path<'_>, errors: &mut Errors) {
    let (label, place) = (set.str(name), path.child(name));
    match label {
        "" => errors.push(Error::required(&place, "")),
        _ => errors.extend(checks::dns_label(label, &place)),
    }
    let (counters, place) = (set.get("counters"), path.child("counters"));
    if counters.is_empty() {
        errors.push(Error::required(&place, ""));
    } else if fits(counters, 32, &place, errors) {
        for (name, _) in counters.entries() {
            errors.extend(checks::dns_label(name, &place));
        }
    }
}

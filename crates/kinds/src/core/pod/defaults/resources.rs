//! Defaults of resource amounts: requests from limits, for containers and whole pods, and whole thousandths.

use super::{Fields, items};
use crate::core::pod::amounts::{Amounts, aggregate, is_pod_level};
use crate::core::resource_names::{is_huge_pages, is_overcommit_allowed};
use object::quantity::{Format, Quantity};
use object::{Value, View, json};

/// A container that limits a resource and requests nothing of it requests the limit.
pub(super) fn requests_from_limits(spec: &mut Value) {
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { continue };
            let limits = resources.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
            add_missing(resources, "requests", limits);
        }
    }
}

/// Limits and requests of the whole pod follow from those of its containers once the pod has some of its own.
pub(in crate::core::pod) fn pod_level(spec: &mut Value) {
    let resources = View::from(&*spec).get("resources");
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    if limits.is_empty() && requests.is_empty() {
        return;
    }
    let pages: Fields = entries(aggregate(View::from(&*spec), "limits"))
        .filter(|(name, _)| is_huge_pages(name) && !requests.has(name))
        .collect();
    let Some(resources) = spec.get_mut("resources").and_then(Value::as_object_mut) else { return };
    add_missing(resources, "limits", pages);
    pod_level_requests(spec);
}

fn pod_level_requests(spec: &mut Value) {
    let limits = View::from(&*spec).at(&["resources", "limits"]);
    if limits.is_empty() {
        return;
    }
    let mut wanted: Fields = limits
        .entries()
        .filter(|(name, _)| is_pod_level(name))
        .map(|(name, amount)| (name.to_owned(), amount.to_value()))
        .collect();
    let summed = entries(aggregate(View::from(&*spec), "requests"));
    wanted.extend(summed.filter(|(name, _)| is_pod_level(name) && is_overcommit_allowed(name)));
    let Some(resources) = spec.get_mut("resources").and_then(Value::as_object_mut) else { return };
    add_missing(resources, "requests", wanted);
}

/// Adds the entries that the map `name` lacks.
fn add_missing(resources: &mut Fields, name: &str, entries: Fields) {
    if entries.is_empty() {
        return;
    }
    let map = resources.entry(name).or_insert(Value::Null);
    if map.is_null() {
        *map = json!({});
    }
    let Some(map) = map.as_object_mut() else { return };
    for (key, value) in entries {
        map.entry(key).or_insert(value);
    }
}

fn entries(amounts: Amounts<'_>) -> impl Iterator<Item = (String, Value)> {
    let pairs: Vec<_> = amounts.iter().map(|(name, amount)| ((*name).to_owned(), amount.to_string().into())).collect();
    pairs.into_iter()
}

/// Rounds limits and requests up to thousandths.
pub(crate) fn round_requirements(requirements: Option<&mut Value>) {
    let Some(requirements) = requirements else { return };
    round_list(requirements.get_mut("limits"));
    round_list(requirements.get_mut("requests"));
}

/// Rounds the amounts of a map up to thousandths.
pub(super) fn round_list(list: Option<&mut Value>) {
    for amount in list.and_then(Value::as_object_mut).into_iter().flat_map(|list| list.values_mut()) {
        let Ok(quantity) = Quantity::from_value(amount) else { continue };
        let rounded = Quantity::new_milli(quantity.milli_value(), quantity.format());
        let text = if is_just_above(&rounded, &quantity) { rounded.to_string() } else { quantity.to_string() };
        *amount = text.into();
    }
}

/// True if the two differ by less than a thousandth: amounts too large for thousandths are left alone.
fn is_just_above(rounded: &Quantity, exact: &Quantity) -> bool {
    let mut difference = rounded.clone();
    difference.sub(exact);
    let milli = |value| Quantity::new_milli(value, Format::DecimalSi);
    !difference.is_zero() && difference < milli(1) && difference > milli(-1)
}

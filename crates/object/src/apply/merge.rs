//! Merging an applied configuration into the live object: nothing is removed here.

use super::element::PathElement;
use super::place::{Form, Place};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use value::{Key, Map, Value};

/// The live value with the configuration laid over it. Lists that the configuration touches take its order.
pub(super) fn merge(place: Place<'_>, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let (live_form, config_form) = (place.form(live), place.form(config));
    match (live, config) {
        (None, None) => None,
        (_, None) => formed(place, live_form, live, config),
        _ => formed(place, config_form, live, config),
    }
}

fn formed(place: Place<'_>, form: Form, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let keep = || config.or(live).cloned();
    match form {
        Form::Scalar => keep(),
        Form::List => {
            let (a, b) = (list(live), list(config));
            if place.is_atomic(form) || (a.is_empty() && b.is_empty()) { keep() } else { merge_items(place, a, b) }
        }
        Form::Map => {
            let (a, b) = (live.and_then(Value::as_object), config.and_then(Value::as_object));
            if place.is_atomic(form) || (a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty)) {
                return keep();
            }
            merge_entries(place, a, b)
        }
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn merge_entries(place: Place<'_>, live: Option<&Map>, config: Option<&Map>) -> Option<Value> {
    let mut out = Map::new();
    let names: BTreeSet<&Key> = live.into_iter().flatten().chain(config.into_iter().flatten()).map(|e| e.0).collect();
    for name in names {
        let (a, b) = (live.and_then(|map| map.get(name)), config.and_then(|map| map.get(name)));
        let merged = match place.field(name) {
            Some((below, _)) => merge(below, a, b),
            None => b.or(a).cloned(),
        };
        if let Some(value) = merged {
            out.insert(name.clone(), value);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// The items of both lists: those that both have stand in the configuration's order, and what only the live list has
/// stays near its neighbours.
fn merge_items(place: Place<'_>, live: &[Value], config: &[Value]) -> Option<Value> {
    let live: Vec<(PathElement, &Value)> = keyed(place, live);
    let config: Vec<(PathElement, &Value)> = keyed(place, config);
    let config_by: BTreeMap<&PathElement, &Value> = config.iter().map(|(element, item)| (element, *item)).collect();
    // An item that stands twice in the live list is not merged with.
    let mut live_by: BTreeMap<&PathElement, &Value> = BTreeMap::new();
    for (element, item) in &live {
        live_by.entry(element).and_modify(|item| *item = &Value::Null).or_insert(item);
    }
    let mut shared: VecDeque<&PathElement> =
        config.iter().map(|(element, _)| element).filter(|element| live_by.contains_key(element)).collect();
    let mut next_shared = shared.pop_front();
    let mut merged: BTreeSet<&PathElement> = BTreeSet::new();
    let (mut l, mut c) = (0, 0);
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    while l < live.len() || c < config.len() {
        if let (Some((ours, _)), Some((theirs, _))) = (live.get(l), config.get(c)) {
            if ours == theirs {
                merged.insert(ours);
                out.extend(merge(place.item(), live_by.get(ours).copied(), config_by.get(ours).copied()));
                l += 1;
                c += 1;
                next_shared = shared.pop_front();
                continue;
            }
            if config_by.contains_key(ours) && next_shared.is_some_and(|next| next != ours) {
                l += 1;
                continue;
            }
        }
        if let Some((ours, item)) = live.get(l) {
            if !config_by.contains_key(ours) {
                out.extend(merge(place.item(), Some(item), None));
                l += 1;
                continue;
            }
            if merged.contains(ours) {
                l += 1;
            }
        }
        if let Some((theirs, item)) = config.get(c) {
            merged.insert(theirs);
            out.extend(merge(place.item(), live_by.get(theirs).copied(), Some(item)));
            c += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.pop_front();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}

fn keyed<'v>(place: Place<'_>, items: &'v [Value]) -> Vec<(PathElement, &'v Value)> {
    items.iter().filter_map(|item| place.element_of(item).ok().map(|element| (element, item))).collect()
}

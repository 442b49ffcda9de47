//! Puts endpoints into as few slices as can be without rewriting many. Pure.

use informer::Shared;
use object::{Value, View, json};
use std::collections::BTreeMap;

/// How many endpoints a slice may have.
pub(super) const MOST: usize = 100;

/// What becomes of the slices of one set of ports.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Endpoints of slices to make.
    pub(super) create: Vec<Vec<Value>>,
    /// Slices to change, and what they get.
    pub(super) update: Vec<(Shared, Vec<Value>)>,
    /// Slices to delete.
    pub(super) delete: Vec<Shared>,
}

/// What tells endpoints from each other: their addresses, and what they are of.
pub(super) fn identity(endpoint: View<'_>) -> String {
    let target = endpoint.get("targetRef");
    let addresses: Vec<&str> = endpoint.strings("addresses").collect();
    format!("{} {} {} {}", addresses.join(","), target.str("uid"), target.str("name"), endpoint.str("hostname"))
}

/// Fits `wanted` into the slices that are there.
pub(super) fn pack(existing: &[Shared], wanted: Vec<Value>, most: usize) -> Plan {
    let mut wanted: BTreeMap<String, Value> =
        wanted.into_iter().map(|endpoint| (identity(View::from(&endpoint)), endpoint)).collect();
    let mut plan = Plan::default();
    let mut unchanged: Vec<(Shared, Vec<Value>)> = Vec::new();
    for slice in existing {
        let old = slice.get("endpoints").to_items();
        let mut kept = Vec::with_capacity(old.len());
        let mut is_changed = false;
        for endpoint in &old {
            match wanted.remove(&identity(View::from(endpoint))) {
                Some(endpoint_now) => {
                    is_changed |= !alike(endpoint, &endpoint_now);
                    kept.push(endpoint_now);
                }
                None => is_changed = true,
            }
        }
        match (is_changed, kept.is_empty()) {
            (_, true) if !old.is_empty() || existing.len() > 1 => plan.delete.push(slice.clone()),
            (true, _) => plan.update.push((slice.clone(), kept)),
            (false, _) => unchanged.push((slice.clone(), kept)),
        }
    }
    let mut rest: Vec<Value> = wanted.into_values().collect();
    // Slices that change anyway are filled first, the fullest before the others.
    plan.update.sort_by_key(|(_, endpoints)| std::cmp::Reverse(endpoints.len()));
    for (_, endpoints) in &mut plan.update {
        fill(endpoints, &mut rest, most);
    }
    while !rest.is_empty() {
        let fits = |endpoints: &[Value]| endpoints.len() + rest.len() <= most;
        let closest = (0..unchanged.len()).filter(|at| fits(&unchanged[*at].1)).max_by_key(|at| unchanged[*at].1.len());
        match closest {
            Some(at) => {
                let (slice, mut endpoints) = unchanged.swap_remove(at);
                fill(&mut endpoints, &mut rest, most);
                plan.update.push((slice, endpoints));
            }
            None => {
                let mut endpoints = Vec::new();
                fill(&mut endpoints, &mut rest, most);
                plan.create.push(endpoints);
            }
        }
    }
    plan
}

fn fill(endpoints: &mut Vec<Value>, rest: &mut Vec<Value>, most: usize) {
    let room = most.saturating_sub(endpoints.len()).min(rest.len());
    endpoints.extend(rest.drain(..room));
}

fn alike(a: &Value, b: &Value) -> bool {
    let strip = |endpoint: &Value| {
        let mut endpoint = endpoint.clone();
        if let Some(map) = endpoint.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        endpoint
    };
    strip(a) == strip(b)
}

/// The ports of a slice, as they tell sets of ports from each other.
pub(super) fn port_key(ports: View<'_>) -> String {
    let mut keys: Vec<String> = ports
        .items()
        .map(|port| {
            let (name, protocol, app) = (port.str("name"), port.str("protocol"), port.str("appProtocol"));
            json!([name, protocol, port.int("port"), app]).to_string()
        })
        .collect();
    keys.sort();
    keys.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use informer::Object;

    fn endpoints(range: std::ops::Range<usize>) -> Vec<Value> {
        range
            .map(|number| json!({"addresses": [format!("10.0.0.{number:03}")], "conditions": {"ready": true}}))
            .collect()
    }

    fn slice(name: &str, range: std::ops::Range<usize>) -> Shared {
        Shared::new(Object::new(json!({"metadata": {"name": name}, "endpoints": endpoints(range)})))
    }

    /// `existing`, then what is wanted → sizes of new slices, names and sizes of changed ones, names of deleted ones.
    #[track_caller]
    fn check(
        existing: &[Shared],
        wanted: std::ops::Range<usize>,
        create: &[usize],
        update: &[(&str, usize)],
        delete: &[&str],
    ) {
        let plan = pack(existing, endpoints(wanted), 10);
        assert_eq!(plan.create.iter().map(Vec::len).collect::<Vec<_>>(), create);
        assert_eq!(plan.update.iter().map(|(slice, all)| (slice.name(), all.len())).collect::<Vec<_>>(), update);
        assert_eq!(plan.delete.iter().map(|slice| slice.name()).collect::<Vec<_>>(), delete);
    }

    #[test]
    fn endpoints_go_into_few_slices() {
        check(&[], 0..25, &[10, 10, 5], &[], &[]);
        check(&[slice("a", 0..5)], 0..5, &[], &[], &[]);
        check(&[slice("a", 0..5)], 0..8, &[], &[("a", 8)], &[]);
        check(&[slice("a", 0..5)], 0..18, &[10], &[("a", 8)], &[]);
        check(&[slice("a", 0..9), slice("b", 9..12)], 0..14, &[], &[("b", 5)], &[]);
        check(&[slice("a", 0..5), slice("b", 5..8)], 0..5, &[], &[], &["b"]);
        check(&[slice("a", 0..5), slice("b", 5..8)], 1..9, &[], &[("a", 5)], &[]);
    }

    #[test]
    fn what_changes_is_written_in_place() {
        let mut wanted = endpoints(0..2);
        wanted[1]["conditions"]["ready"] = false.into();
        let plan = pack(&[slice("a", 0..2)], wanted, 10);
        assert_eq!(plan.update.len(), 1);
        assert_eq!(plan.update[0].1[1]["conditions"]["ready"], false);
    }
}

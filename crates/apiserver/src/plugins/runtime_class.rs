//! RuntimeClass: a pod's runtime class exists, and brings its overhead and its nodes.

use super::tolerations::merge;
use super::{Ask, Plugin};
use kinds::usage::Amounts;
use object::names::is_path_segment_name;
use object::quote::quote;
use object::{Status, Value, View};
use std::sync::Arc;

/// A pod's runtime class exists, and brings its overhead and its nodes.
pub(super) struct RuntimeClass;

impl Plugin for RuntimeClass {
    fn name(&self) -> &'static str {
        "RuntimeClass"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.creates("", "pods") {
            return Ok(());
        }
        let Some(class) = class(ask, (&*object).into())? else { return Ok(()) };
        set_overhead(ask, object, (&*class).into())?;
        set_scheduling(ask, object, View::from(&*class).get("scheduling"))
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, _old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.creates("", "pods") {
            return Ok(());
        }
        let class = class(ask, object)?;
        let overhead = View::from(class.as_deref()).get("overhead");
        let own = object.get("spec").get("overhead");
        let why = match overhead.exists() {
            true if Amounts::read(own) != Amounts::read(overhead.get("podFixed")) => MISMATCH,
            false if own.exists() => {
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            }
            _ => return Ok(()),
        };
        Err(ask.forbidden(object, why))
    }
}

const MISMATCH: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

fn class(ask: &Ask<'_>, pod: View<'_>) -> Result<Option<Arc<Value>>, Status> {
    let Some(name) = pod.get("spec").opt_str("runtimeClassName") else { return Ok(None) };
    // Upstream's client refuses such names before it asks.
    if name.is_empty() {
        return Err(Status::plain(500, "", "resource name may not be empty"));
    }
    if let Some(fault) = is_path_segment_name(name).first() {
        return Err(Status::plain(500, "", format!("invalid resource name {}: [{fault}]", quote(name))));
    }
    let found = ask.cluster.get("node.k8s.io", "runtimeclasses", "", name);
    found
        .map(Some)
        .ok_or_else(|| ask.forbidden(pod, format_args!("pod rejected: RuntimeClass {} not found", quote(name))))
}

fn set_overhead(ask: &Ask<'_>, pod: &mut Value, class: View<'_>) -> Result<(), Status> {
    let overhead = class.get("overhead");
    if !overhead.exists() {
        return Ok(());
    }
    let own = View::from(&*pod).at(&["spec", "overhead"]);
    if !own.is_empty() && Amounts::read(own) != Amounts::read(overhead.get("podFixed")) {
        return Err(ask.forbidden((&*pod).into(), MISMATCH));
    }
    if !overhead.get("podFixed").is_empty() {
        pod["spec"]["overhead"] = overhead.get("podFixed").to_value();
    }
    Ok(())
}

fn set_scheduling(ask: &Ask<'_>, pod: &mut Value, scheduling: View<'_>) -> Result<(), Status> {
    if !scheduling.exists() {
        return Ok(());
    }
    for (key, value) in scheduling.get("nodeSelector").entries() {
        let value = value.as_str();
        let own = View::from(&*pod).at(&["spec", "nodeSelector"]).opt_str(key);
        if let Some(own) = own.filter(|own| *own != value) {
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}"
            );
            return Err(ask.forbidden((&*pod).into(), why));
        }
        pod["spec"]["nodeSelector"][key] = value.into();
    }
    let own = View::from(&*pod).at(&["spec", "tolerations"]).as_slice();
    let merged = merge(own, scheduling.get("tolerations").as_slice());
    if !merged.is_empty() {
        pod["spec"]["tolerations"] = Value::Array(merged);
    }
    Ok(())
}

//! The APIServices of what is served here: one for each group and version, kept as upstream keeps them.

use crate::discovery;
use crate::registry::Registry;
use object::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Says who keeps an APIService: `onstart` for built-in groups, `true` for those of custom resources.
pub(super) const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
const ON_START: &str = "onstart";
const ALWAYS: &str = "true";

/// The APIServices that there have to be, by name.
pub(super) fn wanted(registry: &Registry) -> BTreeMap<String, Value> {
    let custom: BTreeSet<(&str, &str)> = registry
        .entries()
        .iter()
        .filter(|entry| entry.is_custom())
        .map(|entry| (&*entry.group, &*entry.version))
        .collect();
    let served = discovery::group_versions(registry.entries());
    let mut wanted = BTreeMap::new();
    for (group, version) in served.iter().filter(|(group, _)| group != super::GROUP) {
        let is_custom = custom.contains(&(group.as_str(), version.as_str())) && !registry.is_builtin_group(group);
        let (priorities, managed) = if is_custom {
            ((1000, 100), ALWAYS)
        } else {
            ((discovery::group_priority(group), version_priority(group, version)), ON_START)
        };
        let name = format!("{version}.{group}");
        let object = object(&name, (group, version), priorities, managed);
        wanted.insert(name, object);
    }
    wanted
}

fn object(name: &str, (group, version): (&str, &str), priorities: (u32, u32), managed: &str) -> Value {
    let mut spec = json!({"groupPriorityMinimum": priorities.0, "version": version, "versionPriority": priorities.1});
    if !group.is_empty() {
        spec["group"] = group.into();
    }
    json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name, "labels": {MANAGED: managed}},
        "spec": spec,
    })
}

/// Upstream's numbers.
fn version_priority(group: &str, version: &str) -> u32 {
    match (group, version) {
        ("", _) => 1,
        ("autoscaling", "v2") => 30,
        ("resource.k8s.io" | "flowcontrol.apiserver.k8s.io", "v1") => 21,
        (_, "v1") => 15,
        ("admissionregistration.k8s.io", "v1beta1") => 12,
        (_, "v1beta1") => 9,
        _ => 1,
    }
}

/// What to do with an APIService that is there and is ours: nothing, take it away, or write it so.
pub(super) fn plan(current: &Value, wanted: Option<&Value>) -> Plan {
    let managed = current["metadata"]["labels"][MANAGED].as_str();
    match (managed, wanted) {
        (Some(ON_START | ALWAYS), None) => Plan::Remove,
        (Some(ON_START | ALWAYS), Some(wanted)) if current["spec"] != wanted["spec"] => {
            let mut object = current.clone();
            object["spec"] = wanted["spec"].clone();
            Plan::Replace(object)
        }
        _ => Plan::Keep,
    }
}

/// What to do with an APIService.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    Keep,
    Remove,
    Replace(Value),
}

/// True if it is looked after all the time.
pub(super) fn is_always_managed(object: &Value) -> bool {
    object["metadata"]["labels"][MANAGED] == ALWAYS
}

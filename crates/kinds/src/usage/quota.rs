//! What objects count towards quotas, and which quotas are about which objects.
//!
//! Pods, Services and claims have rules of their own; every other object counts as one of its resource.

use super::{Amounts, Totals, is_best_effort, limits, requests};
use crate::core::pod::amounts::is_pod_level;
use crate::core::resource_names::{is_extended, is_huge_pages};
use object::quantity::{Format, Quantity};
use object::selector::labels::Selector;
use object::time::parse_seconds;
use object::{Value, View, json};
use std::collections::{BTreeMap, BTreeSet};

/// How objects of one resource are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter<'a> {
    /// API group.
    pub group: &'a str,
    /// Plural resource name.
    pub resource: &'a str,
}

/// Resources whose objects are also counted under their plain name.
const PLAIN: [&str; 4] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";
const OF_DEVICE_CLASS: &str = "requests.deviceclass.resource.kubernetes.io/";
/// If one of these is limited, every container has to ask for it.
const REQUIRED: [&str; 6] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

impl Counter<'_> {
    /// `count/pods`, `count/jobs.batch`.
    pub fn count_name(&self) -> String {
        if self.group.is_empty() {
            format!("count/{}", self.resource)
        } else {
            format!("count/{}.{}", self.resource, self.group)
        }
    }

    fn kind(&self) -> &str {
        if self.group.is_empty() { self.resource } else { "" }
    }

    /// True if amounts called `name` depend on objects of this resource.
    pub fn counts(&self, name: &str) -> bool {
        if name == self.count_name() {
            return true;
        }
        match self.kind() {
            "pods" => is_pod_resource(name),
            "services" => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
            "persistentvolumeclaims" => {
                let own = name.split_once(OF_CLASS).map_or(name, |(_, own)| own);
                matches!(own, "persistentvolumeclaims" | "requests.storage")
            }
            kind => PLAIN.contains(&kind) && name == kind,
        }
    }

    /// What an object counts. `now` is in seconds since the epoch.
    pub fn usage(&self, object: View<'_>, now: i64) -> Amounts {
        let mut usage = Amounts::default();
        usage.set(self.count_name(), whole(1));
        match self.kind() {
            "pods" if is_over(object, now) => {}
            "pods" => usage.add(&pod_usage(object)),
            "services" => usage.add(&service_usage(object)),
            "persistentvolumeclaims" => usage.add(&claim_usage(object)),
            kind if PLAIN.contains(&kind) => usage.set(kind, whole(1)),
            _ => {}
        }
        usage
    }

    /// True if a quota limits something that such an object counts, and the object is in its scopes.
    pub fn matches(&self, quota: View<'_>, object: View<'_>) -> bool {
        let mut limited = quota.at(&["status", "hard"]).entries();
        limited.any(|(name, _)| self.counts(name)) && scopes(quota).iter().all(|scope| self.is_in(scope.into(), object))
    }

    /// True if an object is in a scope (`ScopedResourceSelectorRequirement`).
    pub fn is_in(&self, scope: View<'_>, object: View<'_>) -> bool {
        let spec = object.get("spec");
        match (self.kind(), scope.str("scopeName")) {
            ("pods", "Terminating") => is_terminating(object),
            ("pods", "NotTerminating") => !is_terminating(object),
            ("pods", "BestEffort") => is_best_effort(object),
            ("pods", "NotBestEffort") => !is_best_effort(object),
            ("pods", "PriorityClass") => selects(scope, &[spec.str("priorityClassName")]),
            ("pods", "CrossNamespacePodAffinity") => reaches_other_namespaces(spec.get("affinity")),
            ("persistentvolumeclaims", "VolumeAttributesClass") => {
                let status = object.get("status");
                selects(
                    scope,
                    &[
                        spec.str("volumeAttributesClassName"),
                        status.str("currentVolumeAttributesClassName"),
                        status.get("modifyVolumeStatus").str("targetVolumeAttributesClassName"),
                    ],
                )
            }
            _ => false,
        }
    }

    /// What the containers of a pod have to say and do not, if one of `limited` demands it.
    pub fn unsaid<'n>(&self, limited: impl IntoIterator<Item = &'n str>, object: View<'_>) -> Option<String> {
        if self.kind() != "pods" || has_pod_level(object) {
            return None;
        }
        let required: BTreeSet<&str> = limited.into_iter().filter(|name| REQUIRED.contains(name)).collect();
        let mut unsaid: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let spec = object.get("spec");
        for container in spec.list("containers").chain(spec.list("initContainers")) {
            let resources = container.get("resources");
            let said = computed(&Amounts::read(resources.get("requests")), &Amounts::read(resources.get("limits")));
            for name in required.iter().filter(|name| said.get(name).is_none()) {
                unsaid.entry(name).or_default().insert(container.str("name"));
            }
        }
        let parts = unsaid.iter().map(|(name, containers)| {
            format!("{name} for: {}", containers.iter().copied().collect::<Vec<_>>().join(","))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| format!("must specify {}", parts.join("; ")))
    }
}

/// The amounts that a quota is about and how much of each is used, given all objects of its namespace by resource.
pub fn observed<'o>(quota: View<'_>, objects: impl IntoIterator<Item = (Counter<'o>, View<'o>)>, now: i64) -> Amounts {
    let mut used = Amounts::default();
    let limited: Vec<&str> = quota.at(&["spec", "hard"]).entries().map(|(name, _)| name).collect();
    for name in &limited {
        used.set(*name, Quantity::ZERO);
    }
    let scopes = scopes(quota);
    for (counter, object) in objects {
        let counts = limited.iter().any(|name| counter.counts(name));
        if counts && scopes.iter().all(|scope| counter.is_in(scope.into(), object)) {
            used.add(&counter.usage(object, now).only(|name| limited.contains(&name) && counter.counts(name)));
        }
    }
    used
}

/// The scopes of a quota, each as a `ScopedResourceSelectorRequirement`.
pub fn scopes(quota: View<'_>) -> Vec<Value> {
    let spec = quota.get("spec");
    let plain = spec.strings("scopes").map(|scope| json!({ "scopeName": scope, "operator": "Exists" }));
    plain.chain(spec.at(&["scopeSelector", "matchExpressions"]).items().map(View::to_value)).collect()
}

fn whole(value: i64) -> Quantity {
    Quantity::new(value, Format::DecimalSi)
}

// === pods ===

fn is_pod_resource(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    let plain = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
    matches!(plain, "cpu" | "memory" | "ephemeral-storage")
        || name == "pods"
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
        || (name.starts_with("requests.") && (!native || name.starts_with(OF_DEVICE_CLASS)))
}

/// True for a pod that no longer runs, or should no longer.
fn is_over(pod: View<'_>, now: i64) -> bool {
    let (status, metadata) = (pod.get("status"), pod.get("metadata"));
    if matches!(status.str("phase"), "Failed" | "Succeeded") {
        return true;
    }
    match (parse_seconds(metadata.str("deletionTimestamp")), metadata.opt_int("deletionGracePeriodSeconds")) {
        (Some(deleted), Some(grace)) => now > deleted.saturating_add(grace),
        _ => false,
    }
}

fn pod_usage(pod: View<'_>) -> Amounts {
    let totals = Totals { with_status: true, with_overhead: true };
    computed(&requests(pod, totals), &limits(pod, totals))
}

/// Requests and limits under the names that quotas use.
fn computed(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::default();
    usage.set("pods", whole(1));
    for (name, amount) in &requests.0 {
        let is_plain = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name);
        if is_plain {
            usage.set(name, amount.clone());
        }
        if is_plain || is_extended_or_class(name) {
            usage.set(format!("requests.{name}"), amount.clone());
        }
    }
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(amount) = limits.get(name) {
            usage.set(format!("limits.{name}"), amount.clone());
        }
    }
    usage
}

/// `vendor.example/device`, or a class of devices.
fn is_extended_or_class(name: &str) -> bool {
    name.starts_with("deviceclass.resource.kubernetes.io/") || is_extended(name)
}

fn is_terminating(pod: View<'_>) -> bool {
    pod.get("spec").opt_int("activeDeadlineSeconds").is_some_and(|seconds| seconds >= 0)
}

fn has_pod_level(pod: View<'_>) -> bool {
    let resources = pod.at(&["spec", "resources"]);
    let mut names = resources.get("requests").entries().chain(resources.get("limits").entries());
    names.any(|(name, _)| is_pod_level(name))
}

/// Whether one of the values (empty ones do not count) is what the scope selects.
fn selects(scope: View<'_>, values: &[&str]) -> bool {
    let mut values = values.iter().filter(|value| !value.is_empty()).peekable();
    let name = scope.str("scopeName");
    let requirement =
        json!({ "key": name, "operator": scope.str("operator"), "values": scope.get("values").to_value() });
    let selector = json!({ "matchExpressions": [requirement] });
    let Ok(selector) = Selector::from_object((&selector).into()) else { return false };
    if values.peek().is_none() {
        return selector.matches::<[(&str, &str)]>(&[]);
    }
    values.any(|value| selector.matches::<[(&str, &str)]>(&[(name, value)]))
}

fn reaches_other_namespaces(affinity: View<'_>) -> bool {
    let reaches = |term: View<'_>| !term.get("namespaces").is_empty() || term.has("namespaceSelector");
    ["podAffinity", "podAntiAffinity"].iter().any(|which| {
        let terms = affinity.get(which);
        let mut preferred = terms.list("preferredDuringSchedulingIgnoredDuringExecution");
        terms.list("requiredDuringSchedulingIgnoredDuringExecution").any(reaches)
            || preferred.any(|term| reaches(term.get("podAffinityTerm")))
    })
}

// === Services and claims ===

fn service_usage(service: View<'_>) -> Amounts {
    let spec = service.get("spec");
    let ports = spec.list("ports").len();
    let (node_ports, balancers) = match spec.str("type") {
        "NodePort" => (ports, 0),
        "LoadBalancer" if spec.opt_bool("allocateLoadBalancerNodePorts") == Some(false) => {
            (spec.list("ports").filter(|port| port.int("nodePort") != 0).count(), 1)
        }
        "LoadBalancer" => (ports, 1),
        _ => (0, 0),
    };
    let mut usage = Amounts::default();
    usage.set("services", whole(1));
    usage.set("services.nodeports", whole(i64::try_from(node_ports).unwrap_or(i64::MAX)));
    usage.set("services.loadbalancers", whole(balancers));
    usage
}

fn claim_usage(claim: View<'_>) -> Amounts {
    let mut usage = Amounts::default();
    let class = storage_class(claim);
    let mut set = |name: &str, amount: Quantity| {
        if !class.is_empty() {
            usage.set(format!("{class}{OF_CLASS}{name}"), amount.clone());
        }
        usage.set(name, amount);
    };
    set("persistentvolumeclaims", whole(1));
    let wanted = claim.at(&["spec", "resources", "requests", "storage"]);
    if wanted.exists() {
        let allocated = Quantity::from_view(claim.at(&["status", "allocatedResources", "storage"]));
        set("requests.storage", whole_bytes(Quantity::from_view(wanted).max(allocated)));
    }
    usage
}

/// An amount without a fraction, rounded up.
fn whole_bytes(amount: Quantity) -> Quantity {
    let rounded = Quantity::new(amount.value(), amount.format());
    if rounded == amount { amount } else { rounded }
}

/// The storage class of a claim; empty if it has none. The old annotation goes first.
pub fn storage_class(claim: View<'_>) -> &str {
    let annotations = claim.at(&["metadata", "annotations"]);
    annotations
        .opt_str("volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| claim.get("spec").str("storageClassName"))
}

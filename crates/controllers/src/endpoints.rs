//! Which pods stand behind a Service: EndpointSlices, the older Endpoints, and slices for Endpoints that people write.
//!
//! [`slices`] keeps slices and [`packing`] puts endpoints into few of them; [`legacy`] keeps Endpoints; [`mirror`] makes
//! slices of Endpoints that belong to Services without a selector. Here is what they share.

pub(crate) mod legacy;
pub(crate) mod mirror;
mod packing;
pub(crate) mod slices;

use crate::workload::pods;
use informer::{Cache, Change, Object, Queue, Shared};
use object::selector::labels::Selector;
use object::{Value, View};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The label that a slice has in common with its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Who keeps a slice.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// The label of what stands behind Services without an address.
const HEADLESS: &str = "service.kubernetes.io/headless";

/// Selectors of Services, read once.
#[derive(Default)]
struct Selectors(Mutex<HashMap<String, HashMap<String, Arc<Selector>>>>);

impl Selectors {
    fn hear(&self, change: &Change) {
        let service = change.object();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let namespace = all.entry(service.namespace().to_owned()).or_default();
        let selector = change.new.as_ref().map(|service| service.spec().get("selector"));
        match selector.filter(|selector| !selector.is_empty()) {
            Some(selector) => drop(namespace.insert(service.key(), Arc::new(Selector::from_map(selector)))),
            None => drop(namespace.remove(&service.key())),
        }
    }

    /// The keys of Services that select a pod.
    fn selecting(&self, pod: &Object) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let services = all.get(pod.namespace()).into_iter().flatten();
        services.filter(|(_, selector)| selector.matches(&pod.labels())).map(|(key, _)| key.clone()).collect()
    }
}

/// Wakes Services when they change, and when pods that they select do.
fn wake_services(queue: &Arc<Queue>, services: &Cache, pods: &Cache) {
    let selectors = Arc::new(Selectors::default());
    let (waker, known) = (queue.clone(), selectors.clone());
    services.subscribe(move |change| {
        known.hear(change);
        waker.add(change.object().key());
    });
    let waker = queue.clone();
    pods.subscribe(move |change| {
        if !matters(change) {
            return;
        }
        for pod in change.old.iter().chain(&change.new) {
            selectors.selecting(pod).into_iter().for_each(|key| waker.add(key));
        }
    });
}

/// Whether a change of a pod may change what stands behind Services.
fn matters(change: &Change) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return true };
    let differs = |path: &[&str]| !old.view().at(path).same(new.view().at(path));
    differs(&["metadata", "labels"])
        || differs(&["metadata", "deletionTimestamp"])
        || differs(&["status", "podIPs"])
        || differs(&["status", "podIP"])
        || differs(&["status", "phase"])
        || differs(&["spec", "nodeName"])
        || pods::is_ready(old) != pods::is_ready(new)
}

/// The pods that a Service selects.
fn selected(service: &Object, pods: &Cache) -> Vec<Shared> {
    let selector = Selector::from_map(service.spec().get("selector"));
    let mut selected = pods.in_namespace(service.namespace());
    selected.retain(|pod| selector.matches(&pod.labels()));
    selected
}

/// Whether a pod has an address to be reached at, and has not ended.
fn is_reachable(pod: &Object, with_going: bool) -> bool {
    let status = pod.status();
    let has_address = !status.str("podIP").is_empty() || !status.get("podIPs").is_empty();
    has_address && !pods::is_terminal(pod) && (with_going || !pod.is_going())
}

/// The addresses of a pod in a family.
fn addresses(pod: &Object, is_v6: bool) -> impl Iterator<Item = &str> {
    let listed = pod.status().list("podIPs").map(|ip| ip.str("ip"));
    let only = pod.status().get("podIPs").is_empty().then(|| pod.status().str("podIP"));
    listed.chain(only).filter(move |ip| !ip.is_empty() && ip.contains(':') == is_v6)
}

/// The port of a pod that a port of a Service leads to.
fn port_of(pod: &Object, port: View<'_>) -> Option<i64> {
    let target = port.get("targetPort");
    let name = target.as_str();
    if name.is_empty() {
        let number = target.as_int();
        return Some(if number == 0 { port.int("port") } else { number });
    }
    let spec = pod.spec();
    let sidecars = spec.list("initContainers").filter(|container| container.str("restartPolicy") == "Always");
    let protocol = |port: View<'_>| {
        let protocol = port.str("protocol");
        if protocol.is_empty() { "TCP".to_owned() } else { protocol.to_owned() }
    };
    let ports = spec.list("containers").chain(sidecars).flat_map(|container| container.list("ports"));
    let mut named = ports.filter(|candidate| candidate.str("name") == name && protocol(*candidate) == protocol(port));
    named.next().map(|port| port.int("containerPort"))
}

/// The name under which DNS knows a pod of a headless Service.
fn hostname<'p>(pod: &'p Object, service: &Object) -> &'p str {
    let is_in_it = pod.spec().str("subdomain") == service.name();
    if is_in_it { pod.spec().str("hostname") } else { "" }
}

/// What an endpoint is of.
fn reference_to(pod: &Object) -> Value {
    object::json!({"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()})
}

fn is_headless(service: &Object) -> bool {
    service.spec().str("clusterIP") == "None"
}

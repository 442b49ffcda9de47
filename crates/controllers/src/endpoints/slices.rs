//! EndpointSlices of Services that select pods.

use super::packing::{self, MOST, Plan};
use super::{HEADLESS, MANAGED_BY, SERVICE_NAME};
use crate::workload::pods;
use informer::{Cache, Change, Informers, Key, Next, Object, Queue, Recorder, Shared, kinds, request};
use object::{Map, Value, View, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAME: &str = "endpointslice-controller.k8s.io";
const ZONE: &str = "topology.kubernetes.io/zone";
const PARALLEL: usize = 5;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    services: Arc<Cache>,
    pods: Arc<Cache>,
    nodes: Arc<Cache>,
    slices: Arc<Cache>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (services, pods) = (informers.cache(&kinds::SERVICES), informers.cache(&kinds::PODS));
    let (nodes, slices) = (informers.cache(&kinds::NODES), informers.cache(&kinds::ENDPOINT_SLICES));
    for cache in [&services, &pods, &nodes, &slices] {
        cache.synced().await;
    }
    let queue = Queue::new("endpointslices");
    super::wake_services(&queue, &services, &pods);
    let waker = queue.clone();
    slices.subscribe(move |change| {
        let slice = change.object();
        if is_ours(slice) {
            waker.add(format!("{}/{}", slice.namespace(), slice.labels().str(SERVICE_NAME)));
        }
    });
    let (waker, known) = (queue.clone(), services.clone());
    nodes.subscribe(move |change| {
        if zone_changes(change) {
            known.all().iter().for_each(|service| waker.add(service.key()));
        }
    });
    let recorder = informers.recorder("endpoint-slice-controller");
    let controller = Arc::new(Controller { informers, recorder, services, pods, nodes, slices });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

fn is_ours(slice: &Object) -> bool {
    slice.labels().str(MANAGED_BY) == NAME
}

/// A node that comes, or moves to another zone.
fn zone_changes(change: &Change) -> bool {
    let zone = |node: &Option<Shared>| node.as_ref().map(|node| node.labels().str(ZONE).to_owned());
    change.new.is_some() && zone(&change.old) != zone(&change.new)
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let (namespace, name) = key.split_once('/').unwrap_or(("", &key));
        let mut existing = self.slices.in_namespace(namespace);
        existing.retain(|slice| is_ours(slice) && slice.labels().str(SERVICE_NAME) == name);
        let Some(service) = self.services.by_key(&key) else { return Ok(Next::Done) };
        if service.spec().str("type") == "ExternalName" || service.spec().get("selector").is_empty() {
            return Ok(Next::Done);
        }
        match self.reconcile(&service, existing).await {
            Err(error) if request::is_namespace_going(&error) => Ok(Next::Done),
            Err(error) => {
                let message = format!("Error updating Endpoint Slices for Service {key}: {}", request::message(&error));
                self.recorder.warning(&kinds::SERVICES, &service, "FailedToUpdateEndpointSlices", message);
                Err(error)
            }
            Ok(()) => Ok(Next::Done),
        }
    }

    async fn reconcile(&self, service: &Object, existing: Vec<Shared>) -> Result<(), kube::Error> {
        let families: Vec<&str> = service.spec().strings("ipFamilies").collect();
        let selected = super::selected(service, &self.pods);
        let mut left = existing;
        for family in if families.is_empty() { vec!["IPv4"] } else { families } {
            let (of_family, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|slice| {
                slice.get("addressType").as_str() == family && slice.is_controlled_by(service.uid())
            });
            left = others;
            let writer = Writer { controller: self, service, family };
            writer.write(of_family, self.endpoints(service, &selected, family)).await?;
        }
        for slice in left {
            self.informers.delete(&kinds::ENDPOINT_SLICES, &slice, Value::Null).await?;
        }
        Ok(())
    }

    /// The endpoints of a Service by the ports that they have.
    fn endpoints(&self, service: &Object, selected: &[Shared], family: &str) -> Vec<(Value, Vec<Value>)> {
        let mut by_ports: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
        for pod in selected.iter().filter(|pod| super::is_reachable(pod, true)) {
            let addresses: Vec<&str> = super::addresses(pod, family == "IPv6").collect();
            let node = self.nodes.get("", pod.spec().str("nodeName"));
            let publishes_all = service.spec().bool("publishNotReadyAddresses");
            if addresses.is_empty() || (node.is_none() && !publishes_all && !pod.spec().str("nodeName").is_empty()) {
                continue;
            }
            let ports = ports(service, pod);
            let entry = by_ports.entry(packing::port_key(View::from(&ports))).or_insert_with(|| (ports, Vec::new()));
            entry.1.push(endpoint(service, pod, node.as_deref(), &addresses));
        }
        by_ports.into_values().collect()
    }
}

/// The ports of a pod behind a Service.
fn ports(service: &Object, pod: &Object) -> Value {
    let resolved = service.spec().list("ports").filter_map(|port| {
        let number = super::port_of(pod, port)?;
        let protocol = port.opt_str("protocol").unwrap_or("TCP");
        let mut value = json!({"name": port.str("name"), "port": number, "protocol": protocol});
        if let Some(app) = port.opt_str("appProtocol") {
            value["appProtocol"] = app.into();
        }
        Some(value)
    });
    resolved.collect()
}

fn endpoint(service: &Object, pod: &Object, node: Option<&Object>, addresses: &[&str]) -> Value {
    let (is_serving, is_going) = (pods::is_ready(pod), pod.is_going());
    let is_ready = service.spec().bool("publishNotReadyAddresses") || (is_serving && !is_going);
    let mut endpoint = json!({
        "addresses": addresses, "targetRef": super::reference_to(pod),
        "conditions": {"ready": is_ready, "serving": is_serving, "terminating": is_going},
    });
    let zone = node.map(|node| node.labels().str(ZONE)).unwrap_or_default();
    for (name, value) in
        [("nodeName", pod.spec().str("nodeName")), ("hostname", super::hostname(pod, service)), ("zone", zone)]
    {
        if !value.is_empty() {
            endpoint[name] = value.into();
        }
    }
    if is_ready && let Some(hints) = hints(service, zone, pod.spec().str("nodeName")) {
        endpoint["hints"] = hints;
    }
    endpoint
}

/// For which zone and node an endpoint is meant first.
fn hints(service: &Object, zone: &str, node: &str) -> Option<Value> {
    let distribution = service.spec().str("trafficDistribution");
    if !matches!(distribution, "PreferClose" | "PreferSameZone" | "PreferSameNode") {
        return None;
    }
    let mut hints = Map::new();
    if !zone.is_empty() {
        hints.insert("forZones".to_owned(), json!([{"name": zone}]));
    }
    if distribution == "PreferSameNode" && !node.is_empty() {
        hints.insert("forNodes".to_owned(), json!([{"name": node}]));
    }
    (!hints.is_empty()).then(|| hints.into())
}

/// Writes the slices of a Service in one family of addresses.
struct Writer<'a> {
    controller: &'a Controller,
    service: &'a Object,
    family: &'a str,
}

impl Writer<'_> {
    async fn write(&self, existing: Vec<Shared>, wanted: Vec<(Value, Vec<Value>)>) -> Result<(), kube::Error> {
        let mut by_ports: BTreeMap<String, Vec<Shared>> = BTreeMap::new();
        for slice in &existing {
            by_ports.entry(packing::port_key(slice.get("ports"))).or_default().push(slice.clone());
        }
        let (mut create, mut update, mut spare): (Vec<Value>, Vec<Value>, Vec<Shared>) = Default::default();
        let mut kept = existing.len();
        for (ports, endpoints) in wanted {
            let there = by_ports.remove(&packing::port_key(View::from(&ports))).unwrap_or_default();
            let Plan { create: new, update: changed, delete } = packing::pack(&there, endpoints, MOST);
            create.extend(new.into_iter().map(|endpoints| self.slice(&ports, endpoints)));
            let is_written = |slice: &Shared| changed.iter().any(|(written, _)| written.uid() == slice.uid());
            let is_dropped = |slice: &Shared| delete.iter().any(|dropped| dropped.uid() == slice.uid());
            let stale = there.iter().filter(|slice| !is_written(slice) && !is_dropped(slice));
            let stale = stale.filter(|slice| !self.has_right_labels(slice));
            update.extend(stale.map(|slice| self.relabelled(slice.to_value())));
            update.extend(changed.iter().map(|(slice, endpoints)| {
                let mut slice = slice.to_value();
                slice["endpoints"] = endpoints.clone().into();
                self.relabelled(slice)
            }));
            kept -= delete.len();
            spare.extend(delete);
        }
        for slices in by_ports.into_values() {
            kept -= slices.len();
            spare.extend(slices);
        }
        // That a Service has no endpoints is told by a slice without any.
        if kept == 0 && create.is_empty() {
            let is_placeholder = |slice: &Shared| {
                slice.get("endpoints").is_empty() && slice.get("ports").is_empty() && self.has_right_labels(slice)
            };
            match spare.iter().position(is_placeholder) {
                Some(at) => drop(spare.swap_remove(at)),
                None => create.push(self.slice(&json!([]), Vec::new())),
            }
        }
        self.apply(create, update, spare).await
    }

    async fn apply(&self, create: Vec<Value>, update: Vec<Value>, spare: Vec<Shared>) -> Result<(), kube::Error> {
        let informers = &self.controller.informers;
        let mut spare = spare.into_iter();
        for mut slice in create.into_iter().filter(|_| !self.service.is_going()) {
            match spare.next() {
                // One that would be deleted is written anew instead.
                Some(old) => {
                    slice["metadata"] = old.meta().to_value();
                    informers.replace(&kinds::ENDPOINT_SLICES, &self.relabelled(slice)).await?;
                }
                None => {
                    informers.create(&kinds::ENDPOINT_SLICES, self.service.namespace(), &slice).await?;
                }
            }
        }
        for slice in update {
            informers.replace(&kinds::ENDPOINT_SLICES, &slice).await?;
        }
        for slice in spare {
            informers.delete(&kinds::ENDPOINT_SLICES, &slice, Value::Null).await?;
        }
        Ok(())
    }

    fn slice(&self, ports: &Value, endpoints: Vec<Value>) -> Value {
        let (name, uid) = (self.service.name(), self.service.uid());
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": self.family,
            "metadata": {
                "generateName": format!("{name}-"), "namespace": self.service.namespace(), "labels": self.labels(),
                "ownerReferences": [{
                    "apiVersion": "v1", "kind": "Service", "name": name, "uid": uid,
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "endpoints": endpoints, "ports": ports,
        })
    }

    /// The labels of the Service, but for those that mean something for slices.
    fn labels(&self) -> Value {
        let own = self.service.labels().entries();
        let mut labels: Map = own
            .filter(|(key, _)| ![SERVICE_NAME, MANAGED_BY, HEADLESS].contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_value()))
            .collect();
        labels.insert(SERVICE_NAME.to_owned(), self.service.name().into());
        labels.insert(MANAGED_BY.to_owned(), NAME.into());
        if super::is_headless(self.service) {
            labels.insert(HEADLESS.to_owned(), "".into());
        }
        labels.into()
    }

    fn has_right_labels(&self, slice: &Object) -> bool {
        slice.labels() == View::from(&self.labels())
    }

    fn relabelled(&self, mut slice: Value) -> Value {
        slice["metadata"]["labels"] = self.labels();
        slice
    }
}

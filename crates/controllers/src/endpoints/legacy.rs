//! Endpoints of Services that select pods: what came before slices, for those who still read it.

use super::HEADLESS;
use crate::workload::pods;
use informer::{Cache, Informers, Key, Next, Object, Queue, Recorder, Shared, kinds, request};
use object::{Map, Value, View, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const NAME: &str = "endpoint-controller";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// How many addresses there may be.
const MOST: usize = 1000;
const PARALLEL: usize = 5;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    services: Arc<Cache>,
    pods: Arc<Cache>,
    endpoints: Arc<Cache>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (services, pods) = (informers.cache(&kinds::SERVICES), informers.cache(&kinds::PODS));
    let endpoints = informers.cache(&kinds::ENDPOINTS);
    for cache in [&services, &pods, &endpoints] {
        cache.synced().await;
    }
    let queue = Queue::new("endpoints");
    super::wake_services(&queue, &services, &pods);
    let waker = queue.clone();
    endpoints.subscribe(move |change| {
        if change.new.is_none() {
            waker.add(change.object().key());
        }
    });
    // Endpoints of Services that went while nobody looked.
    endpoints.all().iter().filter(|e| e.labels().str(MANAGED_BY) == NAME).for_each(|e| queue.add(e.key()));
    let recorder = informers.recorder("endpoint-controller");
    let controller = Arc::new(Controller { informers, recorder, services, pods, endpoints });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let known = self.endpoints.by_key(&key);
        let Some(service) = self.services.by_key(&key) else {
            if let Some(endpoints) = known {
                self.informers.delete(&kinds::ENDPOINTS, &endpoints, Value::Null).await?;
            }
            return Ok(Next::Done);
        };
        if service.spec().str("type") == "ExternalName" || service.spec().get("selector").is_empty() {
            return Ok(Next::Done);
        }
        let mut subsets = self.subsets(&service);
        let is_truncated = truncate(&mut subsets);
        let subsets = repacked(subsets);
        let mut wanted = match &known {
            Some(known) => known.to_value(),
            None => json!({"apiVersion": "v1", "kind": "Endpoints",
                "metadata": {"name": service.name(), "namespace": service.namespace()}}),
        };
        wanted["metadata"]["labels"] = labels(&service);
        if is_truncated {
            wanted["metadata"]["annotations"][OVER_CAPACITY] = "truncated".into();
        } else if let Some(notes) = wanted["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
            notes.remove(OVER_CAPACITY);
        }
        if subsets.is_empty() {
            wanted.as_object_mut().map(|map| map.remove("subsets"));
        } else {
            wanted["subsets"] = subsets.into();
        }
        self.write(&service, known.as_deref(), wanted).await.map(|()| Next::Done)
    }

    async fn write(&self, service: &Object, known: Option<&Object>, wanted: Value) -> Result<(), kube::Error> {
        let key = service.key();
        let (written, reason, what) = match known {
            Some(known) if known.view() == View::from(&wanted) => return Ok(()),
            Some(_) => {
                let what = format!("Failed to update endpoint {key}");
                (self.informers.replace(&kinds::ENDPOINTS, &wanted).await, "FailedToUpdateEndpoint", what)
            }
            None => {
                let what = format!("Failed to create endpoint for service {key}");
                let made = self.informers.create(&kinds::ENDPOINTS, service.namespace(), &wanted).await;
                (made, "FailedToCreateEndpoint", what)
            }
        };
        match written {
            Ok(_) => Ok(()),
            Err(error) if request::is_namespace_going(&error) => Ok(()),
            Err(error) => {
                let about = Object::new(wanted);
                let message = format!("{what}: {}", request::message(&error));
                self.recorder.warning(&kinds::ENDPOINTS, &about, reason, message);
                Err(error)
            }
        }
    }

    /// One address and one port each.
    fn subsets(&self, service: &Object) -> Vec<(Value, Address)> {
        let publishes_all = service.spec().bool("publishNotReadyAddresses");
        let is_v6 = service.spec().strings("ipFamilies").next() == Some("IPv6");
        let mut subsets = Vec::new();
        let selected = super::selected(service, &self.pods);
        for pod in selected.iter().filter(|pod| super::is_reachable(pod, publishes_all)) {
            let Some(address) = address(service, pod, is_v6) else { continue };
            let address = Address { value: address, is_ready: publishes_all || pods::is_ready(pod) };
            if service.spec().get("ports").is_empty() && super::is_headless(service) {
                subsets.push((Value::Null, address.clone()));
            }
            for port in service.spec().list("ports") {
                if let Some(number) = super::port_of(pod, port) {
                    subsets.push((subset_port(port, number), address.clone()));
                }
            }
        }
        subsets
    }
}

#[derive(Clone, Debug)]
struct Address {
    value: Value,
    is_ready: bool,
}

fn address(service: &Object, pod: &Shared, is_v6: bool) -> Option<Value> {
    let ip = super::addresses(pod, is_v6).next()?;
    let mut address = json!({"ip": ip, "targetRef": super::reference_to(pod)});
    for (name, value) in [("nodeName", pod.spec().str("nodeName")), ("hostname", super::hostname(pod, service))] {
        if !value.is_empty() {
            address[name] = value.into();
        }
    }
    Some(address)
}

fn subset_port(port: View<'_>, number: i64) -> Value {
    let mut value = json!({"port": number, "protocol": port.opt_str("protocol").unwrap_or("TCP")});
    for name in ["name", "appProtocol"] {
        if !port.str(name).is_empty() {
            value[name] = port.str(name).into();
        }
    }
    value
}

fn labels(service: &Object) -> Value {
    let mut labels: Map = service.labels().to_map();
    labels.remove(HEADLESS);
    if super::is_headless(service) {
        labels.insert(HEADLESS.to_owned(), "".into());
    }
    labels.insert(MANAGED_BY.to_owned(), NAME.into());
    labels.into()
}

/// Leaves out what is too many, those that are not ready first.
fn truncate(subsets: &mut Vec<(Value, Address)>) -> bool {
    if subsets.len() <= MOST {
        return false;
    }
    subsets.sort_by_key(|(_, address)| !address.is_ready);
    subsets.truncate(MOST);
    true
}

/// Addresses with the same ports become one subset, in a fixed order.
fn repacked(subsets: Vec<(Value, Address)>) -> Vec<Value> {
    // By address, the ports; then by ports, the addresses.
    let mut by_address: BTreeMap<String, (Address, BTreeMap<String, Value>)> = BTreeMap::new();
    for (port, address) in subsets {
        let key = json!([address.value, address.is_ready]).to_string();
        let entry = by_address.entry(key).or_insert_with(|| (address, BTreeMap::new()));
        if !port.is_null() {
            entry.1.insert(port.to_string(), port);
        }
    }
    let mut by_ports: BTreeMap<String, (Vec<Value>, Vec<Address>)> = BTreeMap::new();
    for (address, ports) in by_address.into_values() {
        let key = ports.keys().cloned().collect::<Vec<_>>().join(" ");
        let entry = by_ports.entry(key).or_insert_with(|| (ports.into_values().collect(), Vec::new()));
        entry.1.push(address);
    }
    let subset = |(ports, addresses): (Vec<Value>, Vec<Address>)| {
        let mut subset = Map::new();
        let (ready, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ready);
        for (name, addresses) in [("addresses", ready), ("notReadyAddresses", others)] {
            if !addresses.is_empty() {
                subset.insert(name.to_owned(), addresses.into_iter().map(|address| address.value).collect());
            }
        }
        if !ports.is_empty() {
            subset.insert("ports".to_owned(), ports.into());
        }
        Value::from(subset)
    };
    by_ports.into_values().map(subset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_the_same_ports_are_one_subset() {
        let address = |ip: &str, is_ready| Address { value: json!({"ip": ip}), is_ready };
        let port = |number: i64| json!({"port": number});
        let subsets = vec![
            (port(80), address("1", true)),
            (port(81), address("1", true)),
            (port(80), address("2", true)),
            (port(81), address("2", true)),
            (port(80), address("3", false)),
            (port(81), address("3", false)),
        ];
        assert_eq!(
            repacked(subsets),
            [json!({
                "addresses": [{"ip": "1"}, {"ip": "2"}], "notReadyAddresses": [{"ip": "3"}],
                "ports": [{"port": 80}, {"port": 81}],
            })]
        );
    }
}

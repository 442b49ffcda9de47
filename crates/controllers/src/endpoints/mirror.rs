//! EndpointSlices for Endpoints that people write for Services without a selector.

use super::{MANAGED_BY, SERVICE_NAME};
use informer::{Cache, Informers, Key, Next, Object, Queue, Shared, kinds, request};
use object::{Map, Value, View, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAME: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// How many addresses of a subset are taken over.
const MOST: usize = 1000;
const PARALLEL: usize = 5;

struct Controller {
    informers: Informers,
    endpoints: Arc<Cache>,
    services: Arc<Cache>,
    slices: Arc<Cache>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (endpoints, services) = (informers.cache(&kinds::ENDPOINTS), informers.cache(&kinds::SERVICES));
    let slices = informers.cache(&kinds::ENDPOINT_SLICES);
    for cache in [&endpoints, &services, &slices] {
        cache.synced().await;
    }
    let queue = Queue::new("endpointslicemirroring");
    for cache in [&endpoints, &services] {
        let waker = queue.clone();
        cache.subscribe(move |change| waker.add(change.object().key()));
    }
    let waker = queue.clone();
    slices.subscribe(move |change| {
        let slice = change.object();
        if slice.labels().str(MANAGED_BY) == NAME {
            waker.add(format!("{}/{}", slice.namespace(), slice.labels().str(SERVICE_NAME)));
        }
    });
    let controller = Arc::new(Controller { informers, endpoints, services, slices });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let (namespace, name) = key.split_once('/').unwrap_or(("", &key));
        let mut existing = self.slices.in_namespace(namespace);
        existing.retain(|slice| slice.labels().str(MANAGED_BY) == NAME && slice.labels().str(SERVICE_NAME) == name);
        let has_service = self.services.by_key(&key).is_some_and(|service| service.spec().get("selector").is_empty());
        let endpoints = self.endpoints.by_key(&key).filter(|endpoints| has_service && is_to_mirror(endpoints));
        let wanted = endpoints.as_deref().map(slices).unwrap_or_default();
        match self.write(namespace, existing, wanted).await {
            Err(error) if request::is_namespace_going(&error) => Ok(Next::Done),
            done => done.map(|()| Next::Done),
        }
    }

    async fn write(&self, namespace: &str, mut existing: Vec<Shared>, wanted: Vec<Value>) -> Result<(), kube::Error> {
        for mut slice in wanted {
            let same = |old: &Shared| {
                old.get("addressType") == View::from(&slice).get("addressType")
                    && old.get("ports").same(View::from(&slice).get("ports"))
            };
            match existing.iter().position(same) {
                Some(at) => {
                    let old = existing.swap_remove(at);
                    let labels = slice["metadata"]["labels"].take();
                    slice["metadata"] = old.meta().to_value();
                    slice["metadata"]["labels"] = labels;
                    if !View::from(&slice).get("endpoints").same(old.get("endpoints"))
                        || View::from(&slice["metadata"]) != old.meta()
                    {
                        self.informers.replace(&kinds::ENDPOINT_SLICES, &slice).await?;
                    }
                }
                None => drop(self.informers.create(&kinds::ENDPOINT_SLICES, namespace, &slice).await?),
            }
        }
        for slice in existing {
            self.informers.delete(&kinds::ENDPOINT_SLICES, &slice, Value::Null).await?;
        }
        Ok(())
    }
}

fn is_to_mirror(endpoints: &Object) -> bool {
    endpoints.labels().str(SKIP) != "true" && !endpoints.meta().get("annotations").has(LEADER) && !endpoints.is_going()
}

/// The slices of Endpoints: one for each family of addresses and set of ports.
fn slices(endpoints: &Object) -> Vec<Value> {
    let mut by_place: BTreeMap<(String, &str), (Value, Vec<Value>)> = BTreeMap::new();
    for subset in endpoints.get("subsets").items() {
        let ports = subset.get("ports");
        let mut add = |addresses: View<'_>, is_ready: bool| {
            for address in addresses.items().take(MOST) {
                let family = if address.str("ip").contains(':') { "IPv6" } else { "IPv4" };
                let place = by_place.entry((super::packing::port_key(ports), family));
                place.or_insert_with(|| (ports.to_value(), Vec::new())).1.push(endpoint(address, is_ready));
            }
        };
        add(subset.get("addresses"), true);
        add(subset.get("notReadyAddresses"), false);
    }
    by_place.into_iter().map(|((_, family), (ports, all))| slice(endpoints, family, ports, all)).collect()
}

fn endpoint(address: View<'_>, is_ready: bool) -> Value {
    let mut endpoint = json!({"addresses": [address.str("ip")], "conditions": {"ready": is_ready}});
    for name in ["hostname", "nodeName", "targetRef"] {
        if address.has(name) {
            endpoint[name] = address.get(name).to_value();
        }
    }
    endpoint
}

fn slice(endpoints: &Object, family: &str, ports: Value, all: Vec<Value>) -> Value {
    let mut labels: Map = endpoints.labels().to_map();
    labels.insert(SERVICE_NAME.to_owned(), endpoints.name().into());
    labels.insert(MANAGED_BY.to_owned(), NAME.into());
    let named = |mut port: Value| {
        if port.get("name").is_none() {
            port["name"] = "".into();
        }
        port
    };
    let ports: Value = match ports {
        Value::Array(ports) => ports.into_iter().map(named).collect(),
        _ => json!([]),
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
        "metadata": {
            "generateName": format!("{}-", endpoints.name()), "namespace": endpoints.namespace(), "labels": labels,
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Endpoints", "name": endpoints.name(), "uid": endpoints.uid(),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "endpoints": all, "ports": ports,
    })
}

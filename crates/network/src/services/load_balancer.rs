//! Gives Services of type LoadBalancer the node's address, and writes it into their status.
//!
//! A port of the node can be given to one Service only. Who was made first has it; others stay pending until it is free.

use crate::Protocol;
use crate::model::{Key, Object, Service, ServiceType};
use http::Request;
use kube::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tracing::{debug, warn};
use value::json;

/// What a Service has to do with load balancing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    made: String,
    /// None: it wants no address from us, and must not have one.
    ports: Option<BTreeSet<(Protocol, u16)>>,
    has: Vec<IpAddr>,
}

/// All Services that have or want an address.
#[derive(Debug, Default)]
pub(crate) struct LoadBalancers {
    claims: BTreeMap<Key, Claim>,
}

impl LoadBalancers {
    /// Takes note of a Service. Says whether anything about it may have changed.
    pub(crate) fn put(&mut self, service: &Service) -> bool {
        let wants = service.spec.kind == ServiceType::LoadBalancer;
        let has: Vec<IpAddr> = service.status.load_balancer.ingress.iter().filter_map(|ingress| ingress.ip).collect();
        // Another class is somebody else's.
        if service.spec.load_balancer_class.is_some() || (!wants && has.is_empty()) {
            return self.remove(&service.key());
        }
        let ports = wants.then(|| service.spec.ports.iter().map(|port| (port.protocol, port.port)).collect());
        let made = service.metadata.creation_timestamp.clone().unwrap_or_default();
        let claim = Claim { made, ports, has };
        self.claims.insert(service.key(), claim.clone()) != Some(claim)
    }

    pub(crate) fn remove(&mut self, key: &Key) -> bool {
        self.claims.remove(key).is_some()
    }

    /// Services whose status is not what it should be, and the addresses that should stand there.
    fn wrong(&self, address: IpAddr) -> Vec<(Key, Vec<IpAddr>)> {
        let mut order: Vec<_> = self.claims.iter().collect();
        // Who has the address keeps it.
        order.sort_by_key(|(key, claim)| (!claim.has.contains(&address), &claim.made, *key));
        let (mut taken, mut wrong) = (BTreeSet::new(), Vec::new());
        for (key, claim) in order {
            let free = claim.ports.as_ref().is_some_and(|ports| ports.is_disjoint(&taken));
            let should = if free { vec![address] } else { Vec::new() };
            if free {
                taken.extend(claim.ports.iter().flatten());
            }
            if claim.has != should {
                wrong.push((key.clone(), should));
            }
        }
        wrong
    }

    /// Writes the status of all Services whose status is wrong.
    pub(crate) async fn write(&self, client: &Client, address: IpAddr) {
        for (key, addresses) in self.wrong(address) {
            match patch(client, &key, &addresses).await {
                Ok(()) => debug!(service = %key, ?addresses, "wrote the addresses of a load balancer"),
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => warn!(service = %key, %error, "cannot write the addresses of a load balancer"),
            }
        }
    }
}

async fn patch(client: &Client, key: &Key, addresses: &[IpAddr]) -> Result<(), kube::Error> {
    let ingress: Vec<_> = addresses.iter().map(|address| json!({"ip": address, "ipMode": "VIP"})).collect();
    // A merge leaves out what is null, and takes a list as a whole.
    let ingress = if ingress.is_empty() { value::Value::Null } else { ingress.into() };
    let body = json!({"status": {"loadBalancer": {"ingress": ingress}}});
    let path = format!("/api/v1/namespaces/{}/services/{}/status", key.namespace, key.name);
    let request = Request::patch(path).header("content-type", "application/merge-patch+json");
    let request = request.body(body.to_string().into_bytes()).map_err(kube::Error::HttpError)?;
    client.request::<serde::de::IgnoredAny>(request).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, made: u8, kind: &str, port: u16, ip: Option<&str>) -> Service {
        let ingress: Vec<_> = ip.iter().map(|ip| json!({"ip": ip})).collect();
        value::from_value(json!({
            "metadata": {"namespace": "ns", "name": name, "creationTimestamp": format!("2026-01-0{made}T00:00:00Z")},
            "spec": {"type": kind, "ports": [{"port": port}]},
            "status": {"loadBalancer": {"ingress": ingress}},
        }))
        .unwrap()
    }

    #[track_caller]
    fn check(services: &[Service], wrong: &[(&str, bool)]) {
        let mut all = LoadBalancers::default();
        for service in services {
            all.put(service);
        }
        let found = all.wrong("192.0.2.2".parse().unwrap());
        let found: Vec<_> = found.iter().map(|(key, addresses)| (key.name.as_str(), !addresses.is_empty())).collect();
        assert_eq!(found, wrong);
    }

    #[test]
    fn a_port_goes_to_the_first_service() {
        let (a, b) = (service("a", 2, "LoadBalancer", 80, None), service("b", 1, "LoadBalancer", 80, None));
        check(&[a.clone(), b], &[("b", true)]);
        let kept = service("a", 2, "LoadBalancer", 80, Some("192.0.2.2"));
        check(&[kept, service("b", 1, "LoadBalancer", 80, None)], &[]);
        check(&[a, service("c", 1, "LoadBalancer", 81, None)], &[("c", true), ("a", true)]);
    }

    #[test]
    fn what_is_no_load_balancer_any_more_loses_its_address() {
        check(&[service("a", 1, "ClusterIP", 80, Some("192.0.2.2"))], &[("a", false)]);
        check(&[service("a", 1, "ClusterIP", 80, None)], &[]);
    }
}

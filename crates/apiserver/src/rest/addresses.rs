//! Addresses and node ports of Services: chosen here, claimed in the transaction that stores the Service.
//!
//! A cluster IP is claimed by the IPAddress object of its name, a node port by a key of its own. The transaction that
//! writes the Service demands that they do not exist and makes them, or removes those that the Service gives up, so two
//! Services never share one and nothing is left behind, whatever happens in between.

use super::call::Call;
use crate::object_codec;
use crate::storage::{self, Facts};
use kinds::service_allocation as rules;
use object::field::{Error, Errors, Path};
use object::{Status, Value, View, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use store::{Expect, Template, Txn};

/// Node ports that are given out.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
/// The first so many are left to those who choose themselves.
const STATIC_NODE_PORTS: u16 = 86;
/// Key prefix of claimed node ports.
const PORT_KEYS: &str = "/internal/nodeports/";
/// IP families of the cluster, the preferred one first.
const FAMILIES: &[&str] = &["IPv4"];

/// True if objects of this call have addresses.
pub(crate) fn concerns(call: &Call) -> bool {
    call.resource.group.is_empty() && call.resource.plural == "services"
}

/// Fills what the cluster gives a Service. `old` is absent for a new one. The range of node ports is not upheld in dry
/// runs, as upstream has it.
///
/// # Errors
/// 422 if the Service asks for what it cannot have.
pub(crate) fn assign(call: &Call, service: &mut Value, old: View<'_>, dry_run: bool) -> Result<(), Status> {
    if !concerns(call) || !call.info.subresource.is_empty() {
        return Ok(());
    }
    if old.exists() {
        rules::keep_allocated(service, old);
    }
    rules::normalise(service, old);
    let errors = rules::default_families(service, old, FAMILIES);
    refuse(service, errors)?;
    assign_cluster_ips(call, service, old, dry_run)?;
    let snapshot = call.core.store.snapshot();
    let taken = |port: i64| snapshot.get(&port_key(port)).is_some();
    rules::assign_node_ports(service, old, &mut Ports { taken, own: BTreeSet::new(), within_range: !dry_run })
}

/// What a Service holds: keys of claims.
fn claims(service: View<'_>) -> BTreeSet<String> {
    let spec = service.get("spec");
    let ips = spec.strings("clusterIPs").filter(|ip| *ip != "None").map(ip_key);
    let ports = spec.list("ports").map(|port| port.int("nodePort")).chain([spec.int("healthCheckNodePort")]);
    ips.chain(ports.filter(|port| *port != 0).map(port_key)).collect()
}

/// Adds to a transaction that writes or removes a Service what it claims and gives up.
pub(crate) fn extend(call: &Call, mut txn: Txn<Facts>, new: Option<&Value>, old: Option<&Value>) -> Txn<Facts> {
    if !concerns(call) {
        return txn;
    }
    let of = |service: Option<&Value>| service.map(|service| claims(service.into())).unwrap_or_default();
    let (wanted, had) = (of(new), of(old));
    for key in had.difference(&wanted) {
        txn = txn.delete(key.as_str(), None);
    }
    for key in wanted.difference(&had) {
        let Some(service) = new else { continue };
        let (template, facts) = claim(call, key, service.into());
        txn = txn.guard(key.as_str(), Expect::Absent).put_attached(key.as_str(), template, facts);
    }
    txn
}

/// What stands behind a claimed key.
fn claim(call: &Call, key: &str, service: View<'_>) -> (Template, Facts) {
    let metadata = service.get("metadata");
    let name = key.rsplit('/').next().unwrap_or_default();
    let object = json!({
        "metadata": {
            "name": name, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": call.core.now_text(), "generation": 1,
            "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": {"parentRef": {"resource": "services", "namespace": metadata.str("namespace"), "name": metadata.str("name")}},
    });
    let template = object_codec::encode("IPAddress", "networking.k8s.io/v1", &object);
    (template, Facts::of_metadata((&object).into()))
}

fn ip_key(ip: &str) -> String {
    storage::key_of("networking.k8s.io", "ipaddresses", "", ip)
}

fn port_key(port: i64) -> String {
    format!("{PORT_KEYS}{port}")
}

fn assign_cluster_ips(call: &Call, service: &mut Value, old: View<'_>, dry_run: bool) -> Result<(), Status> {
    let spec = View::from(&*service).get("spec");
    let keeps = old.exists() && old.get("spec").str("type") != "ExternalName";
    if keeps || spec.str("type") == "ExternalName" || spec.str("clusterIP") == "None" {
        return Ok(());
    }
    let had = claims(old);
    let snapshot = call.core.store.snapshot();
    let taken = |ip: &str| snapshot.get(&ip_key(ip)).is_some() && !had.contains(&ip_key(ip));
    let asked: Vec<String> = spec.strings("clusterIPs").map(str::to_owned).collect();
    if asked.is_empty() {
        let Some(ip) = free_ip(call.core.service_cidr, taken) else {
            return Err(Status::internal(format_args!(
                "failed to allocate a serviceIP for Service {}: range is full",
                object::quote::quote(View::from(&*service).get("metadata").str("name"))
            )));
        };
        service["spec"]["clusterIP"] = ip.as_str().into();
        service["spec"]["clusterIPs"] = json!([ip]);
        return Ok(());
    }
    let mut errors = Errors::new();
    for ip in asked.iter().filter(|ip| !had.contains(&ip_key(ip))) {
        let why = match ip.parse::<Ipv4Addr>() {
            // Who does not only try is told by the allocator of all ranges, which names none.
            Ok(address) if !contains(call.core.service_cidr, address) && !dry_run => {
                Some("the provided network does not match the current range".to_owned())
            }
            Ok(address) if !contains(call.core.service_cidr, address) => {
                let (network, length) = call.core.service_cidr;
                Some(format!(
                    "the provided IP ({ip}) is not in the valid range. The range of valid IPs is {network}/{length}"
                ))
            }
            // A dry run does not ask who has it.
            Ok(_) if !dry_run && taken(ip) => Some("provided IP is already allocated".to_owned()),
            _ => None,
        };
        if let Some(why) = why {
            let path = Path::new("spec");
            let shown = View::from(&*service).at(&["spec", "clusterIPs"]).to_value();
            errors.push(Error::invalid(&path.child("clusterIPs"), shown, format!("failed to allocate IP {ip}: {why}")));
        }
    }
    refuse(service, errors)
}

/// A free address, chosen at random in the upper part of the range, which is not for those who choose themselves.
fn free_ip((network, length): (Ipv4Addr, u8), taken: impl Fn(&str) -> bool) -> Option<String> {
    let size = 1_u32.checked_shl(32 - u32::from(length)).unwrap_or(u32::MAX);
    // The first address is the network's, the last one the broadcast's.
    let usable = size.checked_sub(2)?.max(1);
    let reserved = (size / 16).clamp(16, 256).min(usable.saturating_sub(1));
    let (base, span) = (u32::from(network) + 1, usable - reserved);
    let start = random() % span;
    let upper = (0..span).map(|step| base + reserved + (start + step) % span);
    let lower = (0..reserved).map(|step| base + step);
    upper.chain(lower).map(|ip| Ipv4Addr::from(ip).to_string()).find(|ip| !taken(ip))
}

fn contains((network, length): (Ipv4Addr, u8), address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    let is_within = u32::from(network) & mask == u32::from(address) & mask;
    // The last address is the broadcast's.
    is_within && address != network && u32::from(address) | mask != u32::MAX
}

/// The cluster's node ports, as one write sees them.
struct Ports<T: Fn(i64) -> bool> {
    /// Whether any Service has the port.
    taken: T,
    own: BTreeSet<i64>,
    /// Ports that are asked for have to be in the range.
    within_range: bool,
}

impl<T: Fn(i64) -> bool> rules::NodePorts for Ports<T> {
    fn take(&mut self, port: i64) -> Result<(), String> {
        if self.within_range && !u16::try_from(port).is_ok_and(|port| NODE_PORTS.contains(&port)) {
            let (first, last) = (NODE_PORTS.start(), NODE_PORTS.end());
            return Err(format!("provided port is not in the valid range. The range of valid ports is {first}-{last}"));
        }
        if (self.taken)(port) || !self.own.insert(port) {
            return Err("provided port is already allocated".to_owned());
        }
        Ok(())
    }

    fn take_any(&mut self) -> Option<i64> {
        let port = free_port(|port| (self.taken)(port) || self.own.contains(&port))?;
        self.own.insert(port);
        Some(port)
    }
}

/// A free node port, chosen at random behind those that people choose themselves.
fn free_port(taken: impl Fn(i64) -> bool) -> Option<i64> {
    let first = *NODE_PORTS.start() + STATIC_NODE_PORTS;
    let span = u32::from(*NODE_PORTS.end() - first) + 1;
    let start = random() % span;
    let upper = (0..span).map(|step| i64::from(u32::from(first) + (start + step) % span));
    let lower = (*NODE_PORTS.start()..first).map(i64::from);
    upper.chain(lower).find(|port| !taken(*port))
}

fn random() -> u32 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn refuse(service: &Value, errors: Errors) -> Result<(), Status> {
    let name = View::from(service).get("metadata").str("name");
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("", "Service", name, &errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 43, 0, 0), 28);

    #[test]
    fn addresses_come_from_the_range_until_it_is_full() {
        let mut given = BTreeSet::new();
        while let Some(ip) = free_ip(RANGE, |ip| given.contains(ip)) {
            assert!(contains(RANGE, ip.parse().unwrap()), "{ip}");
            assert!(given.insert(ip));
        }
        assert_eq!(given.len(), 14);
    }

    #[test]
    fn a_range_ends_before_its_broadcast() {
        assert!(contains(RANGE, Ipv4Addr::new(10, 43, 0, 14)));
        assert!(!contains(RANGE, Ipv4Addr::new(10, 43, 0, 15)));
        assert!(!contains(RANGE, Ipv4Addr::new(10, 43, 0, 0)));
    }

    #[test]
    fn node_ports_are_taken_from_behind_the_reserved_ones() {
        let port = free_port(|_| false).unwrap();
        assert!((30086..=32767).contains(&port), "{port}");
        assert_eq!(free_port(|port| port != 30001), Some(30001));
        assert_eq!(free_port(|_| true), None);
    }

    #[test]
    fn a_service_claims_its_addresses_and_ports() {
        let service = json!({"spec": {"clusterIPs": ["10.43.0.9"], "healthCheckNodePort": 30000,
            "ports": [{"port": 80, "nodePort": 30001}, {"port": 81}]}});
        let keys: Vec<String> = claims((&service).into()).into_iter().collect();
        assert_eq!(
            keys,
            ["/internal/nodeports/30000", "/internal/nodeports/30001", "/networking.k8s.io/ipaddresses/10.43.0.9"]
        );
        assert!(claims((&json!({"spec": {"clusterIPs": ["None"]}})).into()).is_empty());
    }
}

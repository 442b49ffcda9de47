//! The group `discovery.k8s.io`: endpoint slices.

use crate::change::set_generation;
use crate::checks::{PROTOCOLS, dns_label, each, meta, qualified_name};
use crate::columns::{name, object_age};
use crate::core::endpoints::validate_endpoint_ip;
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{validate_immutable_field, validate_labels};
use object::names::{
    get_warnings_for_ip, is_fully_qualified_domain_name, is_valid_ip, is_valid_ip_for_legacy_field,
    is_valid_label_value, name_is_dns_subdomain, parse_ip_sloppy,
};
use object::{Value, View};
use std::collections::HashSet;

const TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const HOSTNAME: &str = "kubernetes.io/hostname";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let group = "discovery.k8s.io";
    vec![Resource::new(group, "v1", "EndpointSlice", "endpointslices", Scope::Namespaced, EndpointSlice)]
}

/// The rules of endpoint slices.
struct EndpointSlice;

impl Strategy for EndpointSlice {
    fn defaults(&self, object: &mut Value) {
        let ports = object.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten();
        for port in ports.filter_map(Value::as_object_mut) {
            crate::change::set_default(port, "name", "");
            crate::change::set_default(port, "protocol", "TCP");
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
        drop_topology(object, View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate(object, View::ABSENT)
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        if object.str("addressType") == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        warnings.extend(address_warnings(object));
        warnings
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        let new = View::from(&*object);
        let changed = ["addressType", "endpoints", "ports"].iter().any(|field| !new.get(field).same(old.get(field)));
        let labels = |object: View<'_>| object.at(&["metadata", "labels"]).to_value();
        let labelled = !View::from(&labels(new)).same(View::from(&labels(old)));
        let generation = old.get("metadata").int("generation");
        if changed || labelled {
            set_generation(object, generation.saturating_add(1));
        }
        if !View::from(&*object).get("endpoints").same(old.get("endpoints")) {
            drop_topology(object, old);
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = validate(object, old);
        let field = "addressType";
        errors.extend(validate_immutable_field(object.get(field), old.get(field), &Path::new(field)));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        address_warnings(object)
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("AddressType", "@addressType"),
                Column::text("Ports", "@ports"),
                Column::text("Endpoints", "@endpoints"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let port = |port: View<'_>| match (port.opt_int("port"), port.opt_str("name")) {
            (Some(number), _) => number.to_string(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => "*".to_owned(),
        };
        let ports: Vec<String> = object.list("ports").map(port).collect();
        let addresses: Vec<String> =
            object.list("endpoints").flat_map(|endpoint| endpoint.strings("addresses").map(str::to_owned)).collect();
        vec![
            name(object),
            object.str("addressType").into(),
            first_three(&ports).into(),
            first_three(&addresses).into(),
            object_age(object, now),
        ]
    }
}

/// The first three, and how many more there are.
fn first_three(items: &[String]) -> String {
    const MAX: usize = 3;
    let shown = items[..items.len().min(MAX)].join(",");
    match items.len() {
        more if more > MAX => format!("{shown} + {} more...", more - MAX),
        _ if shown.is_empty() => "<unset>".to_owned(),
        _ => shown,
    }
}

/// The topology of old is not taken any more; a node that only it told, and told before, becomes the node's name.
fn drop_topology(object: &mut Value, old: View<'_>) {
    let told = |endpoint: View<'_>| endpoint.get("deprecatedTopology").str(HOSTNAME).to_owned();
    let before: HashSet<String> = old.list("endpoints").map(told).filter(|name| !name.is_empty()).collect();
    let endpoints = object.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten();
    for endpoint in endpoints {
        let view = View::from(&*endpoint);
        let (node, named) = (told(view), view.has("nodeName"));
        let Some(endpoint) = endpoint.as_object_mut() else { continue };
        endpoint.remove("deprecatedTopology");
        if !named && before.contains(&node) && name_is_dns_subdomain(&node, false).is_empty() {
            endpoint.insert("nodeName".to_owned(), node.into());
        }
    }
}

fn validate(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = meta(object, true, name_is_dns_subdomain);
    let path = Path::new("addressType");
    let kind = object.str("addressType");
    errors.extend(crate::checks::required_one_of(kind, &TYPES, &path));
    errors.extend(validate_ports(object));
    if !old.exists() || !object.get("endpoints").same(old.get("endpoints")) {
        errors.extend(validate_endpoints(object, kind));
    }
    errors
}

fn validate_ports(object: View<'_>) -> Errors {
    const MAX: usize = 20_000;
    let path = Path::new("ports");
    let ports = object.list("ports");
    if ports.len() > MAX {
        return vec![Error::too_many(&path, ports.len() as i64, MAX as i64)];
    }
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    for (index, port) in ports.enumerate() {
        let path = path.index(index);
        let (name, place) = (port.str("name"), path.child("name"));
        if !name.is_empty() {
            errors.extend(dns_label(name, &place));
        }
        if !seen.insert(name) {
            errors.push(Error::duplicate(&place, name));
        }
        match port.opt_str("protocol") {
            None => errors.push(Error::required(&path.child("protocol"), "")),
            Some(protocol) if PROTOCOLS.contains(&protocol) => {}
            Some(protocol) => errors.push(Error::not_supported(&path.child("protocol"), protocol, PROTOCOLS)),
        }
        if let Some(protocol) = port.opt_str("appProtocol") {
            errors.extend(qualified_name(protocol, &path.child("appProtocol")));
        }
    }
    errors
}

fn validate_endpoints(object: View<'_>, kind: &str) -> Errors {
    const MAX: usize = 1000;
    const TOPOLOGY_MAX: usize = 16;
    let path = Path::new("endpoints");
    let endpoints = object.list("endpoints");
    if endpoints.len() > MAX {
        return vec![Error::too_many(&path, endpoints.len() as i64, MAX as i64)];
    }
    let mut errors = Errors::new();
    for (index, endpoint) in endpoints.enumerate() {
        let path = path.index(index);
        errors.extend(validate_addresses(endpoint, kind, &path.child("addresses")));
        if let Some(node) = endpoint.opt_str("nodeName") {
            errors.extend(each(name_is_dns_subdomain(node, false), node, &path.child("nodeName")));
        }
        let (topology, place) = (endpoint.get("deprecatedTopology"), path.child("deprecatedTopology"));
        if topology.len() > TOPOLOGY_MAX {
            errors.push(Error::too_many(&place, topology.len() as i64, TOPOLOGY_MAX as i64));
        }
        errors.extend(validate_labels(topology, &place));
        if let Some(hostname) = endpoint.opt_str("hostname") {
            errors.extend(dns_label(hostname, &path.child("hostname")));
        }
        errors.extend(validate_hints(endpoint.get("hints"), &path.child("hints")));
    }
    errors
}

fn validate_addresses(endpoint: View<'_>, kind: &str, path: &Path<'_>) -> Errors {
    const MAX: usize = 100;
    let addresses = endpoint.strings("addresses");
    let mut errors = Errors::new();
    if addresses.len() == 0 {
        errors.push(Error::required(path, "must contain at least 1 address"));
    } else if addresses.len() > MAX {
        errors.push(Error::too_many(path, addresses.len() as i64, MAX as i64));
    }
    for (index, address) in addresses.enumerate() {
        let place = path.index(index);
        let malformed = match kind {
            "IPv4" => is_valid_ip_for_legacy_field(&place, address, &[]),
            "IPv6" => is_valid_ip(&place, address),
            "FQDN" => {
                errors.extend(is_fully_qualified_domain_name(&place, address));
                continue;
            }
            _ => continue,
        };
        if !malformed.is_empty() {
            errors.extend(malformed);
            continue;
        }
        if parse_ip_sloppy(address).is_none_or(|ip| ip.is_ipv4() != (kind == "IPv4")) {
            errors.push(Error::invalid(path, address, format!("must be an {kind} address")));
        }
        errors.extend(validate_endpoint_ip(address, &place));
    }
    errors
}

fn validate_hints(hints: View<'_>, path: &Path<'_>) -> Errors {
    const MAX: usize = 8;
    let mut errors = Errors::new();
    for list in ["forZones", "forNodes"] {
        let path = path.child(list);
        let items = hints.list(list);
        if items.len() > MAX {
            errors.push(Error::too_many(&path, items.len() as i64, MAX as i64));
            return errors;
        }
        let mut seen = HashSet::new();
        for (index, item) in items.enumerate() {
            let (path, name) = (path.index(index), item.str("name"));
            let place = path.child("name");
            if !seen.insert(name) {
                errors.push(Error::duplicate(&place, name));
            }
            let messages = match list {
                "forZones" => is_valid_label_value(name),
                _ => name_is_dns_subdomain(name, false),
            };
            errors.extend(each(messages, name, &place));
        }
    }
    errors
}

fn address_warnings(object: View<'_>) -> Vec<String> {
    let manager = object.at(&["metadata", "labels"]).str("endpointslice.kubernetes.io/managed-by");
    if matches!(manager, "endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io") {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let path = Path::new("endpoints");
    for (index, endpoint) in object.list("endpoints").enumerate() {
        let path = path.index(index);
        let path = path.child("addresses");
        for (index, address) in endpoint.strings("addresses").enumerate() {
            warnings.extend(get_warnings_for_ip(&path.index(index), address));
        }
    }
    warnings
}

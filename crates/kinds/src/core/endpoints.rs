//! Endpoints.

use crate::change;
use crate::checks::{PROTOCOLS, dns_label, each, meta, meta_update, port_number, qualified_name, required_one_of};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::names::{get_warnings_for_ip, is_valid_ip_for_legacy_field, name_is_dns_subdomain, parse_ip_sloppy};
use object::{Value, View};
use std::net::IpAddr;

/// The rules of Endpoints.
pub(super) struct Endpoints;

impl Strategy for Endpoints {
    fn defaults(&self, object: &mut Value) {
        let subsets = object.get_mut("subsets").and_then(Value::as_array_mut).into_iter().flatten();
        let ports = subsets.filter_map(|subset| subset.get_mut("ports")?.as_array_mut()).flatten();
        for port in ports.filter_map(Value::as_object_mut) {
            change::set_default_text(port, "protocol", "TCP");
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        errors.extend(validate_subsets(object.get("subsets")));
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(meta(object, true, name_is_dns_subdomain));
        if !object.get("subsets").same(old.get("subsets")) {
            errors.extend(validate_subsets(object.get("subsets")));
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Endpoints", "@subsets"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), show(object).into(), object_age(object, now)]
    }
}

fn validate_subsets(subsets: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let path = Path::new("subsets");
    for (index, subset) in subsets.items().enumerate() {
        let path = path.index(index);
        if subset.get("addresses").is_empty() && subset.get("notReadyAddresses").is_empty() {
            errors.push(Error::required(&path, "must specify `addresses` or `notReadyAddresses`"));
        }
        for list in ["addresses", "notReadyAddresses"] {
            let path = path.child(list);
            for (index, address) in subset.list(list).enumerate() {
                errors.extend(validate_address(address, &path.index(index)));
            }
        }
        let ports = subset.list("ports");
        let (path, named) = (path.child("ports"), ports.len() > 1);
        for (index, port) in ports.enumerate() {
            errors.extend(validate_port(port, named, &path.index(index)));
        }
    }
    errors
}

fn validate_address(address: View<'_>, path: &Path<'_>) -> Errors {
    let (ip, place) = (address.str("ip"), path.child("ip"));
    let mut errors = is_valid_ip_for_legacy_field(&place, ip, &[]);
    if !address.str("hostname").is_empty() {
        errors.extend(dns_label(address.str("hostname"), &path.child("hostname")));
    }
    if let Some(node) = address.opt_str("nodeName") {
        errors.extend(each(name_is_dns_subdomain(node, false), node, &path.child("nodeName")));
    }
    errors.extend(validate_endpoint_ip(ip, &place));
    errors
}

fn validate_port(port: View<'_>, named: bool, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    match port.str("name") {
        "" if named => errors.push(Error::required(&path.child("name"), "")),
        "" => {}
        name => errors.extend(dns_label(name, &path.child("name"))),
    }
    errors.extend(port_number(port.int("port"), &path.child("port")));
    errors.extend(required_one_of(port.str("protocol"), PROTOCOLS, &path.child("protocol")));
    if let Some(protocol) = port.opt_str("appProtocol") {
        errors.extend(qualified_name(protocol, &path.child("appProtocol")));
    }
    errors
}

/// An address that traffic can be sent to.
pub(crate) fn validate_endpoint_ip(text: &str, path: &Path<'_>) -> Errors {
    let Some(ip) = parse_ip_sloppy(text) else {
        return vec![Error::invalid(path, text, "must be a valid IP address")];
    };
    let (link_local, multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.segments()[0] & 0xff0f == 0xff02),
    };
    let mut errors = Errors::new();
    let mut refuse = |found: bool, why: String| {
        if found {
            errors.push(Error::invalid(path, text, why));
        }
    };
    refuse(ip.is_unspecified(), format!("may not be unspecified ({text})"));
    refuse(ip.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned());
    refuse(link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned());
    refuse(multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned());
    errors
}

fn warnings(object: View<'_>) -> Vec<String> {
    let labels = object.at(&["metadata", "labels"]);
    if labels.str("endpoints.kubernetes.io/managed-by") == "endpoint-controller" {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let path = Path::new("subsets");
    for (index, subset) in object.list("subsets").enumerate() {
        let path = path.index(index);
        for list in ["addresses", "notReadyAddresses"] {
            let path = path.child(list);
            for (index, address) in subset.list(list).enumerate() {
                warnings.extend(get_warnings_for_ip(&path.index(index).child("ip"), address.str("ip")));
            }
        }
    }
    warnings
}

/// Three addresses with their ports, and how many more there are.
fn show(object: View<'_>) -> String {
    const MAX: usize = 3;
    if object.get("subsets").is_empty() {
        return "<none>".to_owned();
    }
    let (mut shown, mut count, mut more) = (Vec::new(), 0, false);
    let mut show = |ip: &str, port: Option<i64>| match port {
        _ if shown.len() == MAX => more = true,
        None => shown.push(ip.to_owned()),
        Some(port) if ip.contains(':') => shown.push(format!("[{ip}]:{port}")),
        Some(port) => shown.push(format!("{ip}:{port}")),
    };
    for subset in object.list("subsets") {
        let addresses = subset.list("addresses");
        let ports: Vec<Option<i64>> = match subset.get("ports").is_empty() {
            true => vec![None],
            false => subset.list("ports").map(|port| Some(port.int("port"))).collect(),
        };
        for port in ports {
            count += addresses.len();
            addresses.clone().for_each(|address| show(address.str("ip"), port));
        }
    }
    let text = shown.join(",");
    if more { format!("{text} + {} more...", count - MAX) } else { text }
}

//! Validation of a service's spec.

use super::{cluster_ips, is_headless, traffic};
use crate::checks::{PROTOCOLS, dns_label, dns_subdomain, each, port_number, qualified_name, required_one_of};
use crate::core::endpoints::validate_endpoint_ip;
use object::field::{Error, Errors, Path};
use object::meta::validate_labels;
use object::names::{
    is_valid_cidr_for_legacy_field, is_valid_ip_for_legacy_field, is_valid_port_name, is_valid_port_num,
};
use object::{Value, View};
use std::collections::HashSet;

const ONLY_LOAD_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";

/// Validates all but metadata; `old` is absent for a new service.
pub(super) fn validate(object: View<'_>, old: View<'_>) -> Errors {
    let spec = object.get("spec");
    let path = Path::new("spec");
    let mut errors = validate_topology(object);
    if spec.get("ports").is_empty() && !is_headless(spec) && spec.str("type") != "ExternalName" {
        errors.push(Error::required(&path.child("ports"), ""));
    }
    errors.extend(validate_by_type(spec, &path));
    errors.extend(validate_ports(spec, &path.child("ports")));
    errors.extend(validate_labels(spec.get("selector"), &path.child("selector")));
    errors.extend(validate_affinity(spec, &path));
    errors.extend(cluster_ips::validate(spec, old.get("spec")));
    errors.extend(validate_external_ips(spec, old.get("spec"), &path.child("externalIPs")));
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    errors.extend(required_one_of(spec.str("type"), &types, &path.child("type")));
    errors.extend(validate_port_pairs(spec, &path.child("ports")));
    errors.extend(validate_source_ranges(object, old));
    errors.extend(validate_node_port_choice(spec, &path));
    errors.extend(validate_load_balancer_class(spec, None));
    errors.extend(traffic::validate(spec));
    errors
}

/// Two annotations tell the same; they must agree.
fn validate_topology(object: View<'_>) -> Errors {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    const MODE: &str = "service.kubernetes.io/topology-mode";
    let annotations = object.at(&["metadata", "annotations"]);
    let (Some(hints), Some(mode)) = (annotations.opt_str(HINTS), annotations.opt_str(MODE)) else {
        return Errors::new();
    };
    if hints == mode {
        return Errors::new();
    }
    let why = format!("must match annotations[{HINTS}] when both are specified");
    let path = Path::new("metadata");
    vec![Error::invalid(&path.child("annotations").key(MODE), mode, why)]
}

fn validate_by_type(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    match spec.str("type") {
        kind @ ("LoadBalancer" | "NodePort") if is_headless(spec) => {
            let why = format!("may not be set to 'None' for {kind} services");
            errors.push(Error::invalid(&path.child("clusterIPs").index(0), "None", why));
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if !spec.get(field).is_empty() {
                    errors.push(Error::forbidden(&path.child(field), "may not be set for ExternalName services"));
                }
            }
            let name = spec.str("externalName");
            match name.strip_suffix('.').unwrap_or(name) {
                "" => errors.push(Error::required(&path.child("externalName"), "")),
                name => errors.extend(dns_subdomain(name, &path.child("externalName"))),
            }
        }
        _ => {}
    }
    errors
}

fn validate_ports(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    let ports = spec.list("ports");
    let named = ports.len() > 1;
    for (index, port) in ports.enumerate() {
        let path = path.index(index);
        let (name, place) = (port.str("name"), path.child("name"));
        if !name.is_empty() {
            errors.extend(dns_label(name, &place));
            if !seen.insert(name) {
                errors.push(Error::duplicate(&place, name));
            }
        } else if named {
            errors.push(Error::required(&place, ""));
        }
        errors.extend(port_number(port.int("port"), &path.child("port")));
        errors.extend(required_one_of(port.str("protocol"), PROTOCOLS, &path.child("protocol")));
        errors.extend(port_number_or_name(port.get("targetPort"), &path.child("targetPort")));
        if let Some(protocol) = port.opt_str("appProtocol") {
            errors.extend(qualified_name(protocol, &path.child("appProtocol")));
        }
    }
    errors
}

fn port_number_or_name(port: View<'_>, path: &Path<'_>) -> Errors {
    match port.value() {
        Some(Value::String(name)) => each(is_valid_port_name(name), name, path).collect(),
        _ => {
            let number = port.as_int();
            is_valid_port_num(number).into_iter().map(|why| Error::invalid(path, number, why)).collect()
        }
    }
}

fn validate_affinity(spec: View<'_>, path: &Path<'_>) -> Errors {
    const MAX: i64 = 86400;
    let affinity = spec.str("sessionAffinity");
    let mut errors: Errors =
        required_one_of(affinity, &["ClientIP", "None"], &path.child("sessionAffinity")).into_iter().collect();
    let (config, path) = (spec.get("sessionAffinityConfig"), path.child("sessionAffinityConfig"));
    if affinity == "None" && config.exists() {
        errors.push(Error::forbidden(&path, "must not be set when session affinity is None"));
    }
    if affinity != "ClientIP" {
        return errors;
    }
    let why = "when session affinity type is ClientIP";
    let client = path.child("clientIP");
    let timeout = client.child("timeoutSeconds");
    if !config.exists() {
        errors.push(Error::required(&path, why));
    } else if !config.has("clientIP") {
        errors.push(Error::required(&client, why));
    } else if let Some(seconds) = config.get("clientIP").opt_int("timeoutSeconds") {
        if !(1..=MAX).contains(&seconds) {
            errors.push(Error::invalid(&timeout, seconds, format!("must be greater than 0 and less than {MAX}")));
        }
    } else {
        errors.push(Error::required(&timeout, why));
    }
    errors
}

fn validate_external_ips(spec: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let known: Vec<&str> = old.strings("externalIPs").collect();
    let mut errors = Errors::new();
    for (index, ip) in spec.strings("externalIPs").enumerate() {
        let path = path.index(index);
        let malformed = is_valid_ip_for_legacy_field(&path, ip, &known);
        errors.extend(if malformed.is_empty() { validate_endpoint_ip(ip, &path) } else { malformed });
    }
    errors
}

/// Node ports and ports stand once for each protocol.
fn validate_port_pairs(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let ports = || spec.list("ports").enumerate();
    if spec.str("type") == "ClusterIP" {
        for (index, _) in ports().filter(|(_, port)| port.int("nodePort") != 0) {
            let why = "may not be used when `type` is 'ClusterIP'";
            errors.push(Error::forbidden(&path.index(index).child("nodePort"), why));
        }
    }
    let mut seen = HashSet::new();
    for (index, port) in ports().filter(|(_, port)| port.int("nodePort") != 0) {
        if !seen.insert((port.str("protocol"), port.int("nodePort"))) {
            errors.push(Error::duplicate(&path.index(index).child("nodePort"), port.int("nodePort")));
        }
    }
    seen.clear();
    for (index, port) in ports() {
        let (protocol, number) = (port.str("protocol"), port.int("port"));
        if !seen.insert((protocol, number)) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}",
                Value::from(protocol)
            );
            errors.push(Error::duplicate_shown(&path.index(index), shown));
        }
    }
    errors
}

/// From where a load balancer takes traffic: a field, or else an annotation of old.
fn validate_source_ranges(object: View<'_>, old: View<'_>) -> Errors {
    const ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let spec = object.get("spec");
    let balanced = spec.str("type") == "LoadBalancer";
    let mut errors = Errors::new();
    if !spec.get("loadBalancerSourceRanges").is_empty() {
        let path = Path::new("spec");
        let path = path.child("LoadBalancerSourceRanges");
        if !balanced {
            errors.push(Error::forbidden(&path, ONLY_LOAD_BALANCERS));
        }
        let known: Vec<&str> = old.get("spec").strings("loadBalancerSourceRanges").map(str::trim).collect();
        for (index, range) in spec.strings("loadBalancerSourceRanges").enumerate() {
            errors.extend(is_valid_cidr_for_legacy_field(&path.index(index), range.trim(), &known));
        }
        return errors;
    }
    let annotation = |object: View<'_>| object.at(&["metadata", "annotations"]).opt_str(ANNOTATION).map(str::to_owned);
    let Some(ranges) = annotation(object) else { return errors };
    let path = Path::new("metadata");
    let path = path.child("annotations");
    let path = path.key(ANNOTATION);
    if !balanced {
        errors.push(Error::forbidden(&path, ONLY_LOAD_BALANCERS));
    }
    if !ranges.trim().is_empty() && annotation(old).as_ref() != Some(&ranges) {
        let ranges = ranges.split(',').map(str::trim);
        errors.extend(ranges.flat_map(|range| is_valid_cidr_for_legacy_field(&path, range, &[])));
    }
    errors
}

fn validate_node_port_choice(spec: View<'_>, path: &Path<'_>) -> Option<Error> {
    let balanced = spec.str("type") == "LoadBalancer";
    match (spec.has("allocateLoadBalancerNodePorts"), balanced) {
        (true, false) => Some(Error::forbidden(&path.child("allocateLoadBalancerNodePorts"), ONLY_LOAD_BALANCERS)),
        (false, true) => Some(Error::required(&Path::new("allocateLoadBalancerNodePorts"), "")),
        _ => None,
    }
}

/// Validates the class of a load balancer, which stays as long as it is one.
pub(super) fn validate_load_balancer_class(spec: View<'_>, old: Option<View<'_>>) -> Errors {
    let path = Path::new("spec");
    let path = path.child("loadBalancerClass");
    let mut errors = Errors::new();
    let balanced = spec.str("type") == "LoadBalancer";
    let class = spec.opt_str("loadBalancerClass");
    if let Some(old) = old
        && balanced
        && old.str("type") == "LoadBalancer"
        && old.opt_str("loadBalancerClass") != class
    {
        errors.push(Error::invalid(&path, class.map_or(Value::Null, Value::from), "may not change once set"));
    }
    match class {
        Some(class) if balanced => errors.extend(qualified_name(class, &path)),
        Some(_) => errors.push(Error::forbidden(&path, ONLY_LOAD_BALANCERS)),
        None => {}
    }
    errors
}

//! Service.
//!
//! Addresses and node ports are given out in `apiserver`, before the validation here; what of that is a matter of the
//! object alone is in [`allocation`].

pub mod allocation;
mod cluster_ips;
mod leftovers;
mod node_ports;
mod traffic;
mod validate;

use crate::change;
use crate::checks::{meta, meta_update};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::names::{
    get_warnings_for_cidr, get_warnings_for_ip, is_dns1123_subdomain, is_valid_ip_for_legacy_field, name_is_dns_label,
    parse_ip_sloppy,
};
use object::quote::quote;
use object::selector::labels::Selector;
use object::{Value, View, json};
use std::collections::BTreeSet;

/// The rules of Services.
pub(super) struct Service;
/// The rules of `services/status`.
struct Status;

impl Strategy for Service {
    fn defaults(&self, object: &mut Value) {
        default_affinity(object);
        let spec = change::map_at(object, "spec");
        change::set_default_text(spec, "type", "ClusterIP");
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            default_port(port);
        }
        let view = View::from(&*object);
        let spec = view.get("spec");
        let (kind, external) = (spec.str("type").to_owned(), traffic::is_externally_accessible(spec));
        let spec = change::map_at(object, "spec");
        if external {
            change::set_default_text(spec, "externalTrafficPolicy", "Cluster");
        }
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP")
            && spec.get("internalTrafficPolicy").is_none_or(Value::is_null)
        {
            spec.insert("internalTrafficPolicy".to_owned(), "Cluster".into());
        }
        if kind == "LoadBalancer" {
            change::set_default(spec, "allocateLoadBalancerNodePorts", true);
            default_ip_modes(object);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({"loadBalancer": {}});
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_label);
        errors.extend(validate::validate(object, View::ABSENT));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn canonicalize(&self, object: &mut Value) {
        // Upstream forgets it whenever it reads the object.
        if View::from(&*object).get("spec").str("type") == "ExternalName" {
            change::map_at(object, "spec").remove("internalTrafficPolicy");
        }
    }

    fn live(&self, object: &mut Value) {
        // It is forgotten whenever it is read, but its owners keep it.
        let view = View::from(&*object);
        let owns = |entry: &Value| !entry["fieldsV1"]["f:spec"]["f:internalTrafficPolicy"].is_null();
        if view.get("spec").str("type") == "ExternalName"
            && view.get("metadata").get("managedFields").as_slice().iter().any(owns)
        {
            change::map_at(object, "spec").insert("internalTrafficPolicy".to_owned(), "Cluster".into());
        }
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
        leftovers::drop_for_type(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(cluster_ips::validate_change(object, old));
        errors.extend(cluster_ips::validate_family_change(object, old));
        errors.extend(validate::validate_load_balancer_class(object.get("spec"), Some(old.get("spec"))));
        errors.extend(traffic::validate_change(object.get("spec"), old.get("spec")));
        errors.extend(validate::validate(object, old));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        object.get("spec").str(name.trim_start_matches("spec.")).to_owned()
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Type", "@spec.type"),
                Column::text("Cluster-IP", "@spec.clusterIP"),
                Column::text("External-IP", "@spec.externalIPs"),
                Column::text("Port(s)", "@spec.ports"),
                Column::AGE,
                Column::text("Selector", "@spec.selector").wide(),
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let spec = object.get("spec");
        let address = spec.strings("clusterIPs").next().unwrap_or("<none>");
        let ports: Vec<String> = spec.list("ports").map(show_port).collect();
        let ports = ports.join(",");
        let selector = spec.get("selector");
        let selector = if selector.is_empty() { "<none>".to_owned() } else { Selector::from_map(selector).to_string() };
        vec![
            name(object),
            spec.str("type").into(),
            address.into(),
            show_external(object).into(),
            or(&ports, "<none>").into(),
            object_age(object, now),
            selector.into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate_load_balancer(object, old));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        let status = Path::new("status");
        let path = status.child("loadBalancer");
        let path = path.child("ingress");
        let points = object.at(&["status", "loadBalancer"]).list("ingress").enumerate();
        let set = points.filter(|(_, point)| !point.str("ip").is_empty());
        set.flat_map(|(index, point)| get_warnings_for_ip(&path.index(index), point.str("ip"))).collect()
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn default_affinity(object: &mut Value) {
    let spec = change::map_at(object, "spec");
    change::set_default_text(spec, "sessionAffinity", "None");
    match spec.get("sessionAffinity").and_then(Value::as_str) {
        Some("None") => {
            spec.remove("sessionAffinityConfig");
        }
        Some("ClientIP") => {
            let config = View::from(spec.get("sessionAffinityConfig"));
            if !config.get("clientIP").has("timeoutSeconds") {
                spec.insert("sessionAffinityConfig".to_owned(), json!({"clientIP": {"timeoutSeconds": 10800}}));
            }
        }
        _ => {}
    }
}

fn default_port(port: &mut Value) {
    let number = View::from(&*port).int("port");
    let Some(port) = port.as_object_mut() else { return };
    change::set_default_text(port, "protocol", "TCP");
    let target = port.get("targetPort");
    if target.is_none_or(|target| target.is_null() || target.as_i64() == Some(0) || target.as_str() == Some("")) {
        port.insert("targetPort".to_owned(), number.into());
    }
}

fn default_ip_modes(object: &mut Value) {
    let points = object.pointer_mut("/status/loadBalancer/ingress").and_then(Value::as_array_mut);
    for point in points.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !View::from(point.get("ip")).is_empty() {
            change::set_default(point, "ipMode", "VIP");
        }
    }
}

/// True if the service has no address of its own.
fn is_headless(spec: View<'_>) -> bool {
    spec.strings("clusterIPs").eq(["None"])
}

/// Validates where a load balancer can be reached.
fn validate_load_balancer(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let status = Path::new("status");
    let path = status.child("loadBalancer");
    let path = path.child("ingress");
    let points = object.at(&["status", "loadBalancer", "ingress"]);
    if object.get("spec").str("type") != "LoadBalancer" && !points.is_empty() {
        return vec![Error::forbidden(&path, "may only be used when `spec.type` is 'LoadBalancer'")];
    }
    let known: Vec<&str> = old.at(&["status", "loadBalancer"]).list("ingress").map(|point| point.str("ip")).collect();
    for (index, point) in points.items().enumerate() {
        let path = path.index(index);
        let (ip, hostname, place) = (point.str("ip"), point.str("hostname"), path.child("ipMode"));
        if !ip.is_empty() {
            errors.extend(is_valid_ip_for_legacy_field(&path.child("ip"), ip, &known));
        }
        match point.opt_str("ipMode") {
            None if !ip.is_empty() => errors.push(Error::required(&place, "must be specified when `ip` is set")),
            None => {}
            Some(_) if ip.is_empty() => {
                errors.push(Error::forbidden(&place, "may not be specified when `ip` is not set"));
            }
            Some("VIP" | "Proxy") => {}
            Some(other) => errors.push(Error::not_supported(&place, other, &["Proxy", "VIP"])),
        }
        if !hostname.is_empty() {
            let place = path.child("hostname");
            errors.extend(crate::checks::each(is_dns1123_subdomain(hostname), hostname, &place));
            if parse_ip_sloppy(hostname).is_some() {
                errors.push(Error::invalid(&place, hostname, "must be a DNS name, not an IP address"));
            }
        }
    }
    errors
}

fn warnings(object: View<'_>) -> Vec<String> {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let spec = object.get("spec");
    let (path, kind) = (Path::new("spec"), spec.str("type"));
    let headless = kind == "ClusterIP" && spec.str("clusterIP") == "None";
    let external = !spec.get("externalIPs").is_empty();
    let mut warnings = Vec::new();
    let mut warn = |when: bool, text: String| {
        if when {
            warnings.push(text);
        }
    };
    let hints = object.at(&["metadata", "annotations"]).has(HINTS);
    let mode = "service.kubernetes.io/topology-mode";
    warn(hints, format!("annotation {HINTS} is deprecated, please use {mode} instead"));
    if !matches!(spec.str("clusterIP"), "" | "None") {
        ip_warnings(spec, "clusterIPs", &path).into_iter().for_each(|text| warn(true, text));
    }
    let affinity = spec.str("sessionAffinity") != "None";
    let balancer = spec.str("loadBalancerIP");
    warn(headless && !balancer.is_empty(), "spec.loadBalancerIP is ignored for headless services".to_owned());
    warn(headless && external, "spec.externalIPs is ignored for headless services".to_owned());
    warn(headless && affinity, "spec.SessionAffinity is ignored for headless services".to_owned());
    ip_warnings(spec, "externalIPs", &path).into_iter().for_each(|text| warn(true, text));
    let why = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
    warn(external && !headless && kind != "ExternalName", why.to_owned());
    if !balancer.is_empty() {
        let texts = get_warnings_for_ip(&path.child("loadBalancerIP"), balancer);
        texts.into_iter().for_each(|text| warn(true, text));
    }
    let place = path.child("loadBalancerSourceRanges");
    for (index, range) in spec.strings("loadBalancerSourceRanges").enumerate() {
        get_warnings_for_cidr(&place.index(index), range).into_iter().for_each(|text| warn(true, text));
    }
    let named = kind == "ExternalName";
    warn(named && external, "spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    let why = "spec.externalName is ignored when spec.type is not \"ExternalName\"";
    warn(!named && !spec.str("externalName").is_empty(), why.to_owned());
    let close = spec.str("trafficDistribution") == "PreferClose";
    let (close_name, zone) = (quote("PreferClose"), quote("PreferSameZone"));
    warn(close, format!("spec.trafficDistribution: {close_name} is deprecated; use {zone}"));
    warnings
}

fn ip_warnings(spec: View<'_>, list: &str, path: &Path<'_>) -> Vec<String> {
    let path = path.child(list);
    let ips = spec.strings(list).enumerate();
    ips.flat_map(|(index, ip)| get_warnings_for_ip(&path.index(index), ip)).collect()
}

fn show_port(port: View<'_>) -> String {
    let (number, protocol) = (port.int("port"), port.str("protocol"));
    match port.int("nodePort") {
        node @ 1.. => format!("{number}:{node}/{protocol}"),
        _ => format!("{number}/{protocol}"),
    }
}

fn show_external(object: View<'_>) -> String {
    let spec = object.get("spec");
    let external: Vec<&str> = spec.strings("externalIPs").collect();
    match spec.str("type") {
        "ClusterIP" | "NodePort" if external.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => external.join(","),
        "LoadBalancer" => {
            let points = load_balancer_points(object.at(&["status", "loadBalancer", "ingress"]));
            let all: Vec<&str> = points.iter().map(String::as_str).chain(external).collect();
            or(&all.join(","), "<pending>").to_owned()
        }
        "ExternalName" => spec.str("externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// Addresses and names at which a load balancer is reached, sorted.
pub(crate) fn load_balancer_points(ingress: View<'_>) -> BTreeSet<String> {
    let points = ingress.items().map(|point| or(point.str("ip"), point.str("hostname")).to_owned());
    points.filter(|point| !point.is_empty()).collect()
}

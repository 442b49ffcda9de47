//! Ingress.

mod paths;

pub(super) use paths::validate_reference;

use crate::change;
use crate::change::{count_generation, set_generation};
use crate::checks::{each, meta, meta_update};
use crate::columns::{name, object_age};
use crate::core::service::load_balancer_points;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::names::{
    get_warnings_for_ip, is_dns1123_subdomain, is_valid_ip_for_legacy_field, is_wildcard_dns1123_subdomain,
    name_is_dns_subdomain, parse_ip_sloppy,
};
use object::quote::quote;
use object::{Value, View, json};

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const NOT_A_NAME: &str = "must be a DNS name, not an IP address";

/// The rules of ingresses.
pub(super) struct Ingress;
/// The rules of `ingresses/status`.
struct Status;

/// What an ingress may keep because it had it already.
#[derive(Clone, Copy, Default)]
struct Options {
    any_secret_name: bool,
    any_wildcard_rule: bool,
}

impl Strategy for Ingress {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({"loadBalancer": {}});
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = validate(object, Options::default());
        let annotation = object.at(&["metadata", "annotations"]).opt_str(CLASS_ANNOTATION);
        if let (Some(annotation), Some(class)) = (annotation, object.get("spec").opt_str("ingressClassName"))
            && annotation != class
        {
            let path = Path::new("annotations");
            let why = "must match `ingressClassName` when both are specified";
            errors.push(Error::invalid(&path.child(CLASS_ANNOTATION), annotation, why));
        }
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let annotated = object.at(&["metadata", "annotations"]).has(CLASS_ANNOTATION);
        let key = quote(CLASS_ANNOTATION);
        let text = format!("annotation {key} is deprecated, please use 'spec.ingressClassName' instead");
        if annotated && !object.get("spec").has("ingressClassName") { vec![text] } else { Vec::new() }
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate(object, options(old.get("spec"))));
        errors
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text(
                    "Class",
                    "The name of the IngressClass resource that should be used for additional configuration",
                ),
                Column::text("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
                Column::text("Address", "Address is a list containing ingress points for the load-balancer"),
                Column::text("Ports", "Ports of TLS configurations that open"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let spec = object.get("spec");
        let points = load_balancer_points(object.at(&["status", "loadBalancer", "ingress"]));
        let ports = if spec.get("tls").is_empty() { "80" } else { "80, 443" };
        vec![
            name(object),
            spec.opt_str("ingressClassName").unwrap_or("<none>").into(),
            show_hosts(spec).into(),
            points.into_iter().collect::<Vec<_>>().join(",").into(),
            ports.into(),
            object_age(object, now),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        let status = Path::new("status");
        let path = status.child("loadBalancer");
        let path = path.child("ingress");
        let known: Vec<&str> =
            old.at(&["status", "loadBalancer"]).list("ingress").map(|point| point.str("ip")).collect();
        for (index, point) in object.at(&["status", "loadBalancer"]).list("ingress").enumerate() {
            let path = path.index(index);
            let (ip, hostname) = (point.str("ip"), point.str("hostname"));
            if !ip.is_empty() {
                errors.extend(is_valid_ip_for_legacy_field(&path.child("ip"), ip, &known));
            }
            if !hostname.is_empty() {
                let place = path.child("hostname");
                errors.extend(each(is_dns1123_subdomain(hostname), hostname, &place));
                if parse_ip_sloppy(hostname).is_some() {
                    errors.push(Error::invalid(&place, hostname, NOT_A_NAME));
                }
            }
        }
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

fn validate(object: View<'_>, options: Options) -> Errors {
    let mut errors = meta(object, true, name_is_dns_subdomain);
    let (spec, path) = (object.get("spec"), Path::new("spec"));
    if spec.get("rules").is_empty() && !spec.has("defaultBackend") {
        let why = "either `defaultBackend` or `rules` must be specified";
        let rules = spec.get("rules").to_value();
        errors.push(Error::invalid(&path, rules, why));
    }
    if spec.has("defaultBackend") {
        errors.extend(paths::validate_backend(spec.get("defaultBackend"), &path.child("defaultBackend")));
    }
    errors.extend(validate_rules(spec, options, &path.child("rules")));
    errors.extend(validate_tls(spec, options, &path.child("tls")));
    if let Some(class) = spec.opt_str("ingressClassName") {
        errors.extend(each(name_is_dns_subdomain(class, false), class, &path.child("ingressClassName")));
    }
    errors
}

fn validate_rules(spec: View<'_>, options: Options, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for (index, rule) in spec.list("rules").enumerate() {
        let path = path.index(index);
        let (host, place) = (rule.str("host"), path.child("host"));
        if parse_ip_sloppy(host).is_some() {
            errors.push(Error::invalid(&place, host, NOT_A_NAME));
        }
        if !host.is_empty() {
            errors.extend(validate_host(host, &place));
        }
        if !(host.contains('*') && options.any_wildcard_rule) {
            errors.extend(paths::validate_rule(rule, &path));
        }
    }
    errors
}

fn validate_host(host: &str, path: &Path<'_>) -> Errors {
    let messages = if host.contains('*') { is_wildcard_dns1123_subdomain(host) } else { is_dns1123_subdomain(host) };
    each(messages, host, path).collect()
}

fn validate_tls(spec: View<'_>, options: Options, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    for (index, tls) in spec.list("tls").enumerate() {
        let path = path.index(index);
        let hosts = path.child("hosts");
        for (index, host) in tls.strings("hosts").enumerate() {
            errors.extend(validate_host(host, &hosts.index(index)));
        }
        let secret = tls.str("secretName");
        if !options.any_secret_name && !secret.is_empty() {
            errors.extend(each(name_is_dns_subdomain(secret, false), secret, &path.child("secretName")));
        }
    }
    errors
}

fn options(old: View<'_>) -> Options {
    let bad_name = |name: &str| !name.is_empty() && !name_is_dns_subdomain(name, false).is_empty();
    let bad_rule =
        |rule: View<'_>| rule.str("host").contains('*') && !paths::validate_rule(rule, &Path::root()).is_empty();
    Options {
        any_secret_name: old.list("tls").any(|tls| bad_name(tls.str("secretName"))),
        any_wildcard_rule: old.list("rules").any(bad_rule),
    }
}

/// The first three hosts, and how many more rules there are.
fn show_hosts(spec: View<'_>) -> String {
    const MAX: usize = 3;
    let rules = spec.list("rules");
    let count = rules.len();
    let (mut hosts, mut more) = (Vec::new(), false);
    for rule in rules {
        more |= hosts.len() == MAX;
        if !more && !rule.str("host").is_empty() {
            hosts.push(rule.str("host"));
        }
    }
    match hosts.join(",") {
        none if none.is_empty() => "*".to_owned(),
        hosts if more => format!("{hosts} + {} more...", count - MAX),
        hosts => hosts,
    }
}

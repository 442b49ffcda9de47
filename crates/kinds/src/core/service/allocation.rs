//! The part of giving out addresses and node ports that needs nothing but the service: which fields hold what, and
//! which IP families a service gets.
//!
//! The order of calls, before the strategy's preparation. For a new service: [`normalise`], [`default_families`], then
//! the allocation itself. For a changed one: [`keep_allocated`], [`normalise`], [`default_families`], allocation.

use super::cluster_ips::{self, is_v6};
use super::leftovers::needs_node_port;
use super::traffic::needs_health_check;
use crate::change;
use object::field::{Error, Errors, Path};
use object::{Value, View};
use std::collections::{HashMap, HashSet};

pub use super::node_ports::{NodePorts, assign_node_ports};

/// Brings `clusterIP` and `clusterIPs` in line for clients that know only the first. `old` is absent for a new service.
pub fn normalise(service: &mut Value, old: View<'_>) {
    let old = old.get("spec");
    let view = View::from(&*service);
    let spec = view.get("spec");
    let ip = spec.str("clusterIP").to_owned();
    let new: Vec<String> = spec.strings("clusterIPs").map(str::to_owned).collect();
    let was: Vec<String> = old.strings("clusterIPs").map(str::to_owned).collect();
    let ips = if !old.exists() {
        if !ip.is_empty() && new.is_empty() { vec![ip] } else { return }
    } else if ip == old.str("clusterIP") {
        if new.is_empty() && !was.is_empty() { was } else { return }
    } else if new != was {
        return;
    } else if ip.is_empty() {
        Vec::new()
    } else {
        vec![ip]
    };
    set_list(change::map_at(service, "spec"), "clusterIPs", ips);
}

/// Fills in what the old service was given and a client left out.
pub fn keep_allocated(service: &mut Value, old: View<'_>) {
    let old = old.get("spec");
    let view = View::from(&*service);
    let spec = view.get("spec");
    let (kind, was) = (spec.str("type").to_owned(), old.str("type"));
    let checked = needs_health_check(old) && needs_health_check(spec) && spec.int("healthCheckNodePort") == 0;
    let addressed = kind != "ExternalName" && was != "ExternalName";
    let fields = [
        ("clusterIP", addressed && spec.str("clusterIP").is_empty()),
        ("clusterIPs", addressed && spec.get("clusterIPs").is_empty()),
        ("healthCheckNodePort", checked),
    ];
    let spec = change::map_at(service, "spec");
    for (field, _) in fields.into_iter().filter(|(_, missing)| *missing) {
        if let Some(value) = old.get(field).value() {
            spec.insert(field.to_owned(), value.clone());
        }
    }
    if needs_node_port(&kind) && needs_node_port(was) {
        keep_node_ports(spec.get_mut("ports"), old);
    }
}

/// Ports keep their node ports by name, unless another port took them.
fn keep_node_ports(ports: Option<&mut Value>, old: View<'_>) {
    let Some(Value::Array(ports)) = ports else { return };
    let node_port = |port: &Value| View::from(port).int("nodePort");
    let taken: HashSet<i64> = ports.iter().map(node_port).collect();
    let by_name: HashMap<&str, i64> = old.list("ports").map(|port| (port.str("name"), port.int("nodePort"))).collect();
    for port in ports {
        let before = by_name.get(View::from(&*port).str("name")).copied().unwrap_or(0);
        if node_port(port) == 0 && before != 0 && !taken.contains(&before) {
            port["nodePort"] = before.into();
        }
    }
}

/// Fills `ipFamilyPolicy` and `ipFamilies`. `families` are those of the cluster, the preferred one first. The errors
/// make the service invalid; nothing may be allocated then.
pub fn default_families(service: &mut Value, old: View<'_>, families: &[&str]) -> Errors {
    let old = old.get("spec");
    let view = View::from(&*service);
    let spec = view.get("spec");
    if spec.str("type") == "ExternalName" || is_unchanged_dual(spec, old) {
        return Errors::new();
    }
    let detached = spec.str("clusterIP") == "None" && spec.get("selector").is_empty();
    let policy = match spec.opt_str("ipFamilyPolicy").or(old.opt_str("ipFamilyPolicy")) {
        Some(policy) => policy.to_owned(),
        None if detached => "RequireDualStack".to_owned(),
        None => "SingleStack".to_owned(),
    };
    change::map_at(service, "spec").insert("ipFamilyPolicy".to_owned(), policy.as_str().into());
    let errors = cluster_ips::validate(View::from(&*service).get("spec"), old);
    if !errors.is_empty() {
        return errors;
    }
    let errors = release_second(service, old, &policy);
    let (wanted, mut more) = implied_families(service, families);
    more.splice(0..0, errors);
    if !more.is_empty() {
        return more;
    }
    let (wanted, errors) = complete(service, wanted, &policy, families, detached);
    set_list(change::map_at(service, "spec"), "ipFamilies", wanted);
    errors
}

/// True if nothing about a dual-stack service's addresses changes.
fn is_unchanged_dual(spec: View<'_>, old: View<'_>) -> bool {
    const PREFER: &str = "PreferDualStack";
    old.exists()
        && spec.str("ipFamilyPolicy") == PREFER
        && matches!(old.str("ipFamilyPolicy"), "" | PREFER)
        && spec.str("type") == old.str("type")
        && ["clusterIP", "clusterIPs", "ipFamilies"].iter().all(|field| spec.get(field).same(old.get(field)))
}

/// A single-stack service gives its second address back; other services may not lose one.
fn release_second(service: &mut Value, old: View<'_>, policy: &str) -> Errors {
    let lists = ["clusterIPs", "ipFamilies"];
    let root = Path::new("spec");
    let path = root.child("ipFamilyPolicy");
    let view = View::from(&*service);
    let spec = view.get("spec");
    let mut errors = Errors::new();
    let mut shorten = Vec::new();
    for (list, what) in lists.into_iter().zip(["cluster IP", "IP family"]) {
        let (new, was) = (spec.get(list), old.get(list));
        let lost = !new.is_empty() && new.len() < was.len();
        if policy == "SingleStack" && old.exists() && new.same(was) && new.len() > 1 {
            shorten.push(list);
        } else if policy != "SingleStack" && lost {
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            errors.push(Error::invalid(&path, policy, why));
        }
    }
    let spec = change::map_at(service, "spec");
    for list in shorten {
        if let Some(items) = spec.get_mut(list).and_then(Value::as_array_mut) {
            items.truncate(1);
        }
    }
    if policy == "SingleStack" {
        let view = View::from(&*service);
        for (list, what) in lists.into_iter().zip(["cluster IPs", "IP families"]) {
            if view.get("spec").get(list).len() == 2 {
                let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
                errors.push(Error::invalid(&path, policy, why));
            }
        }
    }
    errors
}

/// The families that are asked for, and those that the addresses imply.
fn implied_families(service: &Value, families: &[&str]) -> (Vec<String>, Errors) {
    let spec = View::from(service).get("spec");
    let mut wanted: Vec<String> = spec.strings("ipFamilies").map(str::to_owned).collect();
    let mut errors = Errors::new();
    let root = Path::new("spec");
    let path = root.child("clusterIPs");
    for (index, ip) in spec.strings("clusterIPs").enumerate().take_while(|(_, ip)| *ip != "None") {
        let family = if is_v6(ip) { "IPv6" } else { "IPv4" };
        if index < wanted.len() {
            continue;
        }
        if families.contains(&family) {
            wanted.push(family.to_owned());
        } else {
            let shown = spec.get("clusterIPs").to_value();
            errors.push(Error::invalid(
                &path.index(index),
                shown,
                format!("{family} is not configured on this cluster"),
            ));
        }
    }
    (wanted, errors)
}

/// The families that the service gets.
fn complete(
    service: &Value,
    mut wanted: Vec<String>,
    policy: &str,
    families: &[&str],
    detached: bool,
) -> (Vec<String>, Errors) {
    let mut errors = Errors::new();
    let root = Path::new("spec");
    let default = families.first().copied().unwrap_or("IPv4");
    let dual = policy != "SingleStack";
    if !detached {
        if policy == "RequireDualStack" && families.len() < 2 {
            let why = "this cluster is not configured for dual-stack services";
            errors.push(Error::invalid(&root.child("ipFamilyPolicy"), policy, why));
        }
        let path = root.child("ipFamilies");
        for (index, family) in View::from(service).get("spec").strings("ipFamilies").enumerate() {
            if !families.contains(&family) {
                errors.push(Error::invalid(&path.index(index), family, "not configured on this cluster"));
            }
        }
    }
    if wanted.is_empty() {
        wanted.push(default.to_owned());
    }
    if dual && wanted.len() == 1 && (detached || families.len() == 2) {
        wanted.push(if wanted[0] == "IPv4" { "IPv6" } else { "IPv4" }.to_owned());
    }
    (wanted, errors)
}

fn set_list(spec: &mut object::Map, name: &str, items: Vec<String>) {
    if items.is_empty() {
        spec.remove(name);
    } else {
        spec.insert(name.to_owned(), items.into());
    }
}

//! Fields that no longer fit when a service changes its type: those that a client merely sent back are dropped.

use super::traffic::{is_externally_accessible, needs_health_check};
use crate::change;
use object::{Value, View, json};
use std::collections::BTreeSet;

/// Drops what the new type has no use for, where it is as it was in the old object.
pub(super) fn drop_for_type(object: &mut Value, old: View<'_>) {
    let old = old.get("spec");
    let gone = {
        let view = View::from(&*object);
        unused(view.get("spec"), old)
    };
    let view = View::from(&*object);
    let spec = view.get("spec");
    let drop_node_ports = needs_node_port(old.str("type"))
        && !needs_node_port(spec.str("type"))
        && node_ports(spec).is_subset(&node_ports(old));
    let balanced = spec.str("type") == "LoadBalancer";
    let spec = change::map_at(object, "spec");
    for field in gone {
        spec.remove(field);
    }
    if drop_node_ports {
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten();
        ports.filter_map(Value::as_object_mut).for_each(|port| {
            port.remove("nodePort");
        });
    }
    if !balanced {
        change::map_at(object, "status").insert("loadBalancer".to_owned(), json!({}));
    }
}

fn unused(spec: View<'_>, old: View<'_>) -> Vec<&'static str> {
    let same = |field: &str| spec.get(field).same(old.get(field));
    let (kind, was) = (spec.str("type"), old.str("type"));
    let mut gone = Vec::new();
    if was != "ExternalName" && kind == "ExternalName" {
        if same("clusterIP") && same("clusterIPs") {
            gone.extend(["clusterIP", "clusterIPs"]);
        }
        gone.extend(["ipFamilies", "ipFamilyPolicy"].into_iter().filter(|field| same(field)));
    }
    if needs_health_check(old) && !needs_health_check(spec) && same("healthCheckNodePort") {
        gone.push("healthCheckNodePort");
    }
    if was == "LoadBalancer" && kind != "LoadBalancer" {
        let fields = ["allocateLoadBalancerNodePorts", "loadBalancerClass"];
        gone.extend(fields.into_iter().filter(|field| same(field)));
    }
    if is_externally_accessible(old) && !is_externally_accessible(spec) && same("externalTrafficPolicy") {
        gone.push("externalTrafficPolicy");
    }
    gone
}

/// True if a service of this type listens on every node.
pub(super) fn needs_node_port(kind: &str) -> bool {
    matches!(kind, "NodePort" | "LoadBalancer")
}

fn node_ports(spec: View<'_>) -> BTreeSet<i64> {
    spec.list("ports").map(|port| port.int("nodePort")).filter(|port| *port != 0).collect()
}

//! What happens around the rules in a whole server, as far as recorded answers show it: admission plug-ins that add to
//! new objects, and the allocation of addresses and ports.

use object::field::Errors;
use object::{Value, View, json};

/// Stands for every recorded address of a service.
pub(crate) const ADDRESS: &str = "10.0.0.9";
/// Stands for every recorded node port.
pub(crate) const PORT: i64 = 30009;

/// What admission plug-ins add to a new object.
pub(crate) fn admit_new(kind: &str, object: &mut Value) {
    let (parent, list, item) = match kind {
        "Node" => ("spec", "taints", json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})),
        "PersistentVolume" => ("metadata", "finalizers", json!("kubernetes.io/pv-protection")),
        "PersistentVolumeClaim" => ("metadata", "finalizers", json!("kubernetes.io/pvc-protection")),
        "VolumeAttributesClass" => ("metadata", "finalizers", json!("kubernetes.io/vac-protection")),
        _ => return,
    };
    match object[parent][list].as_array_mut() {
        Some(items) if items.contains(&item) => {}
        Some(items) => items.push(item),
        None => object[parent][list] = json!([item]),
    }
}

/// Gives a service an address and ports.
pub(crate) fn allocate(kind: &str, object: &mut Value, old: View<'_>) -> Result<(), Errors> {
    if kind != "Service" {
        return Ok(());
    }
    if old.exists() {
        kinds::service_allocation::keep_allocated(object, old);
    }
    kinds::service_allocation::normalise(object, old);
    let errors = kinds::service_allocation::default_families(object, old, &["IPv4"]);
    if !errors.is_empty() {
        return Err(errors);
    }
    let spec = &mut object["spec"];
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    let balanced = kind == "LoadBalancer";
    if kind != "ExternalName" && spec["clusterIP"].as_str().is_none_or(str::is_empty) {
        spec["clusterIP"] = ADDRESS.into();
        spec["clusterIPs"] = json!([ADDRESS]);
    }
    let wants_ports = kind == "NodePort" || balanced && spec["allocateLoadBalancerNodePorts"] != json!(false);
    for port in spec["ports"].as_array_mut().into_iter().flatten().filter(|_| wants_ports) {
        if port["nodePort"].is_null() {
            port["nodePort"] = PORT.into();
        }
    }
    if balanced && spec["externalTrafficPolicy"] == "Local" && spec["healthCheckNodePort"].is_null() {
        spec["healthCheckNodePort"] = PORT.into();
    }
    Ok(())
}

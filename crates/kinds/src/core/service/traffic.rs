//! Which way a service's traffic goes.

use object::View;
use object::field::{Error, Errors, Path};
use object::names::is_valid_port_num;

/// True if it is reached from outside the cluster.
pub(super) fn is_externally_accessible(spec: View<'_>) -> bool {
    match spec.str("type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !spec.get("externalIPs").is_empty(),
        _ => false,
    }
}

/// True if load balancers ask each node whether it has endpoints.
pub(super) fn needs_health_check(spec: View<'_>) -> bool {
    spec.str("type") == "LoadBalancer" && spec.str("externalTrafficPolicy") == "Local"
}

pub(super) fn validate(spec: View<'_>) -> Errors {
    let mut errors: Errors = validate_external(spec).into_iter().collect();
    errors.extend(validate_health_check(spec));
    errors.extend(validate_internal(spec));
    errors.extend(validate_distribution(spec));
    errors
}

/// The port of the health check stays as long as there is one.
pub(super) fn validate_change(spec: View<'_>, old: View<'_>) -> Option<Error> {
    let path = Path::new("spec");
    let moved = needs_health_check(old)
        && needs_health_check(spec)
        && spec.int("healthCheckNodePort") != old.int("healthCheckNodePort");
    moved.then(|| Error::forbidden(&path.child("healthCheckNodePort"), "field is immutable"))
}

fn validate_external(spec: View<'_>) -> Option<Error> {
    let (path, policy) = (Path::new("spec"), spec.str("externalTrafficPolicy"));
    let path = path.child("externalTrafficPolicy");
    match (is_externally_accessible(spec), policy) {
        (false, "") | (true, "Cluster" | "Local") => None,
        (false, _) => Some(Error::invalid(&path, policy, "may only be set for externally-accessible services")),
        (true, "") => Some(Error::required(&path, "")),
        (true, _) => Some(Error::not_supported(&path, policy, &["Cluster", "Local"])),
    }
}

fn validate_health_check(spec: View<'_>) -> Errors {
    let (path, port) = (Path::new("spec"), spec.int("healthCheckNodePort"));
    let path = path.child("healthCheckNodePort");
    match (needs_health_check(spec), port) {
        (false, 0) => Errors::new(),
        (false, _) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            vec![Error::invalid(&path, port, why)]
        }
        (true, 0) => vec![Error::required(&path, "")],
        (true, _) => is_valid_port_num(port).into_iter().map(|why| Error::invalid(&path, port, why)).collect(),
    }
}

fn validate_internal(spec: View<'_>) -> Option<Error> {
    let path = Path::new("spec");
    let path = path.child("internalTrafficPolicy");
    match spec.opt_str("internalTrafficPolicy") {
        None => {
            let needed = matches!(spec.str("type"), "NodePort" | "LoadBalancer" | "ClusterIP");
            needed.then(|| Error::required(&path, ""))
        }
        Some("Cluster" | "Local") => None,
        Some(other) => Some(Error::not_supported(&path, other, &["Cluster", "Local"])),
    }
}

fn validate_distribution(spec: View<'_>) -> Option<Error> {
    const KNOWN: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    let path = Path::new("spec");
    let wanted = spec.opt_str("trafficDistribution").filter(|wanted| !KNOWN.contains(wanted))?;
    Some(Error::not_supported(&path.child("trafficDistribution"), wanted, &KNOWN))
}

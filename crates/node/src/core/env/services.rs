//! Variables that name the Services of the pod's namespace, as `NAME_SERVICE_HOST` and in the form of old links.

use k8s_openapi::api::core::v1::Service;

/// The Service that every pod is told of.
const MASTER: &str = "kubernetes";

/// The variables for a pod in `namespace`; without `links` only the API server's.
pub(crate) fn of_services<'a>(
    services: impl Iterator<Item = &'a Service>,
    namespace: &str,
    links: bool,
) -> Vec<(String, String)> {
    let (mut masters, mut own) = (Vec::new(), Vec::new());
    for service in services.filter(|service| address(service).is_some()) {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        let of = service.metadata.namespace.as_deref().unwrap_or_default();
        if of == namespace && links {
            own.push(service);
        } else if of == "default" && name == MASTER {
            masters.push(service);
        }
    }
    let has_own = |service: &&Service| !own.iter().any(|other| other.metadata.name == service.metadata.name);
    let mut all: Vec<&Service> = masters.into_iter().filter(has_own).chain(own.iter().copied()).collect();
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    all.into_iter().flat_map(variables).collect()
}

fn address(service: &Service) -> Option<&str> {
    let address = service.spec.as_ref()?.cluster_ip.as_deref()?;
    (!matches!(address, "" | "None")).then_some(address)
}

fn variables(service: &Service) -> Vec<(String, String)> {
    let address = address(service).unwrap_or_default();
    let name = upper(service.metadata.name.as_deref().unwrap_or_default());
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let mut all = vec![(format!("{name}_SERVICE_HOST"), address.to_owned())];
    if let Some(first) = ports.first() {
        all.push((format!("{name}_SERVICE_PORT"), first.port.to_string()));
    }
    for port in ports.iter() {
        if let Some(port_name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            all.push((format!("{name}_SERVICE_PORT_{}", upper(port_name)), port.port.to_string()));
        }
    }
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let url = format!("{}://{host}:{}", protocol.to_lowercase(), port.port);
        if index == 0 {
            all.push((format!("{name}_PORT"), url.clone()));
        }
        let prefix = format!("{name}_PORT_{}_{}", port.port, protocol.to_uppercase());
        all.push((prefix.clone(), url));
        all.push((format!("{prefix}_PROTO"), protocol.to_lowercase()));
        all.push((format!("{prefix}_PORT"), port.port.to_string()));
        all.push((format!("{prefix}_ADDR"), address.to_owned()));
    }
    all
}

fn upper(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

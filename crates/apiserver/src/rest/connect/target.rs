//! Whom `proxy` asks: the pod, an endpoint of the service, or the node, as `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.

use super::{find, pod};
use crate::kubelet_client::Trust;
use crate::net::{self, DialError, Stream};
use crate::rest::Call;
use object::{Status, View};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    /// As the client wrote it, or as an object has it; empty for the scheme's own.
    port: String,
    transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Plain,
    Tls,
    /// TLS as nodes are spoken to.
    Node,
}

/// `SCHEME:NAME:PORT`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    scheme: &'a str,
    name: &'a str,
    port: &'a str,
}

impl Wanted<'_> {
    fn parse(id: &str) -> Option<Wanted<'_>> {
        let mut parts = id.split(':');
        let wanted = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            (name, None, ..) => Wanted { scheme: "", name, port: "" },
            (name, Some(port), None, _) => Wanted { scheme: "", name, port },
            (scheme, Some(name), Some(port), None) => Wanted { scheme, name, port },
            _ => return None,
        };
        (!wanted.name.is_empty() && matches!(wanted.scheme, "" | "http" | "https")).then_some(wanted)
    }

    fn transport(&self) -> Transport {
        if self.scheme == "https" { Transport::Tls } else { Transport::Plain }
    }
}

impl Target {
    /// Finds the backend that a request names.
    pub(super) async fn find(call: &Call) -> Result<Target, Status> {
        let id = &call.info.name;
        let kind = call.resource.plural.trim_end_matches('s');
        let invalid = || Status::bad_request(format!("invalid {kind} request {}", object::quote::quote(id)));
        let wanted = Wanted::parse(id).ok_or_else(invalid)?;
        match &*call.resource.plural {
            "pods" => of_pod(call, &wanted),
            "services" => of_service(call, &wanted),
            _ => of_node(call, &wanted).await,
        }
    }

    /// `HOST:PORT`, as links name the backend.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port.is_empty() { host } else { format!("{host}:{}", self.port) }
    }

    /// Connects to it.
    pub(super) async fn dial(&self, call: &Call) -> Result<Stream, DialError> {
        let port = match self.port.as_str() {
            "" if self.transport == Transport::Plain => 80,
            "" => 443,
            text => text.parse().map_err(|_| DialError::UnknownPort(text.to_owned()))?,
        };
        match self.transport {
            Transport::Plain => net::dial(&self.host, port).await.map(|stream| -> Stream { Box::new(stream) }),
            Transport::Tls => call.core.kubelets.connect_any(&self.host, port).await,
            Transport::Node => {
                let place = crate::kubelet_client::Place { host: self.host.clone(), port };
                call.core.kubelets.connect(&place, Trust::Checked).await
            }
        }
    }
}

fn of_pod(call: &Call, wanted: &Wanted<'_>) -> Result<Target, Status> {
    let pod = pod(call, wanted.name)?;
    let pod = View::from(&*pod);
    let first_port = || {
        let ports = pod.get("spec").list("containers").filter_map(|container| container.list("ports").next());
        ports.map(|port| port.int("containerPort").to_string()).next().unwrap_or_default()
    };
    let port = if wanted.port.is_empty() { first_port() } else { wanted.port.to_owned() };
    let host = pod_address(pod).to_owned();
    if !host.parse().is_ok_and(is_global_unicast) {
        return Err(not_allowed());
    }
    Ok(Target { host, port, transport: wanted.transport() })
}

fn pod_address(pod: View<'_>) -> &str {
    let status = pod.get("status");
    let first = status.list("podIPs").next().map_or("", |address| address.str("ip"));
    if first.is_empty() { status.str("podIP") } else { first }
}

fn not_allowed() -> Status {
    Status::bad_request("address not allowed")
}

fn is_global_unicast(address: IpAddr) -> bool {
    let is_broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => is_link_local_v6(address),
    };
    !(is_broadcast || is_link_local || address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

fn is_link_local_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

fn of_service(call: &Call, wanted: &Wanted<'_>) -> Result<Target, Status> {
    let namespace = &call.info.namespace;
    let mut port_name = wanted.port.to_owned();
    if let Ok(number) = wanted.port.parse::<i64>() {
        let service = find(call, "services", namespace, wanted.name)?;
        let mut ports = View::from(&*service).get("spec").list("ports");
        let port = ports.find(|port| port.int("port") == number).ok_or_else(|| {
            let service = object::quote::quote(wanted.name);
            Status::unavailable(format!("no service port {number} found for service {service}"))
        })?;
        port_name = port.str("name").to_owned();
    }
    // What endpoints there are is told of the service.
    let services = object::status::GroupResource { group: "", resource: "services" };
    let endpoints = find(call, "endpoints", namespace, wanted.name);
    let endpoints = endpoints.map_err(|_| Status::not_found(services, wanted.name))?;
    let subsets: Vec<View<'_>> = View::from(&*endpoints).list("subsets").collect();
    let none =
        |id: &str| Status::unavailable(format!("no endpoints available for service {}", object::quote::quote(id)));
    if subsets.is_empty() {
        return Err(none(wanted.name));
    }
    for subset in from_anywhere(&subsets) {
        let Some(port) = subset.list("ports").find(|port| port.str("name") == port_name) else { continue };
        let addresses: Vec<View<'_>> = subset.list("addresses").collect();
        if let Some(address) = from_anywhere(&addresses).find(|address| is_of_pod(call, **address)) {
            let (host, port) = (address.str("ip").to_owned(), port.int("port").to_string());
            return Ok(Target { host, port, transport: wanted.transport() });
        }
    }
    Err(none(&call.info.name))
}

/// All items, from some item on, so that all endpoints get their share.
fn from_anywhere<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let start = match items.len() {
        0 => 0,
        length => (uuid::Uuid::new_v4().as_u128() % length as u128) as usize,
    };
    items[start..].iter().chain(&items[..start])
}

/// Only addresses that are those of pods are proxied to.
fn is_of_pod(call: &Call, address: View<'_>) -> bool {
    let target = address.get("targetRef");
    if target.str("kind") != "Pod" {
        return false;
    }
    let Ok(pod) = find(call, "pods", target.str("namespace"), target.str("name")) else { return false };
    let status = View::from(&*pod).get("status");
    let mut addresses = status.list("podIPs").map(|address| address.str("ip")).chain([status.str("podIP")]);
    addresses.any(|own| own == address.str("ip"))
}

async fn of_node(call: &Call, wanted: &Wanted<'_>) -> Result<Target, Status> {
    let node = find(call, "nodes", "", wanted.name)?;
    let place = call.core.kubelets.place(View::from(&*node))?;
    let addresses = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
    let mut addresses = addresses.map_err(|error| Status::bad_request(error.to_string()))?;
    let is_allowed = addresses.all(|address| is_global_unicast(address.ip()));
    drop(addresses);
    if !is_allowed {
        return Err(not_allowed());
    }
    let own_port = place.port.to_string();
    let is_own = wanted.port.is_empty() || wanted.port == own_port;
    Ok(Target {
        host: place.host,
        port: if is_own { own_port } else { wanted.port.to_owned() },
        transport: if is_own { Transport::Node } else { wanted.transport() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_schemes_and_ports() {
        let wanted = |scheme, name, port| Some(Wanted { scheme, name, port });
        assert_eq!(Wanted::parse("web"), wanted("", "web", ""));
        assert_eq!(Wanted::parse("web:80"), wanted("", "web", "80"));
        assert_eq!(Wanted::parse("https:web:"), wanted("https", "web", ""));
        assert_eq!(Wanted::parse("https:web:main"), wanted("https", "web", "main"));
        for bad in ["", ":80", "ftp:web:21", "a:b:c:d", "http::80"] {
            assert_eq!(Wanted::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_global_addresses_are_proxied_to() {
        let is_allowed = |text: &str| is_global_unicast(text.parse().unwrap());
        assert!(["10.42.0.5", "192.168.1.1", "8.8.8.8", "fd00::1"].into_iter().all(is_allowed));
        let refused = ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1"];
        assert!(!refused.into_iter().any(is_allowed));
    }
}

//! Where a `clientConfig` leads: a URL, or a port of a Service, which is looked up when the call is made.

use crate::lookup::{Cluster, Stored};
use ::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::quote::quote;
use object::{Value, View};
use std::sync::Arc;

/// Where a webhook is.
#[derive(Debug)]
pub(crate) struct Target {
    host: String,
    port: u16,
    /// As it is written in the URL: with a port only if one was given.
    authority: String,
    path: String,
    query: String,
    is_plain: bool,
    authorities: Vec<u8>,
    service: Option<Service>,
}

#[derive(Debug)]
struct Service {
    namespace: String,
    name: String,
    port: i64,
}

impl Target {
    /// Reads a `clientConfig`.
    pub(crate) fn of(config: View<'_>) -> Result<Target, String> {
        let authorities = STANDARD.decode(config.str("caBundle")).unwrap_or_default();
        let service = config.get("service");
        if service.exists() {
            return Ok(Target::of_service(service, authorities));
        }
        let url = config.str("url");
        if url.is_empty() {
            return Err("webhook configuration must have either service or URL".to_owned());
        }
        let uri: Uri = url.parse().map_err(|error| format!("Unparsable URL: {error}"))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok(Target {
            port: uri.port_u16().unwrap_or(443),
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            is_plain: false,
            host,
            authorities,
            service: None,
        })
    }

    fn of_service(service: View<'_>, authorities: Vec<u8>) -> Target {
        let (namespace, name) = (service.str("namespace").to_owned(), service.str("name").to_owned());
        let port = service.opt_int("port").unwrap_or(443);
        let host = format!("{name}.{namespace}.svc");
        let path = service.str("path");
        Target {
            authority: format!("{host}:{port}"),
            port: u16::try_from(port).unwrap_or(443),
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            query: String::new(),
            is_plain: false,
            host,
            authorities,
            service: Some(Service { namespace, name, port }),
        }
    }

    /// The same by plain HTTP, for who asks for that by a URL.
    pub(crate) fn plain(mut self, url: &str) -> Target {
        self.is_plain = true;
        let port = url.parse::<Uri>().ok().and_then(|uri| uri.port_u16());
        self.port = port.unwrap_or(80);
        self
    }

    /// The URL without a query.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_plain { "http" } else { "https" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }

    /// What stands in a request's first line.
    pub(crate) fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Host and port of a URL.
    pub(crate) fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whom the server's certificate has to name.
    pub(crate) fn server_name(&self) -> &str {
        &self.host
    }

    /// Authorities that are trusted, PEM; empty for those of the system.
    pub(crate) fn authorities(&self) -> &[u8] {
        self.authorities.trim_ascii()
    }

    /// Host and port to connect to.
    pub(crate) fn resolve(&self, cluster: &Stored) -> Result<(String, u16), String> {
        match &self.service {
            Some(service) => service.resolve(cluster),
            None => Ok((self.host.clone(), self.port)),
        }
    }
}

impl Service {
    /// An endpoint of the service that is ready.
    fn resolve(&self, cluster: &Stored) -> Result<(String, u16), String> {
        resolve_service(cluster, &self.namespace, &self.name, self.port)
    }
}

/// An endpoint of a service that is ready; any of several.
///
/// # Errors
/// That there is no such service, port or endpoint, in upstream's words.
pub(crate) fn resolve_service(
    cluster: &Stored,
    namespace: &str,
    name: &str,
    port: i64,
) -> Result<(String, u16), String> {
    let service = cluster.get("", "services", namespace, name);
    let service = service.ok_or_else(|| format!("service {} not found", quote(name)))?;
    let spec = View::from(&*service).get("spec");
    let narrow = |port: i64| u16::try_from(port).map_err(|_| format!("invalid port {port}"));
    if spec.str("type") == "ExternalName" {
        return Ok((spec.str("externalName").to_owned(), narrow(port)?));
    }
    let of_port = spec.list("ports").find(|known| known.int("port") == port);
    let of_port = of_port.ok_or_else(|| format!("no service port {port} found for service {}", quote(name)))?;
    let mut places = of_slices(cluster, namespace, name, of_port.str("name"));
    if places.is_empty() {
        places = of_endpoints(cluster, namespace, name, of_port.str("name"));
    }
    if places.is_empty() {
        return Err(format!("no endpoints available for service {}", quote(name)));
    }
    let chosen = (uuid::Uuid::new_v4().as_u128() % places.len() as u128) as usize;
    let (host, port) = places.swap_remove(chosen);
    Ok((host, narrow(port)?))
}

fn of_slices(cluster: &Stored, namespace: &str, name: &str, port: &str) -> Vec<(String, i64)> {
    let slices: Vec<Arc<Value>> = cluster.list("discovery.k8s.io", "endpointslices", Some(namespace));
    let mut places = Vec::new();
    for slice in &slices {
        let slice = View::from(&**slice);
        if slice.at(&["metadata", "labels"]).str("kubernetes.io/service-name") != name {
            continue;
        }
        let Some(port) = slice.list("ports").find(|known| known.str("name") == port) else { continue };
        let ready = slice.list("endpoints").filter(|end| end.get("conditions").opt_bool("ready") != Some(false));
        let addresses = ready.filter_map(|end| end.strings("addresses").next());
        places.extend(addresses.map(|address| (address.to_owned(), port.int("port"))));
    }
    places
}

fn of_endpoints(cluster: &Stored, namespace: &str, name: &str, port: &str) -> Vec<(String, i64)> {
    let Some(endpoints) = cluster.get("", "endpoints", namespace, name) else { return Vec::new() };
    let mut places = Vec::new();
    for subset in View::from(&*endpoints).list("subsets") {
        let Some(port) = subset.list("ports").find(|known| known.str("name") == port) else { continue };
        let addresses = subset.list("addresses").map(|address| address.str("ip").to_owned());
        places.extend(addresses.map(|address| (address, port.int("port"))));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::Target;
    use object::{View, json};

    #[test]
    fn configurations_lead_somewhere() {
        let url = |config| Target::of(View::from(&config)).map(|target| (target.url(), target.port));
        assert_eq!(url(json!({"url": "https://h.example:8443/x"})), Ok(("https://h.example:8443/x".to_owned(), 8443)));
        assert_eq!(url(json!({"url": "https://[::1]/x"})), Ok(("https://[::1]/x".to_owned(), 443)));
        let service = json!({"service": {"namespace": "n", "name": "s", "path": "/p", "port": 8443}});
        assert_eq!(url(service), Ok(("https://s.n.svc:8443/p".to_owned(), 8443)));
        assert!(url(json!({})).is_err());
    }
}

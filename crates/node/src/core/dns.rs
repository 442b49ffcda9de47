//! The resolv.conf of a pod, from its policy, the cluster's name server and the host's file.

use super::model::{on_host_network, spec};
use k8s_openapi::api::core::v1::{Pod, PodDNSConfigOption};
use std::fmt::Write;
use std::net::IpAddr;

/// Name servers that a resolver looks at.
const MAX_SERVERS: usize = 3;
/// Search domains that a resolver looks at.
const MAX_SEARCHES: usize = 32;
/// Characters of search domains.
const MAX_SEARCH_CHARACTERS: usize = 2048;
/// The longest domain.
const MAX_DOMAIN: usize = 253;

/// What a resolver is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolver {
    pub(crate) servers: Vec<String>,
    pub(crate) searches: Vec<String>,
    pub(crate) options: Vec<String>,
}

/// A resolver's file with what had to be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Formed {
    pub(crate) resolver: Resolver,
    /// Warnings for the pod, in the words of the events.
    pub(crate) warnings: Vec<String>,
}

impl Resolver {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Resolver {
        let mut resolver = Resolver::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => resolver.servers.extend(words.next().map(str::to_owned)),
                Some("search") => {
                    let domains = words.filter(|word| *word != ".");
                    resolver.searches = domains.map(|word| word.trim_end_matches('.').to_owned()).collect();
                }
                Some("options") => words.for_each(|word| set_option(&mut resolver.options, word)),
                _ => {}
            }
        }
        resolver
    }

    /// Writes a file.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        if !self.searches.is_empty() {
            let _ = writeln!(text, "search {}", self.searches.join(" "));
        }
        for server in &self.servers {
            let _ = writeln!(text, "nameserver {server}");
        }
        if !self.options.is_empty() {
            let _ = writeln!(text, "options {}", self.options.join(" "));
        }
        text
    }
}

fn set_option(options: &mut Vec<String>, option: &str) {
    let name = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    match options.iter_mut().find(|known| name(known) == name(option)) {
        Some(known) => option.clone_into(known),
        None => options.push(option.to_owned()),
    }
}

/// Decides upon a pod's resolver.
pub(crate) fn resolver(pod: &Pod, host: &Resolver, cluster_dns: &[IpAddr], domain: &str) -> Formed {
    let spec = spec(pod);
    let policy = spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
    let in_cluster = policy == "ClusterFirstWithHostNet" || policy == "ClusterFirst" && !on_host_network(pod);
    let mut resolver = match policy {
        "None" => Resolver::default(),
        _ if in_cluster && !cluster_dns.is_empty() => cluster(pod, host, cluster_dns, domain),
        _ => host.clone(),
    };
    if let Some(own) = &spec.dns_config {
        extend(&mut resolver.servers, own.nameservers.as_deref());
        extend(&mut resolver.searches, own.searches.as_deref());
        own.options.iter().flatten().for_each(|option| set_option(&mut resolver.options, &written(option)));
    }
    fit(resolver)
}

fn cluster(pod: &Pod, host: &Resolver, cluster_dns: &[IpAddr], domain: &str) -> Resolver {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let mut searches = Vec::new();
    if !domain.is_empty() {
        searches = vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.to_owned()];
    }
    extend(&mut searches, Some(&host.searches));
    Resolver {
        servers: cluster_dns.iter().map(IpAddr::to_string).collect(),
        searches,
        options: vec!["ndots:5".to_owned()],
    }
}

fn extend(list: &mut Vec<String>, more: Option<&[String]>) {
    for text in more.unwrap_or_default() {
        if !list.contains(text) {
            list.push(text.clone());
        }
    }
}

fn written(option: &PodDNSConfigOption) -> String {
    let name = option.name.as_deref().unwrap_or_default();
    match option.value.as_deref().filter(|value| !value.is_empty()) {
        Some(value) => format!("{name}:{value}"),
        None => name.to_owned(),
    }
}

/// Leaves out what resolvers would not look at.
fn fit(mut resolver: Resolver) -> Formed {
    let mut warnings = Vec::new();
    if resolver.servers.len() > MAX_SERVERS {
        resolver.servers.truncate(MAX_SERVERS);
        warnings.push(format!(
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: {}",
            resolver.servers.join(" ")
        ));
    }
    let before = resolver.searches.len();
    resolver.searches.truncate(MAX_SEARCHES);
    resolver.searches.retain(|domain| domain.len() <= MAX_DOMAIN);
    while resolver.searches.join(" ").len() > MAX_SEARCH_CHARACTERS {
        resolver.searches.pop();
    }
    if resolver.searches.len() < before {
        warnings.push(format!(
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: {}",
            resolver.searches.join(" ")
        ));
    }
    Formed { resolver, warnings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    const HOST: &str =
        "# made by hand\nnameserver 9.9.9.9\nsearch example.org .\noptions timeout:1 rotate\noptions timeout:2\n";

    fn check(spec: Value, want: &str) -> Vec<String> {
        let mut spec = spec;
        spec["containers"] = json!([]);
        let pod: Pod = value::from_value(json!({"metadata": {"namespace": "shop"}, "spec": spec})).unwrap();
        let host = Resolver::parse(HOST);
        let formed = resolver(&pod, &host, &["10.43.0.10".parse().unwrap()], "cluster.local");
        assert_eq!(formed.resolver.render(), want);
        formed.warnings
    }

    const CLUSTER: &str = "search shop.svc.cluster.local svc.cluster.local cluster.local example.org\nnameserver 10.43.0.10\noptions ndots:5\n";
    const OF_HOST: &str = "search example.org\nnameserver 9.9.9.9\noptions timeout:2 rotate\n";

    #[test]
    fn policies() {
        check(json!({}), CLUSTER);
        check(json!({"dnsPolicy": "ClusterFirst", "hostNetwork": true}), OF_HOST);
        check(json!({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true}), CLUSTER);
        check(json!({"dnsPolicy": "Default"}), OF_HOST);
        check(json!({"dnsPolicy": "None"}), "");
    }

    #[test]
    fn the_pod_has_a_say() {
        let config = json!({"nameservers": ["1.1.1.1"], "searches": ["a.b", "cluster.local"],
            "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]});
        let want = "search shop.svc.cluster.local svc.cluster.local cluster.local example.org a.b\nnameserver 10.43.0.10\nnameserver 1.1.1.1\noptions ndots:2 edns0\n";
        assert!(check(json!({"dnsConfig": config}), want).is_empty());
    }

    #[test]
    fn too_many_servers_are_told() {
        let config = json!({"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]});
        let want = "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n";
        let warnings = check(json!({"dnsPolicy": "None", "dnsConfig": config}), want);
        assert_eq!(
            warnings,
            [
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3"
            ]
        );
    }
}

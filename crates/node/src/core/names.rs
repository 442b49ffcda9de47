//! The name of a pod on the network and its /etc/hosts.

use super::model::spec;
use k8s_openapi::api::core::v1::{HostAlias, Pod};
use object::names::{is_dns1123_label, is_dns1123_subdomain};
use std::fmt::Write;
use std::net::IpAddr;

/// The longest host name that the kernel takes.
const HOSTNAME: usize = 63;
/// The longest of names with dots.
const FULL_HOSTNAME: usize = 64;

/// Why a pod has no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("pod Hostname {0:?} is not a valid DNS label: {1}")]
    Hostname(String, String),
    #[error("pod Subdomain {0:?} is not a valid DNS label: {1}")]
    Subdomain(String, String),
    #[error("pod HostnameOverride {0:?} is not a valid DNS subdomain: {1}")]
    Override(String, String),
    #[error(
        "Failed to construct FQDN from pod hostname and cluster domain, FQDN {0} is too long (64 characters is the max, {1} characters requested)"
    )]
    TooLong(String, usize),
}

/// The host name of a pod and the domain that it is in, empty if in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) hostname: String,
    pub(crate) domain: String,
}

/// Decides upon the names.
pub(crate) fn names(pod: &Pod, cluster_domain: &str) -> Result<Names, NameError> {
    let spec = spec(pod);
    if let Some(name) = &spec.hostname_override {
        check(name, is_dns1123_subdomain(name), NameError::Override)?;
        return Ok(Names { hostname: shortened(name), domain: String::new() });
    }
    let own = spec.hostname.as_deref().filter(|name| !name.is_empty());
    if let Some(name) = own {
        check(name, is_dns1123_label(name), NameError::Hostname)?;
    }
    let hostname = shortened(own.or(pod.metadata.name.as_deref()).unwrap_or_default());
    let subdomain = spec.subdomain.as_deref().filter(|name| !name.is_empty());
    let domain = match subdomain {
        Some(name) => {
            check(name, is_dns1123_label(name), NameError::Subdomain)?;
            format!("{name}.{}.svc.{cluster_domain}", pod.metadata.namespace.as_deref().unwrap_or_default())
        }
        None => String::new(),
    };
    Ok(Names { hostname, domain })
}

fn check<M: ToString>(name: &str, messages: Vec<M>, error: fn(String, String) -> NameError) -> Result<(), NameError> {
    if messages.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = messages.iter().map(M::to_string).collect();
    Err(error(name.to_owned(), messages.join(";")))
}

fn shortened(name: &str) -> String {
    if name.len() <= HOSTNAME {
        return name.to_owned();
    }
    name.chars().take(HOSTNAME).collect::<String>().trim_end_matches(['-', '.']).to_owned()
}

/// The name that the kernel is given.
pub(crate) fn kernel_hostname(pod: &Pod, names: &Names) -> Result<String, NameError> {
    if spec(pod).set_hostname_as_fqdn != Some(true) || names.domain.is_empty() {
        return Ok(names.hostname.clone());
    }
    let full = format!("{}.{}", names.hostname, names.domain);
    if full.len() > FULL_HOSTNAME {
        let length = full.len();
        return Err(NameError::TooLong(full, length));
    }
    Ok(full)
}

/// The first line of files that the node writes.
const HEADER: &str = "# Kubernetes-managed hosts file.\n";
/// The same in the host's network.
const HEADER_HOST_NETWORK: &str = "# Kubernetes-managed hosts file (host network).\n";

/// The file of a pod in a network of its own.
pub(crate) fn hosts(addresses: &[IpAddr], names: &Names, aliases: &[HostAlias]) -> String {
    let mut text = HEADER.to_owned();
    text.push_str("127.0.0.1\tlocalhost\n");
    text.push_str("::1\tlocalhost ip6-localhost ip6-loopback\n");
    text.push_str("fe00::0\tip6-localnet\n");
    text.push_str("fe00::0\tip6-mcastprefix\n");
    text.push_str("fe00::1\tip6-allnodes\n");
    text.push_str("fe00::2\tip6-allrouters\n");
    for address in addresses {
        let Names { hostname, domain } = names;
        let _ = if domain.is_empty() {
            writeln!(text, "{address}\t{hostname}")
        } else {
            writeln!(text, "{address}\t{hostname}.{domain}\t{hostname}")
        };
    }
    text.push_str(&alias_lines(aliases));
    text
}

/// The file of a pod in the host's network.
pub(crate) fn hosts_of_host(file: &str, aliases: &[HostAlias]) -> String {
    format!("{HEADER_HOST_NETWORK}{file}{}", alias_lines(aliases))
}

fn alias_lines(aliases: &[HostAlias]) -> String {
    if aliases.is_empty() {
        return String::new();
    }
    let mut text = "\n# Entries added by HostAliases.\n".to_owned();
    for alias in aliases {
        let names = alias.hostnames.as_deref().unwrap_or_default().join("\t");
        let _ = writeln!(text, "{}\t{names}", alias.ip);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn pod(spec: value::Value) -> Pod {
        let mut spec = spec;
        spec["containers"] = json!([]);
        value::from_value(json!({"metadata": {"name": "web-0", "namespace": "shop"}, "spec": spec})).unwrap()
    }

    fn check(spec: value::Value, hostname: &str, domain: &str) {
        let want = Names { hostname: hostname.to_owned(), domain: domain.to_owned() };
        assert_eq!(names(&pod(spec), "cluster.local"), Ok(want));
    }

    #[test]
    fn names_of_pods() {
        check(json!({}), "web-0", "");
        check(json!({"hostname": "h"}), "h", "");
        check(json!({"subdomain": "db"}), "web-0", "db.shop.svc.cluster.local");
        check(json!({"hostnameOverride": "a.example.org", "subdomain": "db"}), "a.example.org", "");
        let long = "a".repeat(62) + "-bcd";
        let named: Pod = value::from_value(json!({"metadata": {"name": long}, "spec": {"containers": []}})).unwrap();
        assert_eq!(names(&named, "c").unwrap().hostname, "a".repeat(62));
        assert!(matches!(names(&pod(json!({"hostname": "A"})), "c"), Err(NameError::Hostname(..))));
    }

    #[test]
    fn the_kernel_may_get_the_full_name() {
        let fqdn = pod(json!({"subdomain": "db", "setHostnameAsFQDN": true}));
        let names_of = names(&fqdn, "cluster.local").unwrap();
        assert_eq!(kernel_hostname(&fqdn, &names_of).unwrap(), "web-0.db.shop.svc.cluster.local");
        let long = names(&fqdn, &"x".repeat(60)).unwrap();
        assert!(matches!(kernel_hostname(&fqdn, &long), Err(NameError::TooLong(..))));
    }

    #[test]
    fn the_hosts_file() {
        let alias = HostAlias { ip: "1.2.3.4".to_owned(), hostnames: Some(vec!["a".to_owned(), "b".to_owned()]) };
        let names = Names { hostname: "web-0".to_owned(), domain: "db.shop.svc.cluster.local".to_owned() };
        let text = hosts(&["10.42.0.5".parse().unwrap()], &names, &[alias]);
        assert!(text.starts_with("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"), "{text}");
        let end =
            "10.42.0.5\tweb-0.db.shop.svc.cluster.local\tweb-0\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n";
        assert!(text.ends_with(end), "{text}");
    }
}

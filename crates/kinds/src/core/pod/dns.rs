//! How a pod resolves names, and what it is called itself.

use super::checks::dns_subdomain;
use object::field::{Error, Errors, Path};
use object::{View, names};

const MAX_SERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;
const MAX_SEARCH_CHARACTERS: usize = 2048;

/// Validates the policy.
pub(super) fn validate_policy(policy: &str, path: &Path<'_>, errors: &mut Errors) {
    let known = &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    super::checks::required_one_of(policy, known, path, errors);
}

/// Validates servers, search paths and options.
pub(super) fn validate_config(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let config = spec.get("dnsConfig");
    let servers = config.get("nameservers");
    if spec.str("dnsPolicy") == "None" {
        if !config.exists() {
            return errors.push(Error::required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return errors.push(Error::required(&path.child("nameservers"), detail));
        }
    }
    let list = path.child("nameservers");
    if servers.len() > MAX_SERVERS {
        let detail = format!("must not have more than {MAX_SERVERS} nameservers");
        errors.push(Error::invalid(&list, servers.to_value(), detail));
    }
    for (index, server) in servers.items().enumerate() {
        errors.extend(names::is_valid_ip_for_legacy_field(&list.index(index), server.as_str(), &[]));
    }
    validate_searches(config.get("searches"), &path.child("searches"), errors);
    let list = path.child("options");
    for (index, _) in config.list("options").enumerate().filter(|(_, option)| option.str("name").is_empty()) {
        errors.push(Error::required(&list.index(index), "must not be empty"));
    }
}

fn validate_searches(searches: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    if searches.len() > MAX_SEARCHES {
        let detail = format!("must not have more than {MAX_SEARCHES} search paths");
        errors.push(Error::invalid(list, searches.to_value(), detail));
    }
    let characters: usize = searches.items().map(|search| search.len() + 1).sum();
    if characters.saturating_sub(1) > MAX_SEARCH_CHARACTERS {
        let detail =
            format!("must not have more than {MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list");
        errors.push(Error::invalid(list, searches.to_value(), detail));
    }
    for (index, search) in searches.items().map(View::as_str).enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        for message in names::is_dns1123_subdomain_with_underscore(search) {
            errors.push(Error::invalid(&list.index(index), search, message));
        }
    }
}

/// Validates lines for the pod's hosts file.
pub(super) fn validate_host_aliases(aliases: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, alias) in aliases.items().enumerate() {
        let path = list.index(index);
        errors.extend(names::is_valid_ip_for_legacy_field(&path.child("ip"), alias.str("ip"), &[]));
        for (place, name) in alias.strings("hostnames").enumerate() {
            dns_subdomain(name, &path.child("hostnames").index(place), errors);
        }
    }
}

/// Validates a host name that is given whole.
pub(super) fn validate_hostname_override(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let Some(name) = spec.opt_str("hostnameOverride") else { return };
    let path = spec_path.child("hostnameOverride");
    for field in ["setHostnameAsFQDN", "hostNetwork"] {
        if spec.bool(field) {
            errors.push(Error::forbidden(&path, format!("may not be specified when {field} is true")));
        }
    }
    if name.len() > 64 {
        errors.push(Error::too_long(&path, 64));
    }
    dns_subdomain(name, &path, errors);
}

//! What `/flagz` tells of a configuration: the flags of `hakata server`, each with its value.
//!
//! Deliberately absent: values that are secrets; there are none among these.

use super::Config;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The flags by their names, as they are in force.
pub(crate) fn flags(config: &Config) -> BTreeMap<&'static str, String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let list = |items: &[String]| format!("[{}]", items.join(","));
    let guard = &config.guard;
    BTreeMap::from([
        ("admission-control-config-file", path(&guard.admission)),
        ("authentication-config", path(&guard.authentication.file)),
        ("authentication-token-webhook-config-file", path(&guard.authentication.webhook)),
        ("authentication-token-webhook-version", guard.authentication.webhook_version.clone()),
        ("authorization-config", path(&guard.authorization)),
        ("cluster-cidr", config.cluster_cidr.to_string()),
        ("data-dir", config.data_dir.display().to_string()),
        ("enable-bootstrap-token-auth", guard.authentication.bootstrap_tokens.to_string()),
        ("encryption-provider-config", path(&guard.encryption)),
        ("kubelet-preferred-address-types", list(&config.kubelet_preferred_address_types)),
        ("listen", config.listen.to_string()),
        ("name", config.place.name().to_owned()),
        ("no-node", config.node.is_none().to_string()),
        ("node-name", config.node.as_ref().map(|node| node.name.clone()).unwrap_or_default()),
        ("service-cidr", config.service_cidr.to_string()),
        ("shutdown-grace", config.grace.as_secs().to_string()),
        ("tls-san", list(&config.tls_names)),
        ("token-auth-file", path(&config.token_auth_file)),
        ("write-kubeconfig", path(&config.write_kubeconfig)),
    ])
}

//! Volumes over the network, and those of drivers.

use crate::core::pod::checks::{dns_label, invalid_for_each, required};
use object::field::{Error, Errors, Path};
use object::names::{self, inclusive_range_error};
use object::{View, json};
use regex::Regex;
use std::sync::LazyLock;

/// For names and portals that make the name of a session too long.
pub(crate) const PORTAL_TOO_LONG: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 \
     characters if iscsi.initiatorName is specified.";

static IQN: LazyLock<Regex> =
    LazyLock::new(|| regex(r"iqn\.[0-9]{4}-[0-9]{2}\.([[:alnum:].-]+)(:[^,;*&$|\t\n\f\r ]+)$"));
static EUI: LazyLock<Regex> = LazyLock::new(|| regex("^eui.[[:alnum:]]{16}$"));
static NAA: LazyLock<Regex> = LazyLock::new(|| regex("^naa.[[:alnum:]]{32}$"));

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the expressions for iSCSI names are well formed")
}

/// NFS.
pub(crate) fn nfs(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "server", path, errors);
    required(source, "path", path, errors);
    if !source.str("path").starts_with('/') {
        errors.push(Error::invalid(&path.child("path"), source.str("path"), "must be an absolute path"));
    }
}

/// iSCSI.
pub(crate) fn iscsi(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "targetPortal", path, errors);
    required(source, "iqn", path, errors);
    if !source.str("iqn").is_empty() {
        iscsi_name(source.str("iqn"), &path.child("iqn"), errors);
    }
    let lun = source.int("lun");
    if !(0..=255).contains(&lun) {
        errors.push(Error::invalid(&path.child("lun"), lun, inclusive_range_error(0, 255)));
    }
    if (source.bool("chapAuthDiscovery") || source.bool("chapAuthSession")) && !source.has("secretRef") {
        errors.push(Error::required(&path.child("secretRef"), ""));
    }
    if let Some(name) = source.opt_str("initiatorName") {
        iscsi_name(name, &path.child("initiatorname"), errors);
    }
}

fn iscsi_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let form = match name.get(..3) {
        Some("iqn") => &IQN,
        Some("eui") => &EUI,
        Some("naa") => &NAA,
        _ => {
            let detail = "must be valid format starting with iqn, eui, or naa";
            return errors.push(Error::invalid(path, name, detail));
        }
    };
    if !form.is_match(name) {
        errors.push(Error::invalid(path, name, "must be valid format"));
    }
}

/// GlusterFS.
pub(crate) fn glusterfs(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "endpoints", path, errors);
    required(source, "path", path, errors);
}

/// Flocker.
pub(crate) fn flocker(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, id) = (source.str("datasetName"), source.str("datasetUUID"));
    if name.is_empty() && id.is_empty() {
        errors.push(Error::required(path, "one of datasetName and datasetUUID is required"));
    }
    if !name.is_empty() && !id.is_empty() {
        let detail = "datasetName and datasetUUID can not be specified simultaneously";
        errors.push(Error::invalid(path, "resource", detail));
    }
    if name.contains('/') {
        errors.push(Error::invalid(&path.child("datasetName"), name, "must not contain '/'"));
    }
}

/// Ceph's block devices.
pub(crate) fn rbd(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "monitors", path, errors);
    required(source, "image", path, errors);
}

/// Ceph's file system.
pub(crate) fn cephfs(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "monitors", path, errors);
}

/// Quobyte.
pub(crate) fn quobyte(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let registry = source.str("registry");
    let form = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        errors.push(Error::required(&path.child("registry"), form));
    } else if source.str("tenant").len() >= 65 {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        errors.push(Error::required(&path.child("tenant"), detail));
    } else {
        for _ in registry.split(',').filter(|pair| !is_host_and_port(pair)) {
            errors.push(Error::invalid(&path.child("registry"), registry, form));
        }
    }
    required(source, "volume", path, errors);
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, _)) = text.rsplit_once(':') else { return false };
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').is_some_and(|inner| !inner.contains(['[', ']'])),
        None => !host.contains([':', '[', ']']),
    }
}

/// Fibre Channel.
pub(crate) fn fibre_channel(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (names, ids) = (source.get("targetWWNs"), source.get("wwids"));
    if names.is_empty() && ids.is_empty() {
        let detail = "must specify either targetWWNs or wwids, but not both";
        errors.push(Error::required(&path.child("targetWWNs"), detail));
    }
    if names.is_empty() {
        return;
    }
    if !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(Error::invalid(&path.child("targetWWNs"), names.to_value(), detail));
    }
    match source.opt_int("lun") {
        None => errors.push(Error::required(&path.child("lun"), "lun is required if targetWWNs is specified")),
        Some(lun) if !(0..=255).contains(&lun) => {
            errors.push(Error::invalid(&path.child("lun"), json!(lun), inclusive_range_error(0, 255)));
        }
        Some(_) => {}
    }
}

/// A driver that the node runs as a program.
pub(crate) fn flex(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "driver", path, errors);
    for (key, _) in source.get("options").entries() {
        let namespace = key.split_once('/').map_or(key, |(namespace, _)| namespace);
        let namespace = format!(".{}", namespace.to_lowercase());
        if namespace.ends_with(".kubernetes.io") || namespace.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            errors.push(Error::invalid(&path.child("options").key(key), key, detail));
        }
    }
}

/// StorageOS.
pub(crate) fn storage_os(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, namespace) = (source.str("volumeName"), source.str("volumeNamespace"));
    required(source, "volumeName", path, errors);
    if !name.is_empty() {
        dns_label(name, &path.child("volumeName"), errors);
    }
    if !namespace.is_empty() {
        dns_label(namespace, &path.child("volumeNamespace"), errors);
    }
    if source.has("secretRef") {
        required(source.get("secretRef"), "name", &path.child("secretRef"), errors);
    }
}

/// A CSI driver's volume inside a pod.
pub(crate) fn csi(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    csi_driver_name(source.str("driver"), &path.child("driver"), errors);
    let secret = source.get("nodePublishSecretRef");
    if !secret.exists() {
        return;
    }
    match secret.str("name") {
        "" => errors.push(Error::required(&path.child("nodePublishSecretRef").child("name"), "")),
        name => invalid_for_each(names::name_is_dns_subdomain(name, false), name, &path.child("name"), errors),
    }
}

/// The name of a CSI driver.
pub(crate) fn csi_driver_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    if name.is_empty() {
        return errors.push(Error::required(path, ""));
    }
    if name.len() > 63 {
        errors.push(Error::too_long(path, 63));
    }
    invalid_for_each(names::is_dns1123_subdomain(&name.to_lowercase()), name, path, errors);
}

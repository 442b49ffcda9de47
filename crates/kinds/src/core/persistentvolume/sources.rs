//! Where the data of a persistent volume is.

use crate::change;
use crate::checks::{dns_label, dns_subdomain, each};
use crate::core::pod::volumes::{cloud, files, network};
use object::field::{Error, Errors, Path};
use object::names::name_is_dns_label;
use object::{Map, Value, View};

type Rule = fn(View<'_>, &Path<'_>, &mut Errors);

/// Field, the field as messages about a second source name it, the field as messages about it name it, its rule. In
/// the order in which upstream looks at them.
const SOURCES: [(&str, &str, &str, Rule); 22] = [
    ("hostPath", "hostPath", "hostPath", files::host_path),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk", cloud::gce),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore", cloud::aws),
    ("glusterfs", "glusterfs", "glusterfs", glusterfs),
    ("flocker", "flocker", "flocker", network::flocker),
    ("nfs", "nfs", "nfs", network::nfs),
    ("rbd", "rbd", "rbd", network::rbd),
    ("quobyte", "quobyte", "quobyte", network::quobyte),
    ("cephfs", "cephFS", "cephfs", network::cephfs),
    ("iscsi", "iscsi", "iscsi", iscsi),
    ("cinder", "cinder", "cinder", cinder),
    ("fc", "fc", "fc", network::fibre_channel),
    ("flexVolume", "flexVolume", "flexVolume", network::flex),
    ("azureFile", "azureFile", "azureFile", azure_file),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume", vsphere),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk", photon),
    ("portworxVolume", "portworxVolume", "portworxVolume", portworx),
    ("azureDisk", "azureDisk", "azureDisk", cloud::azure_disk),
    ("scaleIO", "scaleIO", "scaleIO", cloud::scale_io),
    ("local", "local", "local", local),
    ("storageos", "storageos", "storageos", storage_os),
    ("csi", "csi", "csi", csi),
];

/// Validates that there is just one source, and that it is well formed. `name` is the volume's.
pub(super) fn validate(spec: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let mut count = 0;
    for (field, second, shown, rule) in SOURCES {
        let source = spec.get(field);
        if !source.exists() {
            continue;
        }
        if count > 0 && field != "flexVolume" {
            errors.push(Error::forbidden(&path.child(second), "may not specify more than 1 volume type"));
            continue;
        }
        count += 1;
        rule(source, &path.child(shown), errors);
        if field == "iscsi" {
            portal_length(source, name, &path.child("iscsi"), errors);
        }
        if field == "local" && !spec.has("nodeAffinity") {
            errors.push(Error::required(&path.child("nodeAffinity"), "Local volume requires node affinity"));
        }
    }
    if count == 0 {
        errors.push(Error::required(path, "must specify a volume type"));
    }
    let host = spec.get("hostPath");
    let whole = host.exists() && is_root(host.str("path"));
    if whole && spec.str("persistentVolumeReclaimPolicy") == "Recycle" {
        let why = "may not be 'recycle' for a hostPath mount of '/'";
        errors.push(Error::forbidden(&path.child("persistentVolumeReclaimPolicy"), why));
    }
}

/// Fills what sources have where a client leaves it out.
pub(super) fn defaults(spec: &mut Map) {
    let defaults: [(&str, &[(&str, Value)]); 5] = [
        ("hostPath", &[("type", "".into())]),
        ("rbd", &[("pool", "rbd".into()), ("user", "admin".into()), ("keyring", "/etc/ceph/keyring".into())]),
        ("iscsi", &[("iscsiInterface", "default".into())]),
        (
            "azureDisk",
            &[
                ("cachingMode", "ReadWrite".into()),
                ("fsType", "ext4".into()),
                ("readOnly", false.into()),
                ("kind", "Shared".into()),
            ],
        ),
        ("scaleIO", &[("storageMode", "ThinProvisioned".into()), ("fsType", "xfs".into())]),
    ];
    for (name, fields) in &defaults {
        let Some(source) = spec.get_mut(name).and_then(Value::as_object_mut) else { continue };
        for (field, value) in *fields {
            match value.as_str() {
                Some(text) if *name != "azureDisk" => change::set_default_text(source, field, text),
                _ => change::set_default(source, field, value.clone()),
            }
        }
    }
}

/// True if mount options make sense for the volume.
pub(super) fn takes_mount_options(spec: View<'_>) -> bool {
    const TAKE: [&str; 13] = [
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "glusterfs",
        "nfs",
        "rbd",
        "quobyte",
        "iscsi",
        "cinder",
        "cephfs",
        "azureFile",
        "vsphereVolume",
        "azureDisk",
        "photonPersistentDisk",
    ];
    TAKE.iter().any(|source| spec.has(source))
}

/// True if the path is the root, however it is written.
fn is_root(path: &str) -> bool {
    let mut depth = 0usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn required(source: View<'_>, names: &[&str], path: &Path<'_>, errors: &mut Errors) {
    let missing = names.iter().filter(|name| source.get(name).is_empty());
    errors.extend(missing.map(|name| Error::required(&path.child(name), "")));
}

fn secret(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if source.has("secretRef") {
        required(source.get("secretRef"), &["name", "namespace"], &path.child("secretRef"), errors);
    }
}

fn glusterfs(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    network::glusterfs(source, path, errors);
    let place = path.child("endpointsNamespace");
    match source.opt_str("endpointsNamespace") {
        None => {}
        Some("") => {
            let why = "if the endpointnamespace is set, it must be a valid namespace name";
            errors.push(Error::invalid(&place, "", why));
        }
        Some(namespace) => errors.extend(each(name_is_dns_label(namespace, false), namespace, &place)),
    }
}

/// As for pods, with one wording for all that a name can lack.
fn iscsi(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let from = errors.len();
    network::iscsi(source, path, errors);
    for error in &mut errors[from..] {
        if error.detail.starts_with("must be valid format") {
            error.detail = "must be valid format".to_owned();
        }
    }
    let secret = source.get("secretRef");
    if secret.exists() {
        required(secret, &["name"], &path.child("secretRef"), errors);
    }
}

fn portal_length(source: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let portal = source.str("targetPortal");
    if source.has("initiatorName") && name.len() + 1 + portal.len() > 64 {
        errors.push(Error::invalid(&path.child("targetportal"), portal, network::PORTAL_TOO_LONG));
    }
}

fn cinder(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, &["volumeID"], path, errors);
    secret(source, path, errors);
}

fn azure_file(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    cloud::azure_file(source, path, errors);
    if source.opt_str("secretNamespace") == Some("") {
        errors.push(Error::required(&path.child("secretNamespace"), ""));
    }
}

fn vsphere(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, &["volumePath"], path, errors);
}

fn photon(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, &["pdID"], path, errors);
}

fn portworx(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, &["volumeID"], path, errors);
}

fn local(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if source.str("path").is_empty() {
        return errors.push(Error::required(&path.child("path"), ""));
    }
    files::local(source, path, errors);
}

fn storage_os(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match source.str("volumeName") {
        "" => errors.push(Error::required(&path.child("volumeName"), "")),
        name => errors.extend(dns_label(name, &path.child("volumeName"))),
    }
    let namespace = source.str("volumeNamespace");
    if !namespace.is_empty() {
        errors.extend(dns_label(namespace, &path.child("volumeNamespace")));
    }
    secret(source, path, errors);
}

fn csi(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    network::csi_driver_name(source.str("driver"), &path.child("driver"), errors);
    required(source, &["volumeHandle"], path, errors);
    for field in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        if !source.has(field) {
            continue;
        }
        let (reference, path) = (source.get(field), path.child(field));
        match reference.str("name") {
            "" => errors.push(Error::required(&path.child("name"), "")),
            name => errors.extend(dns_subdomain(name, &path.child("name"))),
        }
        match reference.str("namespace") {
            "" => errors.push(Error::required(&path.child("namespace"), "")),
            namespace => errors.extend(dns_label(namespace, &path.child("namespace"))),
        }
    }
}

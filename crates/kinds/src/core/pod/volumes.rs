//! Volumes of a pod: that each has one source, and what the sources need.

pub(crate) mod claim;
pub(crate) mod cloud;
pub(crate) mod files;
pub(crate) mod network;
mod projected;

use super::checks::{dns_label, invalid_for_each};
use super::options::PodOptions;
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::collections::{HashMap, HashSet};

/// The valid volumes of a pod by name.
pub(crate) type Volumes<'a> = HashMap<&'a str, View<'a>>;

/// The fields of a volume that are sources.
pub(crate) const TYPES: &[&str] = &[
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// How a source is judged.
struct Rule {
    /// Its field.
    field: &'static str,
    /// What messages call the field when it is one too many.
    spare: &'static str,
    /// What messages call the field when it is wrong.
    path: &'static str,
    check: fn(View<'_>, &PodOptions, &Path<'_>, &mut Errors),
}

const fn rule(field: &'static str, check: fn(View<'_>, &PodOptions, &Path<'_>, &mut Errors)) -> Rule {
    Rule { field, spare: field, path: field, check }
}

/// All sources in the order in which they are judged. Three have other names in messages.
const RULES: &[Rule] = &[
    rule("hostPath", |source, _, path, errors| files::host_path(source, path, errors)),
    rule("gitRepo", |source, _, path, errors| files::git_repo(source, path, errors)),
    Rule {
        path: "persistentDisk",
        ..rule("gcePersistentDisk", |source, _, path, errors| cloud::gce(source, path, errors))
    },
    rule("awsElasticBlockStore", |source, _, path, errors| cloud::aws(source, path, errors)),
    rule("secret", |source, _, path, errors| files::keyed(source, "secretName", path, errors)),
    rule("nfs", |source, _, path, errors| network::nfs(source, path, errors)),
    rule("iscsi", |source, _, path, errors| network::iscsi(source, path, errors)),
    rule("glusterfs", |source, _, path, errors| network::glusterfs(source, path, errors)),
    rule("flocker", |source, _, path, errors| network::flocker(source, path, errors)),
    rule("persistentVolumeClaim", |source, _, path, errors| super::checks::required(source, "claimName", path, errors)),
    rule("rbd", |source, _, path, errors| network::rbd(source, path, errors)),
    rule("cinder", |source, _, path, errors| cloud::cinder(source, path, errors)),
    Rule { spare: "cephFS", ..rule("cephfs", |source, _, path, errors| network::cephfs(source, path, errors)) },
    rule("quobyte", |source, _, path, errors| network::quobyte(source, path, errors)),
    Rule {
        spare: "downwarAPI",
        ..rule("downwardAPI", |source, _, path, errors| files::downward(source, path, errors))
    },
    rule("fc", |source, _, path, errors| network::fibre_channel(source, path, errors)),
    rule("flexVolume", |source, _, path, errors| network::flex(source, path, errors)),
    rule("configMap", |source, _, path, errors| files::keyed(source, "name", path, errors)),
    rule("azureFile", |source, _, path, errors| cloud::azure_file(source, path, errors)),
    rule("vsphereVolume", |source, _, path, errors| super::checks::required(source, "volumePath", path, errors)),
    rule("photonPersistentDisk", |source, _, path, errors| super::checks::required(source, "pdID", path, errors)),
    rule("portworxVolume", |source, _, path, errors| super::checks::required(source, "volumeID", path, errors)),
    rule("azureDisk", |source, _, path, errors| cloud::azure_disk(source, path, errors)),
    rule("storageos", |source, _, path, errors| network::storage_os(source, path, errors)),
    rule("projected", projected::validate),
    rule("scaleIO", |source, _, path, errors| cloud::scale_io(source, path, errors)),
    rule("csi", |source, _, path, errors| network::csi(source, path, errors)),
    rule("ephemeral", |source, _, path, errors| claim::validate_ephemeral(source, path, errors)),
    rule("image", files::image),
];

/// Validates all volumes, and gives those that containers can mount. `meta` is absent in a template.
pub(super) fn validate<'a>(
    spec: View<'a>,
    meta: View<'_>,
    options: &PodOptions,
    list: &Path<'_>,
    errors: &mut Errors,
) -> Volumes<'a> {
    let pod = meta.str("name");
    let own_claims: HashSet<String> = spec
        .list("volumes")
        .filter(|volume| !pod.is_empty() && volume.has("ephemeral"))
        .map(|volume| format!("{pod}-{}", volume.str("name")))
        .collect();
    let mut volumes = Volumes::new();
    for (index, volume) in spec.list("volumes").enumerate() {
        let path = list.index(index);
        let name = volume.str("name");
        let before = errors.len();
        validate_source(volume, pod, options, &path, errors);
        match name {
            "" => errors.push(Error::required(&path.child("name"), "")),
            _ => dns_label(name, &path.child("name"), errors),
        }
        if volumes.contains_key(name) {
            errors.push(Error::duplicate(&path.child("name"), name));
        }
        if errors.len() == before {
            volumes.insert(name, volume);
        }
        let claim = volume.get("persistentVolumeClaim").str("claimName");
        if own_claims.contains(claim) {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            errors.push(Error::invalid(&path.child("persistentVolumeClaim").child("claimName"), claim, detail));
        }
    }
    volumes
}

fn validate_source(volume: View<'_>, pod: &str, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    let mut found = volume.has("emptyDir");
    if volume.at(&["emptyDir", "sizeLimit"]).as_str().starts_with('-') {
        let detail = "SizeLimit field must be a valid resource quantity";
        errors.push(Error::forbidden(&path.child("emptyDir").child("sizeLimit"), detail));
    }
    for rule in RULES.iter().filter(|rule| volume.has(rule.field)) {
        if found {
            errors.push(Error::forbidden(&path.child(rule.spare), "may not specify more than 1 volume type"));
        } else {
            (rule.check)(volume.get(rule.field), options, &path.child(rule.path), errors);
        }
        match rule.field {
            "iscsi" => validate_portal_length(volume, path, errors),
            "ephemeral" if !found => validate_claim_name(volume.str("name"), pod, path, errors),
            _ => {}
        }
        found = true;
    }
    if !found {
        errors.push(Error::required(path, "must specify a volume type"));
    }
}

fn validate_portal_length(volume: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, iscsi) = (volume.str("name"), volume.get("iscsi"));
    if iscsi.has("initiatorName") && name.len() + 1 + iscsi.str("targetPortal").len() > 64 {
        errors.push(Error::invalid(&path.child("name"), name, network::PORTAL_TOO_LONG));
    }
}

/// The claim of an ephemeral volume is named after the pod and the volume.
fn validate_claim_name(volume: &str, pod: &str, path: &Path<'_>, errors: &mut Errors) {
    if pod.is_empty() || volume.is_empty() {
        return;
    }
    let claim = format!("{pod}-{volume}");
    let messages = names::name_is_dns_subdomain(&claim, false);
    let quoted = object::quote::quote(&claim);
    let messages = messages.into_iter().map(|message| format!("PVC name {quoted}: {message}")).collect();
    invalid_for_each(messages, volume, &path.child("name"), errors);
}

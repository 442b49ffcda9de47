//! Defaults of volumes.

use super::{Fields, containers, default, default_text, items, resources};
use crate::core::pod::{image, volumes};
use object::{Value, json};

/// The mode of files that volumes make, `0644`.
const FILE_MODE: i64 = 0o644;

/// Fills in all volumes of a pod spec.
pub(super) fn all(spec: &mut Value) {
    for volume in items(spec, "volumes").filter_map(Value::as_object_mut) {
        one(volume);
    }
}

fn one(volume: &mut Fields) {
    let has_source = volumes::TYPES.iter().any(|name| volume.get(name).is_some_and(|source| !source.is_null()));
    if !has_source {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for (name, source) in volume.iter_mut() {
        if let (Some(rules), Some(source)) = (rules_of(name), source.as_object_mut()) {
            rules(source);
        }
    }
}

fn rules_of(name: &str) -> Option<fn(&mut Fields)> {
    Some(match name {
        "image" => image_volume,
        "hostPath" => |source| default(source, "type", ""),
        "secret" | "configMap" => |source| default(source, "defaultMode", FILE_MODE),
        "iscsi" => |source| default_text(source, "iscsiInterface", "default"),
        "rbd" => rbd,
        "downwardAPI" => downward_api,
        "azureDisk" => azure_disk,
        "projected" => projected,
        "scaleIO" => scale_io,
        "ephemeral" => ephemeral,
        _ => return None,
    })
}

fn image_volume(source: &mut Fields) {
    let reference = source.get("reference").and_then(Value::as_str).unwrap_or_default();
    let policy = image::default_pull_policy(reference);
    default_text(source, "pullPolicy", policy);
}

fn rbd(source: &mut Fields) {
    default_text(source, "pool", "rbd");
    default_text(source, "user", "admin");
    default_text(source, "keyring", "/etc/ceph/keyring");
}

fn scale_io(source: &mut Fields) {
    default_text(source, "storageMode", "ThinProvisioned");
    default_text(source, "fsType", "xfs");
}

fn azure_disk(source: &mut Fields) {
    default(source, "cachingMode", "ReadWrite");
    default(source, "fsType", "ext4");
    default(source, "readOnly", false);
    default(source, "kind", "Shared");
}

fn downward_api(source: &mut Fields) {
    default(source, "defaultMode", FILE_MODE);
    for file in source.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        containers::field_ref(file);
    }
}

fn projected(source: &mut Fields) {
    default(source, "defaultMode", FILE_MODE);
    for projection in source.get_mut("sources").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(downward) = projection.get_mut("downwardAPI") {
            items(downward, "items").for_each(containers::field_ref);
        }
        if let Some(token) = projection.get_mut("serviceAccountToken").and_then(Value::as_object_mut) {
            default(token, "expirationSeconds", 3600);
        }
    }
}

fn ephemeral(source: &mut Fields) {
    let Some(template) = source.get_mut("volumeClaimTemplate").and_then(Value::as_object_mut) else { return };
    let spec = super::struct_of(template, "spec");
    if let Some(spec) = spec.as_object_mut() {
        default(spec, "volumeMode", "Filesystem");
    }
    resources::round_requirements(spec.get_mut("resources"));
}

//! Volumes by their source.

use super::page::{Page, plain};
use crate::text::field;
use value::Value;

/// The volumes of a pod.
pub(super) fn volumes(page: &mut Page, list: &Value, indent: &str) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return page.line(0, format!("{indent}Volumes:\t<none>"));
    }
    page.line(0, format!("{indent}Volumes:"));
    let name_indent = if indent.is_empty() { "" } else { " " };
    for volume in list {
        page.line(1, format!("{name_indent}{}:", field(volume, "/name")));
        if volume["projected"].is_object() {
            projected(page, &volume["projected"]);
        } else if volume["downwardAPI"].is_object() {
            downward(page, &volume["downwardAPI"]);
        } else {
            source(page, volume);
        }
    }
}

/// A source's type, what to call it, and its fields: title, name, and what stands for nothing.
type Source = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const SOURCES: &[Source] = &[
    ("hostPath", "HostPath (bare host directory volume)", &[("Path", "path", ""), ("HostPathType", "type", "<none>")]),
    (
        "emptyDir",
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        &[("Medium", "medium", ""), ("SizeLimit", "sizeLimit", "<unset>")],
    ),
    (
        "secret",
        "Secret (a volume populated by a Secret)",
        &[("SecretName", "secretName", ""), ("Optional", "optional", "false")],
    ),
    (
        "configMap",
        "ConfigMap (a volume populated by a ConfigMap)",
        &[("Name", "name", ""), ("Optional", "optional", "false")],
    ),
    (
        "persistentVolumeClaim",
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        &[("ClaimName", "claimName", ""), ("ReadOnly", "readOnly", "false")],
    ),
    (
        "nfs",
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        &[("Server", "server", ""), ("Path", "path", ""), ("ReadOnly", "readOnly", "false")],
    ),
    ("local", "LocalVolume (a persistent volume backed by local storage on a node)", &[("Path", "path", "")]),
    (
        "csi",
        "CSI (a Container Storage Interface (CSI) volume source)",
        &[("Driver", "driver", ""), ("FSType", "fsType", ""), ("ReadOnly", "readOnly", "false")],
    ),
    (
        "image",
        "Image (a container image or OCI artifact)",
        &[("Reference", "reference", ""), ("PullPolicy", "pullPolicy", "")],
    ),
];

/// Where a volume's data is.
pub(super) fn source(page: &mut Page, volume: &Value) {
    for (name, ty, fields) in SOURCES {
        let source = &volume[*name];
        if !source.is_object() {
            continue;
        }
        page.field(2, "Type", ty);
        for (title, field, none) in *fields {
            let value = plain(&source[*field]);
            page.field(2, title, if source[*field].is_null() { none } else { value.as_str() });
        }
        return;
    }
    page.line(1, "<unknown>");
}

fn projected(page: &mut Page, projected: &Value) {
    page.field(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
    for one in projected["sources"].as_array().into_iter().flatten() {
        for (name, title) in [("secret", "SecretName"), ("configMap", "ConfigMapName")] {
            if one[name].is_object() {
                page.field(2, title, field(&one[name], "/name"));
                page.field(2, "Optional", one[name]["optional"] == true);
            }
        }
        if one["downwardAPI"].is_object() {
            page.field(2, "DownwardAPI", "true");
        }
        if one["serviceAccountToken"].is_object() {
            page.field(2, "TokenExpirationSeconds", plain(&one["serviceAccountToken"]["expirationSeconds"]));
        }
    }
}

fn downward(page: &mut Page, volume: &Value) {
    page.field(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
    page.line(2, "Items:");
    for item in volume["items"].as_array().into_iter().flatten() {
        let path = field(item, "/path");
        if item["fieldRef"].is_object() {
            page.line(3, format!("{} -> {path}", field(item, "/fieldRef/fieldPath")));
        }
        if item["resourceFieldRef"].is_object() {
            page.line(3, format!("{} -> {path}", field(item, "/resourceFieldRef/resource")));
        }
    }
}

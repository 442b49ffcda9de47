//! Volumes, claims and storage classes.

use super::page::{Page, joined, plain, texts};
use super::volumes::source;
use crate::api::Api;
use crate::error::Result;
use crate::text::{age, field, name, time};
use value::Value;

fn status(page: &mut Page, object: &Value) {
    match field(object, "/metadata/deletionTimestamp") {
        "" => page.field(0, "Status", field(object, "/status/phase")),
        deleted => page.field(0, "Status", format!("Terminating (lasts {})", age(deleted))),
    }
}

/// Access modes, short.
fn modes(list: &Value) -> String {
    let has = texts(list);
    let known =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let shown = known.iter().filter(|(mode, _)| has.iter().any(|one| one == mode)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",")
}

fn class_of(object: &Value) -> &str {
    match field(object, "/metadata/annotations/volume.beta.kubernetes.io~1storage-class") {
        "" => field(object, "/spec/storageClassName"),
        class => class,
    }
}

fn finalizers(object: &Value) -> String {
    format!("[{}]", texts(&object["metadata"]["finalizers"]).join(" "))
}

pub(super) async fn claim(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let spec = &object["spec"];
    page.head(object);
    page.field(0, "StorageClass", class_of(object));
    status(page, object);
    page.field(0, "Volume", field(spec, "/volumeName"));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Finalizers", finalizers(object));
    let bound = !field(spec, "/volumeName").is_empty();
    page.field(0, "Capacity", if bound { field(object, "/status/capacity/storage") } else { "" });
    page.field(0, "Access Modes", if bound { modes(&object["status"]["accessModes"]) } else { String::new() });
    page.some(0, "VolumeMode", &spec["volumeMode"]);
    let source = &spec["dataSource"];
    if source.is_object() {
        page.line(0, "DataSource:");
        page.some(1, "APIGroup", &source["apiGroup"]);
        page.field(1, "Kind", field(source, "/kind"));
        page.field(1, "Name", field(source, "/name"));
    }
    let pods = api.get(&format!("/api/v1/namespaces/{}/pods", field(object, "/metadata/namespace"))).await?;
    let uses = |pod: &&Value| {
        let volumes = pod["spec"]["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
        volumes.iter().any(|volume| field(volume, "/persistentVolumeClaim/claimName") == name(object))
    };
    let mut users: Vec<String> =
        pods["items"].as_array().into_iter().flatten().filter(uses).map(|pod| name(pod).to_owned()).collect();
    users.sort();
    page.many("", "Used By", "\t", users);
    conditions(page, &object["status"]["conditions"]);
    Ok(())
}

fn conditions(page: &mut Page, list: &Value) {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else { return };
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for one in list {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let (probed, since) = (time(text("lastProbeTime")), time(text("lastTransitionTime")));
        let (reason, message) = (text("reason"), text("message"));
        page.line(1, format!("{} \t{} \t{probed} \t{since} \t{reason} \t{message}", text("type"), text("status")));
    }
}

pub(super) fn volume(page: &mut Page, object: &Value) {
    let spec = &object["spec"];
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Finalizers", finalizers(object));
    page.field(0, "StorageClass", class_of(object));
    status(page, object);
    let claim = &spec["claimRef"];
    let claim = match claim.is_object() {
        true => format!("{}/{}", field(claim, "/namespace"), field(claim, "/name")),
        false => String::new(),
    };
    page.field(0, "Claim", claim);
    page.field(0, "Reclaim Policy", field(spec, "/persistentVolumeReclaimPolicy"));
    page.field(0, "Access Modes", modes(&spec["accessModes"]));
    page.some(0, "VolumeMode", &spec["volumeMode"]);
    page.field(0, "Capacity", field(spec, "/capacity/storage"));
    node_affinity(page, &spec["nodeAffinity"]);
    page.field(0, "Message", field(object, "/status/message"));
    page.line(0, "Source:");
    source(page, spec);
}

fn node_affinity(page: &mut Page, affinity: &Value) {
    page.write(0, "Node Affinity:\t");
    if !affinity.is_object() {
        return page.line(0, "<none>");
    }
    page.line(0, "");
    let required = &affinity["required"];
    if !required.is_object() {
        return page.field(1, "Required Terms", "<none>");
    }
    page.line(1, "Required Terms:\t");
    for (number, term) in required["nodeSelectorTerms"].as_array().into_iter().flatten().enumerate() {
        let lines: Vec<String> = term["matchExpressions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                let (key, operator) = (field(one, "/key"), field(one, "/operator").to_lowercase());
                match texts(&one["values"]) {
                    values if values.is_empty() => format!("{key} {operator}"),
                    values => format!("{key} {operator} [{}]", values.join(", ")),
                }
            })
            .collect();
        page.many("    ", &format!("Term {number}"), "\t", lines);
    }
}

pub(super) fn class(page: &mut Page, object: &Value) {
    page.field(0, "Name", name(object));
    let default = field(object, "/metadata/annotations/storageclass.kubernetes.io~1is-default-class") == "true";
    page.field(0, "IsDefaultClass", if default { "Yes" } else { "No" });
    page.field(0, "Annotations", annotations(object));
    page.field(0, "Provisioner", field(object, "/provisioner"));
    page.field(0, "Parameters", joined(&object["parameters"]));
    let expansion = match object["allowVolumeExpansion"].as_bool() {
        None => "<unset>",
        Some(true) => "True",
        Some(false) => "False",
    };
    page.field(0, "AllowVolumeExpansion", expansion);
    let options = texts(&object["mountOptions"]);
    if options.is_empty() {
        page.field(0, "MountOptions", "<none>");
    } else {
        page.line(0, "MountOptions:");
        options.iter().for_each(|option| page.line(1, option));
    }
    page.some(0, "ReclaimPolicy", &object["reclaimPolicy"]);
    page.some(0, "VolumeBindingMode", &object["volumeBindingMode"]);
}

fn annotations(object: &Value) -> String {
    joined(&match object["metadata"]["annotations"].as_object() {
        Some(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), plain(value).into())).collect()),
        None => Value::Null,
    })
}

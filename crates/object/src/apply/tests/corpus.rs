//! Recorded creates: the object without its owners in, the recorded owners out.
//!
//! What is recorded is the object at the end of the request. Owners are found before admission and before the kind's
//! own rules run, so what those set or drop differs, and is named here.

use super::{corpora, steps, type_of};
use crate::apply::set::show_path;
use crate::apply::{FieldSet, Filter, OneVersion, Operation, claim, update};
use crate::schema::builtin;
use value::Value;

/// Set after owners are found: kind, then a part of the path.
const SET_LATER: &[(&str, &str)] = &[
    ("Pod", ".spec.preemptionPolicy"),
    ("Pod", ".spec.priority"),
    ("Pod", ".spec.serviceAccount"),
    ("Pod", ".spec.tolerations"),
    ("Pod", ".spec.volumes"),
    ("Pod", ".volumeMounts"),
    ("Pod", ".spec.overhead"),
    ("Pod", ".spec.nodeSelector"),
    ("Pod", ".resources.requests"),
    ("Pod", ".resources.limits"),
    ("Pod", ".metadata.annotations"),
    ("Service", ".spec.clusterIP"),
    ("Service", ".spec.ipFamil"),
    ("Service", ".nodePort"),
    ("Service", ".spec.healthCheckNodePort"),
    ("PersistentVolumeClaim", ".metadata.finalizers"),
    ("PersistentVolumeClaim", ".spec.storageClassName"),
    ("PersistentVolumeClaim", ".spec.dataSource"),
    ("PersistentVolume", ".metadata.finalizers"),
    ("Namespace", ".spec.finalizers"),
    ("Node", ".spec.taints"),
    ("Job", ".spec.selector"),
    ("Job", "controller-uid"),
    ("Job", "job-name"),
    ("Job", ".metadata.labels"),
    ("ReplicaSet", "[uid=\"<uid>\"]"),
];

/// Dropped after owners are found.
const DROPPED_LATER: &[(&str, &str)] = &[
    ("Pod", ".lifecycle"),
    ("Node", ".spec.configSource"),
    ("PersistentVolumeClaim", ".spec.dataSource"),
    ("StatefulSet", ".rollingUpdate.maxUnavailable"),
    ("ReplicaSet", "[uid=\"u\"]"),
];

#[test]
fn creates_own_what_a_real_server_says_they_own() {
    let Some(folder) = corpora() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for part in ["kinds-core", "kinds-rest", "machinery", "policy"] {
        for file in std::fs::read_dir(folder.join(part)).unwrap() {
            let file = file.unwrap().path();
            for (index, step) in steps(&file).iter().enumerate() {
                let Some(object) = created(step) else { continue };
                seen += 1;
                wrong.extend(differences(object).map(|what| format!("{} {index}: {what}", file.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{seen} seen, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 300, "only {seen} recorded creates");
}

/// The object of a create answer with one owner.
fn created(step: &Value) -> Option<&Value> {
    let object = step.get("expect")?.get("body")?;
    let fields = object.get("metadata")?.get("managedFields")?.as_array()?;
    let post = step["do"].as_str()?.starts_with("POST");
    let known = type_of(object["apiVersion"].as_str()?, object["kind"].as_str()?).is_some();
    let partial = object["kind"] == "PartialObjectMetadata";
    (post && known && !partial && fields.len() == 1 && fields[0]["operation"] == "Update").then_some(object)
}

fn differences(object: &Value) -> Option<String> {
    let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    let versions = OneVersion { api_version, schema: builtin(), ty: type_of(api_version, kind)? };
    let want = object["metadata"]["managedFields"].clone();
    let mut object = object.clone();
    object["metadata"].as_object_mut()?.remove("managedFields");
    let operation = Operation {
        versions: &versions,
        api_version,
        kind,
        subresource: "",
        reset: Filter::Reset(&["status"]),
        manager: want[0]["manager"].as_str()?,
        now: "<time>",
    };
    let claimed = claim(&operation, &object);
    update(&operation, None, &mut object);
    let written = object["metadata"].get("managedFields").map(|fields| fields.to_string().into_bytes());
    assert_eq!(claimed, written, "{kind}");
    let got = &object["metadata"]["managedFields"];
    let fields = |entries: &Value| FieldSet::from_fields_v1(&entries[0]["fieldsV1"]).unwrap();
    let (want, got) = (fields(&want), fields(got));
    let unexplained = |set: FieldSet, table: &[(&str, &str)]| -> Vec<String> {
        let known = |path: &String| !table.iter().any(|(of, part)| *of == kind && path.contains(part));
        set.paths().iter().map(|path| show_path(path)).filter(known).collect()
    };
    let missing = unexplained(want.clone().difference(&got), DROPPED_LATER);
    let extra = unexplained(got.difference(&want), SET_LATER);
    (!missing.is_empty() || !extra.is_empty()).then(|| format!("{kind}: missing {missing:?}, extra {extra:?}"))
}

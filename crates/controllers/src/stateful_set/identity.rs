//! What makes a pod the one of its number. Pure.

use super::{SETS, Target};
use crate::workload::history::{self, HASH};
use crate::workload::pods;
use informer::Object;
use object::{Map, Value, View, json};

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The name before the number.
pub(super) fn parent_of(pod: &str) -> Option<&str> {
    pod.rsplit_once('-').filter(|(_, number)| is_number(number)).map(|(parent, _)| parent)
}

/// The number of a pod.
pub(super) fn ordinal_of(pod: &str) -> Option<i64> {
    pod.rsplit_once('-').filter(|(_, number)| is_number(number)).and_then(|(_, number)| number.parse().ok())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of the revision that a pod is of.
pub(super) fn revision_of(pod: &Object) -> &str {
    pod.labels().str(HASH)
}

/// The first number of a set.
pub(super) fn start(set: &Object) -> i64 {
    set.spec().get("ordinals").int("start")
}

/// The name of the pod with a number.
pub(super) fn pod_name(set: &Object, ordinal: i64) -> String {
    format!("{}-{ordinal}", set.name())
}

/// The name of the claim that a pod has of a template.
pub(super) fn claim_name(set: &Object, template: View<'_>, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", template.get("metadata").str("name"), set.name())
}

/// Below which number pods stay as they were.
pub(super) fn partition(set: &Object) -> i64 {
    set.spec().at(&["updateStrategy", "rollingUpdate"]).int("partition")
}

/// Whether pods are replaced without being asked.
pub(super) fn is_rolling(set: &Object) -> bool {
    set.spec().get("updateStrategy").str("type") == "RollingUpdate"
}

/// The pod of a number as it shall be made.
pub(super) fn pod(target: &Target<'_>, ordinal: i64) -> Value {
    let set = target.set;
    let strategy = set.spec().get("updateStrategy");
    let keep_below = if strategy.has("rollingUpdate") { partition(set) } else { set.status().int("currentReplicas") };
    let is_old = is_rolling(set) && ordinal < start(set) + keep_below;
    let revision = if is_old { target.current } else { target.update };
    let template = history::template(revision);
    let mut pod = pods::from_template(View::from(&template), SETS, set);
    pod["metadata"].as_object_mut().map(|metadata| metadata.remove("generateName"));
    pod["metadata"]["labels"][HASH] = revision.name().into();
    pod["spec"]["hostname"] = pod_name(set, ordinal).into();
    pod["spec"]["subdomain"] = set.spec().str("serviceName").into();
    give_identity(&mut pod, set, ordinal);
    give_storage(&mut pod, set, ordinal);
    pod
}

fn give_identity(pod: &mut Value, set: &Object, ordinal: i64) {
    let name = pod_name(set, ordinal);
    pod["metadata"]["name"] = name.as_str().into();
    pod["metadata"]["labels"][POD_NAME] = name.into();
    pod["metadata"]["labels"][POD_INDEX] = ordinal.to_string().into();
}

fn give_storage(pod: &mut Value, set: &Object, ordinal: i64) {
    let mut volumes: Vec<Value> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for template in set.spec().list("volumeClaimTemplates") {
        let name = template.get("metadata").str("name");
        names.push(name.to_owned());
        volumes.push(json!({
            "name": name, "persistentVolumeClaim": {"claimName": claim_name(set, template, ordinal)},
        }));
    }
    let others = View::from(&*pod).at(&["spec", "volumes"]).as_slice();
    volumes.extend(others.iter().filter(|volume| !names.iter().any(|name| volume["name"] == **name)).cloned());
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = volumes.into();
    }
}

/// Whether a pod has the labels and the storage of its number.
pub(super) fn is_itself(set: &Object, pod: &Object, ordinal: i64) -> bool {
    let uses = |template: View<'_>| {
        let claim = claim_name(set, template, ordinal);
        pod.spec().list("volumes").any(|volume| {
            volume.str("name") == template.get("metadata").str("name")
                && volume.get("persistentVolumeClaim").str("claimName") == claim
        })
    };
    pod.labels().str(POD_NAME) == pod.name() && set.spec().list("volumeClaimTemplates").all(uses)
}

/// A pod with the labels and the storage of its number.
pub(super) fn restored(set: &Object, pod: &Object, ordinal: i64) -> Value {
    let mut restored = pod.to_value();
    give_identity(&mut restored, set, ordinal);
    give_storage(&mut restored, set, ordinal);
    restored
}

/// The claims of a pod's number.
pub(super) fn claims(set: &Object, ordinal: i64) -> Vec<Value> {
    let of = |template: View<'_>| {
        let mut claim = template.to_value();
        let mut labels: Map = template.get("metadata").get("labels").as_map().cloned().unwrap_or_default();
        let selected = set.spec().at(&["selector", "matchLabels"]);
        labels.extend(selected.entries().map(|(key, value)| (key.to_owned(), value.to_value())));
        claim["apiVersion"] = "v1".into();
        claim["kind"] = "PersistentVolumeClaim".into();
        claim["metadata"]["name"] = claim_name(set, template, ordinal).into();
        claim["metadata"]["namespace"] = set.namespace().into();
        if !labels.is_empty() {
            claim["metadata"]["labels"] = labels.into();
        }
        claim.as_object_mut().map(|claim| claim.remove("status"));
        claim
    };
    set.spec().list("volumeClaimTemplates").map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_numbers() {
        assert_eq!((parent_of("web-10"), ordinal_of("web-10")), (Some("web"), Some(10)));
        assert_eq!((parent_of("web-a-0"), ordinal_of("web-a-0")), (Some("web-a"), Some(0)));
        assert_eq!((parent_of("web"), ordinal_of("web-x")), (None, None));
    }

    #[test]
    fn a_pod_gets_name_storage_and_revision() {
        let set = Object::new(json!({
            "metadata": {"name": "db", "namespace": "ns", "uid": "1"},
            "spec": {"serviceName": "db", "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
                "selector": {"matchLabels": {"app": "db"}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]},
        }));
        let revision = |name: &str, image: &str| {
            Object::new(json!({"metadata": {"name": name}, "data": {"spec": {"template": {
                "$patch": "replace", "metadata": {"labels": {"app": "db"}},
                "spec": {"image": image, "volumes": [{"name": "tmp"}]}}}}}))
        };
        let (current, update) = (revision("db-1", "old"), revision("db-2", "new"));
        let target = Target { set: &set, current: &current, update: &update };
        let (first, second) = (pod(&target, 0), pod(&target, 1));
        assert_eq!((&first["spec"]["image"], &second["spec"]["image"]), (&json!("old"), &json!("new")));
        assert_eq!(
            first["metadata"]["labels"],
            json!({
            "app": "db", HASH: "db-1", POD_NAME: "db-0", POD_INDEX: "0"})
        );
        assert_eq!(
            first["spec"]["volumes"],
            json!([
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}, {"name": "tmp"}])
        );
        assert_eq!((&first["spec"]["hostname"], &first["spec"]["subdomain"]), (&json!("db-0"), &json!("db")));
        assert_eq!(
            claims(&set, 0)[0]["metadata"],
            json!({
            "name": "data-db-0", "namespace": "ns", "labels": {"app": "db"}})
        );
        assert!(is_itself(&set, &Object::new(first), 0));
    }
}

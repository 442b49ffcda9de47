//! Bindings of pods to nodes.

use object::field::{Error, Errors, Path};
use object::{Value, View, json};

/// Validates a binding.
pub fn validate_binding(binding: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let (target, path) = (binding.get("target"), Path::new("target"));
    let kind = target.str("kind");
    if !matches!(kind, "" | "Node") {
        errors.push(Error::not_supported(&path.child("kind"), kind, &["Node", "<empty>"]));
    }
    if target.str("name").is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    errors
}

/// Assigns a stored pod to the node of a valid binding, whose labels and annotations it gets too. `now` is RFC 3339.
///
/// # Errors
/// Why the pod cannot be assigned; upstream answers with a conflict of `pods/binding`.
pub fn bind(pod: &mut Value, binding: View<'_>, now: &str) -> Result<(), String> {
    let view = View::from(&*pod);
    let (name, spec) = (view.get("metadata").str("name"), view.get("spec"));
    if view.get("metadata").has("deletionTimestamp") {
        return Err(format!("pod {name} is being deleted, cannot be assigned to a host"));
    }
    if !spec.str("nodeName").is_empty() {
        let node = object::quote::quote(spec.str("nodeName"));
        return Err(format!("pod {name} is already assigned to node {node}"));
    }
    if !spec.get("schedulingGates").is_empty() {
        return Err(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    pod["spec"]["nodeName"] = binding.get("target").str("name").into();
    for field in ["labels", "annotations"] {
        for (key, value) in binding.get("metadata").get(field).entries() {
            pod["metadata"][field][key] = value.to_value();
        }
    }
    if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("nominatedNodeName");
    }
    set_scheduled(pod, now);
    Ok(())
}

fn set_scheduled(pod: &mut Value, now: &str) {
    let conditions = &mut pod["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    let known = conditions.iter_mut().find(|condition| condition["type"] == "PodScheduled");
    let since = known.as_ref().filter(|condition| condition["status"] == "True");
    let since = since.map_or_else(|| now.into(), |condition| condition["lastTransitionTime"].clone());
    let scheduled =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": since});
    match known {
        Some(condition) => *condition = scheduled,
        None => conditions.push(scheduled),
    }
}

#[cfg(test)]
mod tests {
    use super::bind;
    use object::{Value, View, json};

    #[track_caller]
    fn check(mut pod: Value, want: Result<&str, &str>) {
        let binding = json!({"metadata": {"labels": {"zone": "z"}}, "target": {"name": "n"}});
        let answer = bind(&mut pod, View::from(&binding), "2026-01-02T03:04:05Z");
        let got = answer.map(|()| pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned());
        assert_eq!(got.as_deref().map_err(String::as_str), want);
        if want.is_ok() {
            assert_eq!(pod["metadata"]["labels"], json!({"a": "b", "zone": "z"}));
            assert_eq!(pod["status"]["conditions"][0]["status"], "True");
        }
    }

    #[test]
    fn a_pod_is_bound_once_and_only_when_nothing_holds_it() {
        let pod = |spec: Value| json!({"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec, "status": {}});
        check(pod(json!({})), Ok("n"));
        check(pod(json!({"nodeName": "m"})), Err("pod p is already assigned to node \"m\""));
        check(pod(json!({"schedulingGates": [{"name": "g"}]})), Err("pod p has non-empty .spec.schedulingGates"));
        let mut leaving = pod(json!({}));
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
        check(leaving, Err("pod p is being deleted, cannot be assigned to a host"));
    }
}

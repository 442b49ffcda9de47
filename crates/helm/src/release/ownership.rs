//! Whose an object is.

use value::{Map, Value};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// Marks an object as a release's.
pub(super) fn mark(object: &mut Value, name: &str, namespace: &str) {
    let marks = [
        ("labels", MANAGED_BY, "Helm"),
        ("annotations", RELEASE_NAME, name),
        ("annotations", RELEASE_NAMESPACE, namespace),
    ];
    for (group, key, value) in marks {
        let Some(map) = object.as_object_mut() else { return };
        let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        let group = metadata.entry(group).or_insert(Value::Null);
        if group.is_null() {
            *group = Value::Object(Map::new());
        }
        if let Some(group) = group.as_object_mut() {
            group.insert(key.to_owned(), value.into());
        }
    }
}

/// Why an object that is there is not this release's.
pub(super) fn conflict(object: &Value, name: &str, namespace: &str) -> Option<String> {
    let metadata = &object["metadata"];
    let checks = [
        ("label", &metadata["labels"], MANAGED_BY, "Helm"),
        ("annotation", &metadata["annotations"], RELEASE_NAME, name),
        ("annotation", &metadata["annotations"], RELEASE_NAMESPACE, namespace),
    ];
    let problem = |(what, map, key, wanted): (&str, &Value, &str, &str)| match map[key].as_str() {
        Some(found) if found == wanted => None,
        Some(found) => {
            Some(format!("{what} validation error: key {key:?} must equal {wanted:?}: current value is {found:?}"))
        }
        None => Some(format!("{what} validation error: missing key {key:?}: must be set to {wanted:?}")),
    };
    let problems: Vec<String> = checks.into_iter().filter_map(problem).collect();
    if problems.is_empty() { None } else { Some(format!("invalid ownership metadata; {}", problems.join("; "))) }
}

/// An object as errors name it.
pub(super) fn shown(object: &Value, namespace: &str) -> String {
    let (kind, name) =
        (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default());
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or(namespace);
    format!("{kind} {name:?} in namespace {namespace:?}")
}

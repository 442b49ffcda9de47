//! Fields that were merged by the client become fields of server-side apply: otherwise what the one left out would stay
//! owned by the other.

use value::{Map, Value, json};

use crate::Error;
use crate::cluster::{Cluster, FIELD_MANAGER};

/// How often a change that others get ahead of is tried.
const TRIES: usize = 5;

/// Hands over what is managed at a path to server-side apply.
pub(super) async fn hand_over(cluster: &Cluster, path: &str) -> Result<(), Error> {
    for attempt in 1..=TRIES {
        let Some(found) = cluster.get(path).await? else { return Ok(()) };
        let Some(patch) = patch(&found) else { return Ok(()) };
        match cluster.patch(path, "application/json-patch+json", &patch).await {
            Ok(_) => return Ok(()),
            Err(error) if attempt == TRIES => return Err(error),
            // Somebody was quicker: look again.
            Err(_) => {}
        }
    }
    Ok(())
}

/// The change of an object's managers; none where nothing is to be handed over.
fn patch(object: &Value) -> Option<Value> {
    let managers = object["metadata"]["managedFields"].as_array()?;
    let changed = handed_over(managers);
    if changed == *managers {
        return None;
    }
    Some(json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": changed },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": object["metadata"]["resourceVersion"] },
    ]))
}

/// Whether an entry is ours, of this operation, and about the object itself.
fn is_ours(entry: &Value, operation: &str) -> bool {
    let part = entry["subresource"].as_str().unwrap_or_default();
    entry["manager"] == FIELD_MANAGER && entry["operation"] == operation && part.is_empty()
}

fn handed_over(managers: &[Value]) -> Vec<Value> {
    let mut managers = managers.to_vec();
    let applied = managers.iter().position(|entry| is_ours(entry, "Apply"));
    let at = match applied.or_else(|| managers.iter().position(|entry| is_ours(entry, "Update"))) {
        None => return managers,
        Some(at) => at,
    };
    managers[at]["operation"] = "Apply".into();
    let version = managers[at]["apiVersion"].clone();
    let updated = managers.iter().find(|entry| is_ours(entry, "Update") && entry["apiVersion"] == version);
    if let Some(fields) = updated.map(|entry| entry["fieldsV1"].clone())
        && let (Some(own), Value::Object(fields)) = (managers[at]["fieldsV1"].as_object_mut(), fields)
    {
        unite(own, fields);
    }
    managers.retain(|entry| !is_ours(entry, "Update"));
    managers
}

/// Adds the fields of one set to another.
fn unite(own: &mut Map, fields: Map) {
    for (name, below) in fields {
        match (own.get_mut(&name), below) {
            (Some(Value::Object(known)), Value::Object(below)) => unite(known, below),
            (Some(_), _) => {}
            (None, below) => {
                own.insert(name, below);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields })
    }

    #[test]
    fn updates_of_ours_become_applies() {
        let others = entry("kubectl", "Update", json!({ "f:data": { "f:x": {} } }));
        let object = json!({ "metadata": { "resourceVersion": "7", "managedFields": [
            entry("helm", "Update", json!({ "f:data": { "f:a": {} } })), others,
        ] } });
        let want = json!([entry("helm", "Apply", json!({ "f:data": { "f:a": {} } })), others]);
        let patch = patch(&object).unwrap();
        assert_eq!(patch[0]["value"], want);
        assert_eq!(patch[1]["value"], "7");
        let done = json!({ "metadata": { "resourceVersion": "8", "managedFields": want } });
        assert_eq!(super::patch(&done), None, "once is enough");
    }

    #[test]
    fn what_both_have_is_united() {
        let managers = [
            entry("helm", "Update", json!({ "f:data": { "f:a": {} }, "f:spec": {} })),
            entry("helm", "Apply", json!({ "f:data": { "f:b": {} } })),
        ];
        let want = entry("helm", "Apply", json!({ "f:data": { "f:a": {}, "f:b": {} }, "f:spec": {} }));
        assert_eq!(handed_over(&managers), [want]);
    }
}

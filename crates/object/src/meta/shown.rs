//! Metadata as messages show it: in the order of upstream's struct, without what its encoding leaves out.

use crate::view::View;
use value::Value;

/// The fields of `ObjectMeta`, in the order of upstream's struct.
const FIELDS: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// The fields that the metadata of a template cannot set, in the same order: all but labels and annotations.
pub fn unset_in_templates() -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().filter(|name| !matches!(*name, "labels" | "annotations"))
}

/// The fields of an entry of `managedFields` in order.
const MANAGED: [&str; 7] = ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"];

/// The fields of an owner in order.
const OWNER: [&str; 6] = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];

/// The fields of metadata that are set, each as `"name":value`.
pub fn shown_metadata(metadata: View<'_>) -> Vec<String> {
    fields(metadata, &FIELDS)
}

fn fields(of: View<'_>, names: &[&str]) -> Vec<String> {
    let set = names.iter().map(|name| (*name, of.get(name)));
    // Behind a pointer, a map of nothing is something.
    let set = set.filter(|(name, value)| !is_left_out(*value) || (*name == "fieldsV1" && value.exists()));
    set.map(|(name, value)| format!("\"{name}\":{}", show(name, value))).collect()
}

fn show(name: &str, value: View<'_>) -> String {
    let of: &[&str] = match name {
        "managedFields" => &MANAGED,
        "ownerReferences" => &OWNER,
        _ => return value.to_value().to_string(),
    };
    let entries: Vec<String> = value.items().map(|entry| format!("{{{}}}", fields(entry, of).join(","))).collect();
    format!("[{}]", entries.join(","))
}

/// Whether Go leaves a value out: what is empty, though not the number zero behind a pointer.
fn is_left_out(value: View<'_>) -> bool {
    match value.to_value() {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn metadata_is_shown_in_the_structs_order() {
        let metadata = json!({
            "annotations": {}, "labels": {"a": "b"}, "name": "n", "uid": "", "deletionGracePeriodSeconds": 0,
            "managedFields": [{"apiVersion": "v1", "manager": "m", "fieldsV1": {}}],
            "ownerReferences": [{"uid": "u", "kind": "K", "controller": true}],
        });
        let want = r#""name":"n","deletionGracePeriodSeconds":0,"labels":{"a":"b"},"ownerReferences":[{"kind":"K","uid":"u","controller":true}],"managedFields":[{"manager":"m","apiVersion":"v1","fieldsV1":{}}]"#;
        assert_eq!(shown_metadata(View::from(&metadata)).join(","), want);
    }
}

//! A write that changes nothing but the times of owners changes nothing.

use value::Value;

/// Puts the old times back if the objects are the same but for them. Called after [`super::update`] and
/// [`super::apply`], on what would be stored.
pub fn keep_times(new: &mut Value, old: &Value) {
    let (Some(ours), Some(theirs)) = (entries(new), entries(old)) else { return };
    let alike =
        ours.len() == theirs.len() && !ours.is_empty() && ours.iter().zip(theirs).all(|(a, b)| same_entry(a, b));
    let same_times = ours.iter().zip(theirs).all(|(a, b)| a.get("time") == b.get("time"));
    if !alike || same_times || !same_but_owners(new, old) {
        return;
    }
    let fields = old["metadata"]["managedFields"].clone();
    new["metadata"]["managedFields"] = fields;
}

fn entries(object: &Value) -> Option<&Vec<Value>> {
    object.get("metadata")?.get("managedFields")?.as_array()
}

fn same_entry(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let timeless = |entry: &value::Map| entry.len() - usize::from(entry.contains_key("time"));
    timeless(a) == timeless(b) && a.iter().all(|(key, value)| key == "time" || b.get(key) == Some(value))
}

/// True if nothing but the owners of fields tells two objects apart.
pub fn same_but_owners(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return false };
    let same_metadata = |a: &Value, b: &Value| match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| key == "managedFields" || b.get(key) == Some(value))
        }
        _ => a == b,
    };
    a.len() == b.len()
        && a.iter().all(|(key, value)| match b.get(key) {
            Some(other) if key == "metadata" => same_metadata(value, other),
            other => other == Some(value),
        })
}

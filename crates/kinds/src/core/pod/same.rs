//! Whether two parts of a pod mean the same.
//!
//! As upstream's semantic equality has it: lists and maps that are absent, null and empty are one and the same at any
//! depth, and amounts of resources are compared as numbers. An empty struct or text is not the same as none: in the
//! form in which objects are kept these stand only where the difference matters.

use object::quantity::Quantity;
use object::{Map, Value, View};

/// True if both mean the same.
pub(super) fn same(a: View<'_>, b: View<'_>) -> bool {
    equal(a.value(), b.value(), "", false)
}

/// Fields that are maps, not structs.
const MAPS: &[&str] = &[
    "allocatedResources",
    "annotations",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "options",
    "overhead",
    "requests",
    "userAnnotations",
    "volumeAttributes",
];

/// Fields that are amounts, or maps of amounts.
const AMOUNTS: &[&str] = &["allocatedResources", "divisor", "limits", "overhead", "requests", "sizeLimit"];

/// The recursion is as deep as the value, which the reader of request bodies bounds.
fn equal(a: Option<&Value>, b: Option<&Value>, field: &str, amounts: bool) -> bool {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => equal_maps(a, b, amounts),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(Some(a), Some(b), "", amounts))
        }
        (Some(a), Some(b)) if a == b => true,
        (Some(Value::String(a)), Some(Value::String(b))) if amounts => match (Quantity::parse(a), Quantity::parse(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
        (a, b) => is_nothing(a, field) && is_nothing(b, field),
    }
}

fn equal_maps(a: &Map, b: &Map, amounts: bool) -> bool {
    let amounts = |field: &str| amounts || AMOUNTS.contains(&field);
    a.iter().all(|(field, value)| equal(Some(value), b.get(field), field, amounts(field)))
        && b.iter().all(|(field, value)| a.contains_key(field) || is_nothing(Some(value), field))
}

fn is_nothing(value: Option<&Value>, field: &str) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty() && MAPS.contains(&field),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::same;
    use object::{Value, View, json};

    #[track_caller]
    fn check(a: Value, b: Value, want: bool) {
        assert_eq!(same(View::from(&a), View::from(&b)), want, "{a} {b}");
    }

    #[test]
    fn lists_and_maps_that_are_empty_are_absent() {
        check(json!({"a": {"b": []}, "labels": {}}), json!({"a": {}}), true);
        check(json!({"affinity": {}}), json!({}), false);
        check(json!({"hostnameOverride": ""}), json!({}), false);
        check(json!({"a": false}), json!({}), false);
        check(json!({"limits": {"cpu": "1000m"}}), json!({"limits": {"cpu": "1"}}), true);
        check(json!({"args": ["1000m"]}), json!({"args": ["1"]}), false);
    }
}

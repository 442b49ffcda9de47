//! Whether two parts of a pod mean the same.
//!
//! As upstream's semantic equality has it: absent, null and empty are one and the same at any depth, and amounts of
//! resources are compared as numbers.

use object::quantity::Quantity;
use object::{Map, Value, View};

/// True if both mean the same.
pub(super) fn same(a: View<'_>, b: View<'_>) -> bool {
    equal(a.value(), b.value(), false)
}

/// The recursion is as deep as the value, which the reader of request bodies bounds.
fn equal(a: Option<&Value>, b: Option<&Value>, amounts: bool) -> bool {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => equal_maps(a, b, amounts),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(Some(a), Some(b), amounts))
        }
        (Some(a), Some(b)) if a == b => true,
        (Some(Value::String(a)), Some(Value::String(b))) if amounts => match (Quantity::parse(a), Quantity::parse(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        },
        (a, b) => is_nothing(a) && is_nothing(b),
    }
}

fn equal_maps(a: &Map<String, Value>, b: &Map<String, Value>, amounts: bool) -> bool {
    let child_amounts = |key: &str| {
        amounts || matches!(key, "limits" | "requests" | "overhead" | "divisor" | "sizeLimit" | "allocatedResources")
    };
    a.iter().all(|(key, value)| equal(Some(value), b.get(key), child_amounts(key)))
        && b.iter().all(|(key, value)| a.contains_key(key) || is_nothing(Some(value)))
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
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
    fn what_is_empty_is_absent() {
        check(json!({"a": {"b": []}, "c": ""}), json!({"a": {}}), true);
        check(json!({"a": false}), json!({}), false);
        check(json!({"limits": {"cpu": "1000m"}}), json!({"limits": {"cpu": "1"}}), true);
        check(json!({"args": ["1000m"]}), json!({"args": ["1"]}), false);
    }
}

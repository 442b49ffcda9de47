//! Reading an untyped object the way a typed one reads: absent means zero.
//!
//! [`View`] never fails; whether a field has the right type was settled when the body was decoded.

use serde_json::{Map, Value};

/// A place in an object, present or absent.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(Option<&'a Value>);

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        View(Some(value))
    }
}

impl<'a> From<Option<&'a Value>> for View<'a> {
    fn from(value: Option<&'a Value>) -> Self {
        View(value)
    }
}

impl<'a> View<'a> {
    /// A place that holds nothing.
    pub const ABSENT: View<'static> = View(None);

    /// The value here, if there is one.
    pub fn value(self) -> Option<&'a Value> {
        self.0
    }

    /// The child `name`; absent if this is absent or not a map.
    pub fn get(self, name: &str) -> View<'a> {
        View(self.0.and_then(|value| value.get(name)))
    }

    /// Follows several children: `view.at(&["spec", "template", "spec"])`.
    pub fn at(self, names: &[&str]) -> View<'a> {
        names.iter().fold(self, |view, name| view.get(name))
    }

    /// True if something stands here and it is not `null`.
    pub fn exists(self) -> bool {
        self.0.is_some_and(|value| !value.is_null())
    }

    /// True if the child `name` is set (not `null`): a pointer that is not nil.
    pub fn has(self, name: &str) -> bool {
        self.get(name).exists()
    }

    /// The text here, or "".
    pub fn as_str(self) -> &'a str {
        self.0.and_then(Value::as_str).unwrap_or_default()
    }

    /// The text of the child `name`, or "".
    pub fn str(self, name: &str) -> &'a str {
        self.get(name).as_str()
    }

    /// The text of the child `name` if it is set.
    pub fn opt_str(self, name: &str) -> Option<&'a str> {
        self.get(name).0.and_then(Value::as_str)
    }

    /// The whole number here, or 0.
    pub fn as_int(self) -> i64 {
        self.0.and_then(Value::as_i64).unwrap_or_default()
    }

    /// The whole number of the child `name`, or 0.
    pub fn int(self, name: &str) -> i64 {
        self.get(name).as_int()
    }

    /// The whole number of the child `name` if it is set.
    pub fn opt_int(self, name: &str) -> Option<i64> {
        self.get(name).0.and_then(Value::as_i64)
    }

    /// The truth value of the child `name`, or false.
    pub fn bool(self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or_default()
    }

    /// The truth value of the child `name` if it is set.
    pub fn opt_bool(self, name: &str) -> Option<bool> {
        self.get(name).0.and_then(Value::as_bool)
    }

    /// The items here; none if this is absent or not a list.
    pub fn items(self) -> impl ExactSizeIterator<Item = View<'a>> + DoubleEndedIterator + Clone {
        self.as_slice().iter().map(|value| View(Some(value)))
    }

    /// The items of the child `name`.
    pub fn list(self, name: &str) -> impl ExactSizeIterator<Item = View<'a>> + DoubleEndedIterator + Clone {
        self.get(name).items()
    }

    /// The texts in the list `name`.
    pub fn strings(self, name: &str) -> impl ExactSizeIterator<Item = &'a str> + DoubleEndedIterator + Clone {
        self.list(name).map(View::as_str)
    }

    /// The items here as a slice; empty if this is absent or not a list.
    pub fn as_slice(self) -> &'a [Value] {
        self.0.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The map here, if there is one.
    pub fn as_map(self) -> Option<&'a Map<String, Value>> {
        self.0.and_then(Value::as_object)
    }

    /// Key and value of each entry here, in key order; none if this is absent or not a map.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, View<'a>)> + Clone {
        self.as_map().into_iter().flatten().map(|(key, value)| (key.as_str(), View(Some(value))))
    }

    /// Number of items, entries or bytes of text here; 0 if absent.
    pub fn len(self) -> usize {
        match self.0 {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(map)) => map.len(),
            Some(Value::String(text)) => text.len(),
            _ => 0,
        }
    }

    /// True if [`View::len`] is 0.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// An owned copy; `null` if absent.
    pub fn to_value(self) -> Value {
        self.0.cloned().unwrap_or(Value::Null)
    }

    /// Equal as the reference implementation's semantic equality has it: absent, `null` and empty maps, lists and
    /// texts at this place are one and the same.
    pub fn same(self, other: View<'_>) -> bool {
        fn emptyish(value: Option<&Value>) -> bool {
            match value {
                None | Some(Value::Null) => true,
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::Object(map)) => map.is_empty(),
                Some(Value::String(text)) => text.is_empty(),
                Some(_) => false,
            }
        }
        match (self.0, other.0) {
            (a, b) if emptyish(a) && emptyish(b) => true,
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_absent_reads_as_zero() {
        let pod = json!({"spec": {"containers": [{"name": "c"}]}});
        let view = View::from(&pod);
        assert_eq!(view.at(&["spec", "restartPolicy"]).as_str(), "");
        assert_eq!(view.get("spec").int("priority"), 0);
        assert_eq!(view.get("spec").list("containers").map(|c| c.str("name")).collect::<Vec<_>>(), ["c"]);
        assert_eq!(view.get("spec").list("volumes").len(), 0);
    }

    #[test]
    fn empty_and_absent_are_the_same() {
        let a = json!({"labels": {}});
        let b = json!({});
        assert!(View::from(&a).get("labels").same(View::from(&b).get("labels")));
        assert!(!View::from(&a).same(View::from(&b).get("labels").get("x")) || View::from(&a).len() == 1);
    }
}

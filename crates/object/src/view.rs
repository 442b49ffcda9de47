//! Reading an untyped object the way a typed one reads: absent means zero.
//!
//! The object is a tree of values or a [`packed`] one. [`View`] never fails; whether a field has the right type was settled when the body was decoded.

use crate::packed;
use crate::schema;
use std::iter;
use value::{Map, Value};

/// A place in an object, present or absent.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(Place<'a>);

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Absent,
    Tree(&'a Value),
    Packed(packed::Place<'a>),
}

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        View(Place::Tree(value))
    }
}

impl<'a> From<Option<&'a Value>> for View<'a> {
    fn from(value: Option<&'a Value>) -> Self {
        View(value.map_or(Place::Absent, Place::Tree))
    }
}

impl<'a> View<'a> {
    /// A place that holds nothing.
    pub const ABSENT: View<'static> = View(Place::Absent);

    pub(crate) fn packed(place: packed::Place<'a>) -> View<'a> {
        View(Place::Packed(place))
    }

    /// The value here, if there is one. A packed object is unpacked for it: [`View::to_value`], `==` and the other
    /// accessors are better.
    pub fn value(self) -> Option<&'a Value> {
        match self.0 {
            Place::Absent => None,
            Place::Tree(value) => Some(value),
            Place::Packed(place) => Some(place.value()),
        }
    }

    /// The child `name`; absent if this is absent or not a map.
    #[inline]
    pub fn get(self, name: &str) -> View<'a> {
        match self.0 {
            Place::Absent => View::ABSENT,
            Place::Tree(value) => value.get(name).into(),
            Place::Packed(place) => View(place.get(name).map_or(Place::Absent, Place::Packed)),
        }
    }

    /// Follows several children: `view.at(&["spec", "template", "spec"])`.
    #[inline]
    pub fn at(self, names: &[&str]) -> View<'a> {
        names.iter().fold(self, |view, name| view.get(name))
    }

    /// True if something stands here and it is not `null`.
    #[inline]
    pub fn exists(self) -> bool {
        match self.0 {
            Place::Absent => false,
            Place::Tree(value) => !value.is_null(),
            Place::Packed(place) => !place.is_null(),
        }
    }

    /// True if nothing stands here, not even `null`.
    pub fn is_absent(self) -> bool {
        matches!(self.0, Place::Absent)
    }

    /// True if the child `name` is set (not `null`): a pointer that is not nil.
    #[inline]
    pub fn has(self, name: &str) -> bool {
        self.get(name).exists()
    }

    /// The text here, or "".
    #[inline]
    pub fn as_str(self) -> &'a str {
        self.opt_text().unwrap_or_default()
    }

    /// The text here, if it is one.
    pub fn opt_text(self) -> Option<&'a str> {
        match self.0 {
            Place::Absent => None,
            Place::Tree(value) => value.as_str(),
            Place::Packed(place) => place.as_str(),
        }
    }

    /// The text of the child `name`, or "".
    #[inline]
    pub fn str(self, name: &str) -> &'a str {
        self.get(name).as_str()
    }

    /// The text of the child `name` if it is set.
    #[inline]
    pub fn opt_str(self, name: &str) -> Option<&'a str> {
        self.get(name).opt_text()
    }

    /// The whole number here, or 0.
    pub fn as_int(self) -> i64 {
        self.number().unwrap_or_default()
    }

    fn number(self) -> Option<i64> {
        match self.0 {
            Place::Absent => None,
            Place::Tree(value) => value.as_i64(),
            Place::Packed(place) => place.as_i64(),
        }
    }

    /// The whole number of the child `name`, or 0.
    #[inline]
    pub fn int(self, name: &str) -> i64 {
        self.get(name).as_int()
    }

    /// The whole number of the child `name` if it is set.
    #[inline]
    pub fn opt_int(self, name: &str) -> Option<i64> {
        self.get(name).number()
    }

    /// The truth value of the child `name`, or false.
    #[inline]
    pub fn bool(self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or_default()
    }

    /// The truth value of the child `name` if it is set.
    #[inline]
    pub fn opt_bool(self, name: &str) -> Option<bool> {
        match self.get(name).0 {
            Place::Absent => None,
            Place::Tree(value) => value.as_bool(),
            Place::Packed(place) => place.as_bool(),
        }
    }

    /// The items here; none if this is absent or not a list.
    pub fn items(self) -> impl ExactSizeIterator<Item = View<'a>> + DoubleEndedIterator + Clone {
        let (tree, packed) = match self.0 {
            Place::Absent => (None, None),
            Place::Tree(value) => (value.as_array(), None),
            Place::Packed(place) => (None, Some(place)),
        };
        let number = tree.map_or_else(|| packed.map_or(0, |place| place.items().len()), Vec::len);
        (0..number).map(move |index| match (tree, packed) {
            (Some(items), _) => View::from(items.get(index)),
            (_, Some(place)) => View(place.item(index).map_or(Place::Absent, Place::Packed)),
            _ => View::ABSENT,
        })
    }

    /// The items of the child `name`.
    #[inline]
    pub fn list(self, name: &str) -> impl ExactSizeIterator<Item = View<'a>> + DoubleEndedIterator + Clone {
        self.get(name).items()
    }

    /// The texts in the list `name`.
    pub fn strings(self, name: &str) -> impl ExactSizeIterator<Item = &'a str> + DoubleEndedIterator + Clone {
        self.list(name).map(View::as_str)
    }

    /// The items here as a slice; empty if this is absent or not a list. Of a packed object see [`View::value`].
    pub fn as_slice(self) -> &'a [Value] {
        self.value().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The map here, if there is one. Of a packed object see [`View::value`].
    pub fn as_map(self) -> Option<&'a Map> {
        self.value().and_then(Value::as_object)
    }

    /// Key and value of each entry here, in key order; none if this is absent or not a map.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, View<'a>)> + Clone {
        let (tree, packed) = match self.0 {
            Place::Absent => (None, None),
            Place::Tree(value) => (value.as_object(), None),
            Place::Packed(place) => (None, Some(place)),
        };
        let packed = packed.into_iter().flat_map(packed::Place::entries);
        let tree = tree.into_iter().flatten().map(|(key, value)| (key.as_str(), View::from(value)));
        iter::chain(tree, packed.map(|(key, place)| (key, View::packed(place))))
    }

    /// Number of items, entries or bytes of text here; 0 if absent.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            Place::Tree(Value::Array(items)) => items.len(),
            Place::Tree(Value::Object(map)) => map.len(),
            Place::Tree(Value::String(text)) => text.len(),
            Place::Packed(place) => place.len(),
            Place::Absent | Place::Tree(_) => 0,
        }
    }

    /// True if [`View::len`] is 0.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// An owned copy; `null` if absent.
    pub fn to_value(self) -> Value {
        match self.0 {
            Place::Absent => Value::Null,
            Place::Tree(value) => value.clone(),
            Place::Packed(place) => place.to_value(),
        }
    }

    /// The items here, to change.
    pub fn to_items(self) -> Vec<Value> {
        self.items().map(View::to_value).collect()
    }

    /// The map here, to change; empty if this is absent or not a map.
    pub fn to_map(self) -> Map {
        self.entries().map(|(key, value)| (key.to_owned(), value.to_value())).collect()
    }

    /// Equal as the reference implementation's semantic equality has it: absent, `null` and empty maps, lists and
    /// texts at this place are one and the same, and so are absent, `null` and empty lists and maps below it. (Whether an
    /// empty map below is a map or a struct that is there, only its name tells.)
    pub fn same(self, other: View<'_>) -> bool {
        (self.is_emptyish() && other.is_emptyish()) || self.same_below(other)
    }

    fn same_below(self, other: View<'_>) -> bool {
        if self.is_map() && other.is_map() {
            return self.entries().all(|(name, value)| value.same_item(name, other.get(name)))
                && other.entries().all(|(name, value)| !self.get(name).is_absent() || value.is_nil(name));
        }
        if self.is_list() && other.is_list() {
            return self.len() == other.len() && iter::zip(self.items(), other.items()).all(|(a, b)| a.same_below(b));
        }
        self == other
    }

    fn same_item(self, name: &str, other: View<'_>) -> bool {
        if self.exists() && other.exists() { self.same_below(other) } else { self.is_nil(name) && other.is_nil(name) }
    }

    /// Nothing, or a list or map of nothing in the field `name`.
    fn is_nil(self, name: &str) -> bool {
        !self.exists() || (self.is_empty() && (self.is_list() || (self.is_map() && schema::is_map(name))))
    }

    fn is_emptyish(self) -> bool {
        !self.exists() || (self.is_empty() && (self.opt_text().is_some() || self.is_list() || self.is_map()))
    }

    fn is_list(self) -> bool {
        match self.0 {
            Place::Absent => false,
            Place::Tree(value) => value.is_array(),
            Place::Packed(place) => place.is_list(),
        }
    }

    fn is_map(self) -> bool {
        match self.0 {
            Place::Absent => false,
            Place::Tree(value) => value.is_object(),
            Place::Packed(place) => place.is_map(),
        }
    }
}

/// The same value, however it is kept; what is absent equals nothing but what is absent.
impl PartialEq<View<'_>> for View<'_> {
    fn eq(&self, other: &View<'_>) -> bool {
        match (self.0, other.0) {
            (Place::Absent, Place::Absent) => true,
            (Place::Absent, _) | (_, Place::Absent) => false,
            (Place::Tree(a), Place::Tree(b)) => a == b,
            _ if self.is_map() && other.is_map() => {
                self.len() == other.len() && iter::zip(self.entries(), other.entries()).all(|(a, b)| a == b)
            }
            _ if self.is_list() && other.is_list() => {
                self.len() == other.len() && iter::zip(self.items(), other.items()).all(|(a, b)| a == b)
            }
            _ if self.opt_text().is_some() => self.opt_text() == other.opt_text(),
            _ => self.to_value() == other.to_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

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

    #[test]
    fn an_empty_map_below_is_nil_and_an_empty_struct_is_not() {
        let pod = json!({"spec": {"nodeSelector": {}, "volumes": [{"name": "v", "emptyDir": {}}], "tolerations": []}});
        let without_map = json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}});
        let without_struct = json!({"spec": {"volumes": [{"name": "v"}]}});
        assert!(View::from(&pod).same(View::from(&without_map)));
        assert!(View::from(&without_map).same(View::from(&pod)));
        assert!(!View::from(&without_map).same(View::from(&without_struct)));
        assert!(!View::from(&without_struct).same(View::from(&without_map)));
    }
}

//! Which old value a new one belongs to, and whether the two count as the same.
//!
//! Only what the schema names can be told to belong together: unknown fields and items of lists without keys cannot, and
//! an object that holds some is never the same.

use crate::{ListType, Node};
use object::Value;

/// A new value and the old one that it belongs to, with their schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'v> {
    pub(crate) node: &'v Node,
    pub(crate) new: &'v Value,
    pub(crate) old: &'v Value,
}

impl<'v> Pair<'v> {
    pub(crate) fn field(self, name: &str) -> Option<Pair<'v>> {
        Some(Pair { node: self.node.field(name)?, new: self.new.get(name)?, old: self.old.get(name)? })
    }

    /// Items of lists of type map are found by their keys; those of other lists cannot be told to belong together.
    pub(crate) fn item(self, index: usize) -> Option<Pair<'v>> {
        if self.node.list_type != ListType::Map {
            return None;
        }
        let (keys, new) = (&self.node.map_keys, self.new.get(index)?);
        let same_keys = |old: &&Value| keys.iter().all(|key| old.get(key) == new.get(key));
        let old = self.old.as_array()?.iter().find(same_keys)?;
        Some(Pair { node: self.node.items.as_deref()?, new, old })
    }

    /// True if nothing has changed as far as the schema can tell. The order of items with keys is no change.
    pub(crate) fn is_same(self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) if new.len() == old.len() => {
                if self.node.list_type == ListType::Map {
                    (0..new.len()).all(|index| self.item(index).is_some_and(Pair::is_same))
                } else {
                    new == old
                }
            }
            (Value::Object(new), Value::Object(old)) if new.len() == old.len() => {
                new.iter().all(|(name, _)| self.field(name).is_some_and(Pair::is_same))
            }
            (new, old) => new == old,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{View, json};

    #[track_caller]
    fn check(schema: Value, new: Value, old: Value, same: bool) {
        let node = Node::parse(View::from(&schema));
        assert_eq!(Pair { node: &node, new: &new, old: &old }.is_same(), same, "{new} {old}");
    }

    #[test]
    fn fields_that_the_schema_does_not_name_are_never_the_same() {
        let free = || json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        check(free(), json!({}), json!({}), true);
        check(free(), json!({ "a": 1 }), json!({ "a": 1 }), false);
        let around = json!({ "type": "object", "properties": { "free": free(), "text": { "type": "string" } } });
        check(around.clone(), json!({ "text": "a" }), json!({ "text": "a" }), true);
        check(around, json!({ "text": "a", "free": { "a": 1 } }), json!({ "text": "a", "free": { "a": 1 } }), false);
    }

    #[test]
    fn items_with_keys_may_change_places() {
        let item = json!({ "type": "object", "properties": { "k": { "type": "string" } } });
        let list = |kind: &str| {
            json!({
                "type": "array",
                "items": item,
                "x-kubernetes-list-type": kind,
                "x-kubernetes-list-map-keys": ["k"]
            })
        };
        let (one, other) = (json!([{ "k": "a" }, { "k": "b" }]), json!([{ "k": "b" }, { "k": "a" }]));
        check(list("map"), one.clone(), other.clone(), true);
        check(list("atomic"), one, other, false);
    }
}

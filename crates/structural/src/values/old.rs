//! The old value that belongs to a new one.

use crate::{ListType, Node};
use object::Value;

/// An old value, with the schema by which its parts are found.
#[derive(Clone, Copy)]
pub(super) struct Old<'a> {
    pub(super) value: &'a Value,
    pub(super) node: &'a Node,
}

impl<'a> Old<'a> {
    pub(super) fn field(self, name: &str) -> Option<Old<'a>> {
        Some(Old { value: self.value.get(name)?, node: self.node.field(name)? })
    }

    /// Items of lists of type map are found by their keys; those of other lists cannot be told to belong together.
    pub(super) fn item(self, item: &Value) -> Option<Old<'a>> {
        if self.node.list_type != ListType::Map {
            return None;
        }
        let keys = &self.node.map_keys;
        let same = |old: &&Value| keys.iter().all(|key| old.get(key) == item.get(key));
        let value = self.value.as_array()?.iter().find(same)?;
        Some(Old { value, node: self.node.items.as_deref()? })
    }
}

//! The place of a key in a map.

use super::Map;
use crate::{Key, Value};

/// The place of a key, filled or not.
pub struct Entry<'m> {
    map: &'m mut Map,
    key: Key,
}

impl<'m> Entry<'m> {
    pub(super) fn new(map: &'m mut Map, key: Key) -> Entry<'m> {
        Entry { map, key }
    }

    /// The key in question.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What is there, else what is given now.
    pub fn or_insert(self, value: Value) -> &'m mut Value {
        self.or_insert_with(|| value)
    }

    /// What is there, else what is made now.
    pub fn or_insert_with(self, make: impl FnOnce() -> Value) -> &'m mut Value {
        let Entry { map, key } = self;
        if !map.contains_key(&key) {
            map.put(key.clone(), make());
        }
        map.get_mut(&key).expect("the key is there, or was just set")
    }

    /// Changes what is there, if something is.
    #[must_use]
    pub fn and_modify(self, change: impl FnOnce(&mut Value)) -> Self {
        if let Some(value) = self.map.get_mut(&self.key) {
            change(value);
        }
        self
    }
}

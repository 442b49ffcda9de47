//! `value["key"]` and `value[0]`, as `serde_json` has them.

use crate::{Key, Value};
use std::ops;

static NULL: Value = Value::Null;

/// What can be looked up in a [`Value`]: keys of maps, places of lists.
pub trait Index {
    /// What is there, if something is.
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    /// What is there, to be changed.
    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
    /// What is there; it is made if it can be.
    ///
    /// # Panics
    /// If the value is neither a map nor `null`, or a list that is too short.
    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value;
}

impl Index for str {
    #[inline]
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match value {
            Value::Object(map) => map.get(self),
            _ => None,
        }
    }

    #[inline]
    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        match value {
            Value::Object(map) => map.get_mut(self),
            _ => None,
        }
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        if value.is_null() {
            *value = Value::Object(crate::Map::new());
        }
        match value {
            Value::Object(map) => map.entry(self).or_insert(Value::Null),
            other => panic!("cannot set key {self:?} of {}", name_of(other)),
        }
    }
}

impl Index for usize {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        match value {
            Value::Array(items) => {
                let length = items.len();
                items.get_mut(*self).unwrap_or_else(|| panic!("there is no place {self} in a list of {length}"))
            }
            other => panic!("cannot set place {self} of {}", name_of(other)),
        }
    }
}

macro_rules! index_as_str {
    ($($key:ty)*) => {$(
        impl Index for $key {
            #[inline]
            fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
                Index::find(self.as_str(), value)
            }

            #[inline]
            fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
                Index::find_mut(self.as_str(), value)
            }

            fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
                Index::make(self.as_str(), value)
            }
        }
    )*};
}

index_as_str! { String Key }

impl<I: Index + ?Sized> Index for &I {
    #[inline]
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).find(value)
    }

    #[inline]
    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).find_mut(value)
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        (**self).make(value)
    }
}

/// What is not there is `null`.
impl<I: Index> ops::Index<I> for Value {
    type Output = Value;

    fn index(&self, at: I) -> &Value {
        at.find(self).unwrap_or(&NULL)
    }
}

impl<I: Index> ops::IndexMut<I> for Value {
    fn index_mut(&mut self, at: I) -> &mut Value {
        at.make(self)
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

//! Where a value lies in memory. The number means nothing, here as there, but it is the same for the same value.

use std::rc::Rc;

use crate::value::{Kind, Value};

/// The address of what Go knows by its address: lists, maps and pointers; zero where it was never made.
pub(super) fn address(value: &Value) -> Option<u64> {
    let place = match value {
        Value::List(list) if list.nil => 0,
        Value::Map(map) if map.is_nil() => 0,
        Value::List(list) => Rc::as_ptr(list).addr(),
        Value::Map(map) => Rc::as_ptr(map).addr(),
        Value::Object(object) if object.is_nil() => 0,
        Value::Object(object) if matches!(object.kind(), Kind::Ptr | Kind::Map | Kind::Slice) => {
            Rc::as_ptr(object).cast::<()>().addr()
        }
        _ => return None,
    };
    u64::try_from(place).ok()
}

//! Merging dictionaries, as the mergo library does it.

use std::rc::Rc;

use super::defaults::empty;
use crate::value::{Map, Value};

/// How deep dictionaries are followed.
const MAX_DEPTH: usize = 1_000;

/// Merges into the target, in place: what is there wins, unless it is empty or `overwrite` is asked for.
pub fn merge_maps(target: &Rc<Map>, source: &Rc<Map>, overwrite: bool, depth: usize) {
    if depth > MAX_DEPTH || Rc::ptr_eq(target, source) {
        return;
    }
    for (key, value) in source.snapshot() {
        let old = target.get(&key);
        if value.is_nil() {
            if overwrite {
                target.insert(key, value);
            }
            continue;
        }
        if let (Value::Map(value), Some(Value::Map(old))) = (&value, &old) {
            merge_maps(old, value, overwrite, depth + 1);
        }
        let kept = old.as_ref().is_some_and(|old| !empty(old));
        let both_maps = matches!((&value, &old), (Value::Map(_), Some(Value::Map(_))));
        if kept && (both_maps || !overwrite) {
            continue;
        }
        target.insert(key, value);
    }
}

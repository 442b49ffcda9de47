//! Bounds for going through a value to its end: a dictionary can hold itself, and one list can stand in another many
//! times over, so that a value is much larger than what it is made of.

use super::Value;

/// How deep a value is followed.
pub(crate) const MAX_DEPTH: usize = 1_000;
/// How many values are gone through.
const MAX_VALUES: usize = 10_000_000;

/// A walk through a value.
#[derive(Default)]
pub(crate) struct Walk {
    visited: usize,
}

impl Walk {
    /// One more value, this deep.
    ///
    /// # Errors
    /// Where it leads too far; the words are Go's for a value that holds itself.
    pub(crate) fn visit(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        self.visited += 1;
        // What holds nothing leads nowhere.
        if value.has_elements() && (depth > MAX_DEPTH || self.visited > MAX_VALUES) {
            return Err(format!("json: unsupported value: encountered a cycle via {}", value.type_name()));
        }
        Ok(())
    }
}

/// What a list or dictionary held, taken apart one after the other: dropped as they are, long chains of lists would need
/// as much stack as they are long.
pub(super) fn dismantle(mut left: Vec<Value>) {
    while let Some(value) = left.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = std::rc::Rc::into_inner(list) {
                    left.append(&mut list.items);
                }
            }
            Value::Map(map) => {
                if let Some(map) = std::rc::Rc::into_inner(map) {
                    left.extend(std::mem::take(&mut *map.entries.borrow_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

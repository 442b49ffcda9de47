//! JSON values as this project handles them: trees that are built, searched and dropped for every request.
//!
//! [`Value`] has the shape and the names of `serde_json`'s, so that who knows the one knows the other. What differs is
//! [`Map`]: nearly all maps of an object have a handful of keys, and are kept as a sorted list with the keys in it
//! instead of a tree of nodes. Reading, comparing and writing keep the order of the keys.
//!
//! Deliberately absent: a parser (`object::json` reads bodies, `serde_json` all other text), and numbers of other forms
//! than `serde_json`'s.

mod convert;
mod equal;
mod index;
mod json;
mod map;
mod read;
mod serde_form;
mod serialize;
#[cfg(test)]
mod tests;
mod value;

pub use compact_str::CompactString as Key;
pub use convert::from_value;
pub use index::Index;
#[doc(hidden)]
pub use json::{__made_of, __no_items};
pub use map::{Entry, IntoIter, Iter, IterMut, Map};
pub use serde_json::Number;
pub use serialize::to_value;
pub use value::Value;

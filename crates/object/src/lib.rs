//! The object model of Kubernetes, as pure values: no I/O, no async, no clock.
//!
//! An object is a [`Value`] (a JSON tree whose maps are ordered by key). What a type's fields are, which lists are
//! maps and what a client may send is told by the schema table; what a kind means (defaults, validation) is told one
//! crate up, in `kinds`.
//!
//! Deliberately absent: HTTP, storage, and typed structs. Validation reads through [`View`], whose accessors answer
//! with the zero value where a field is absent, as the reference implementation's structs do.

pub mod apply;
pub mod decode;
pub mod duration;
pub mod encode;
pub mod field;
pub mod json;
pub mod meta;
pub mod names;
pub mod packed;
pub mod patch;
pub mod pattern;
pub mod protobuf;
pub mod quantity;
pub mod quote;
pub mod raw;
pub mod schema;
pub mod selector;
pub mod status;
pub mod time;
pub mod view;

pub use packed::Packed;
pub use status::Status;
pub use value::{Key, Map, Number, Value, from_value, json, to_value};
pub use view::View;

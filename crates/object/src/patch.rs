//! The three patches that a PATCH request may carry beside server-side apply.
//!
//! Each module takes the object as it is encoded and the patch as it was parsed, and answers with the patched object,
//! which then has to be decoded again: a patch may make anything of it.

pub mod json;
pub mod layout;
pub mod merge;
mod print;
pub mod strategic;

use crate::status::{Details, Status};
use value::Value;

pub use print::go_print;

/// Deeper objects are not made: they could be written but never read again.
const DEPTH_MAX: usize = 120;

/// A patch that cannot be applied. The message must not matter to anyone: clients see one sentence for all cases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejected(pub String);

impl Rejected {
    /// 422, in the words in which upstream hides the reason.
    pub fn status() -> Status {
        Status {
            details: Some(Box::new(Details::default())),
            ..Status::plain(422, "Invalid", "the server rejected our request due to an error in our request")
        }
    }
}

/// How Go names the kind of JSON value when it cannot take it.
pub(crate) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// True if maps and lists are nested deeper than `limit`.
fn is_deeper_than(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| is_deeper_than(item, limit - 1)),
        Value::Object(map) => limit == 0 || map.values().any(|item| is_deeper_than(item, limit - 1)),
        _ => false,
    }
}

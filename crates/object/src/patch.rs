//! The three patches that a PATCH request may carry beside server-side apply.
//!
//! JSON and merge patches go from text to text, strategic ones from values to values. Either way the patched object has
//! to be decoded again: a patch may make anything of it.

pub mod json;
mod lazy;
pub mod merge;
mod print;
pub mod strategic;

use crate::json::{Node, parse};
use crate::status::{Details, Status};
use value::Value;

pub use print::{go_print, go_print_float};

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

fn reject<T>(why: String) -> Result<T, Rejected> {
    Err(Rejected(why))
}

/// The value of a text that a patch made: it may be too deep.
fn of_text(text: &[u8]) -> Result<Value, Rejected> {
    parse(text).map(Node::into_value).map_err(|error| Rejected(error.to_string()))
}

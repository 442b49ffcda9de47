//! Where in an object something is wrong, and what: the field errors of validation.
//!
//! Texts follow upstream's `field.Error`, since people search for them and clients parse the causes.

mod error;
mod path;

pub use error::{Error, ErrorKind, Errors, show};
pub use path::Path;

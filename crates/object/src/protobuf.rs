//! Objects as protobuf messages, by the schema's field numbers: what typed clients send and like to be sent.
//!
//! A message has no type of its own, so it travels in an envelope that names it ([`open`], [`seal`]). What is read
//! here is JSON as a client could have sent it; it has to go through [`crate::decode`] like any other body. What is
//! written is an object in its stored form, byte for byte as the reference implementation writes it.
//!
//! Deliberately absent: types that have no field numbers (tables, the server's version), which have no such form.

mod envelope;
mod read;
#[cfg(test)]
mod tests;
pub mod wire;
mod write;

pub use envelope::{Envelope, MAGIC, event, list, open, seal};
pub use read::read;
pub use write::{can_write, write};

/// Why bytes are not the message that was expected, in the words of upstream's generated code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are no bytes at all.
    #[error("empty data")]
    Empty,
    /// The envelope's mark is missing.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoPrefix,
    /// The mark stands alone.
    #[error("empty body")]
    EmptyBody,
    /// The bytes end within a value.
    #[error("unexpected EOF")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("proto: integer overflow")]
    Overflow,
    /// Length of more than 63 bits.
    #[error("proto: negative length found during unmarshaling")]
    NegativeLength,
    /// Field number zero, or one beyond 31 bits.
    #[error("proto: {message}: illegal tag {number} (wire type {wire})")]
    IllegalTag {
        /// The message's name without its package.
        message: String,
        /// The field number.
        number: i32,
        /// How its value is written.
        wire: u8,
    },
    /// A value of an unknown form.
    #[error("proto: illegal wireType {0}")]
    IllegalWire(u8),
    /// The end of a group that never began.
    #[error("proto: unexpected end of group")]
    EndOfGroup,
    /// A value is written as another type's would be.
    #[error("proto: wrong wireType = {wire} for field {field}")]
    WrongWire {
        /// How the value is written.
        wire: u8,
        /// Go's name of the field.
        field: String,
    },
    /// Messages nest too deep.
    #[error("exceeded max depth")]
    TooDeep,
    /// A time before the year 1 or after the year 9999.
    #[error("Time.MarshalJSON: year outside of range [0,9999]")]
    TimeOutOfRange,
    /// Embedded bytes that are not JSON.
    #[error("{0}")]
    Embedded(String),
}

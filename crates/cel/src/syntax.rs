//! From text to tree: tokens, grammar, macros. Messages are those of the reference implementation's generated parser.

pub(crate) mod ast;
mod lex;
mod macros;
mod names;
mod parse;
#[cfg(test)]
mod tests;
mod unescape;

pub(crate) use names::RESERVED;
pub use names::is_identifier;
pub(crate) use parse::{Parsed, parse};

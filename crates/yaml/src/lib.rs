//! The one YAML reader and writer of the project.
//!
//! It reads what go-yaml reads, the way go-yaml reads it, and complains in its words: YAML 1.1's truth values and octal
//! numbers, merge keys, anchors over several documents, limits on depth and aliases. There are two generations of go-yaml
//! in use, and they disagree ([`Dialect`]).
//!
//! - [`to_json`], [`to_json_strict`], [`to_json_lenient`], [`documents`]: plain values, as `sigs.k8s.io/yaml` makes them.
//! - [`Stream`]: the tree with positions, styles, tags, anchors and comments.
//! - [`from_json`], [`Emit`]: text, as `sigs.k8s.io/yaml` writes it.
//! - [`Stream::rewrite`]: a tree back to text with its styles and comments, as go-yaml 3 writes it, after changes.
//!
//! Not here: reading into typed structures (go through [`value::Value`]), and splitting a file by `---` lines
//! without reading it.

mod error;
mod event;
mod json;
mod number;
mod resolve;
mod rewrite;
mod scan;
mod tree;
mod write;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use json::{Duplicates, Reading, read, scalar};
pub use number::{format_float, json_number};
pub use resolve::{Scalar, old_bool, resolve};
pub use scan::Comment;
pub use scan::token::Style;
pub use tree::{Budget, MAX_TREE_DEPTH, Node, NodeId, NodeKind, Stream};
pub use write::{Emit, Shape, can_be_folded, emit, emit_behind, emit_in_order};

use value::Value;

/// The generation of go-yaml to agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// go-yaml 2, behind `sigs.k8s.io/yaml`: the API server, kubectl, Helm. `yes` and `off` are truth values, anchors
    /// end with their document, a later merge overrides.
    #[default]
    V2,
    /// go-yaml 3, behind kustomize's trees: `yes` and `off` are text, `0o17` is a number, anchors outlive documents, a
    /// merge never overrides.
    V3,
}

impl Dialect {
    fn lookahead(self) -> usize {
        match self {
            Self::V2 => 1,
            Self::V3 => 3,
        }
    }
}

/// The first document of `text` as JSON; of a key that stands twice, the last one counts. An empty text is `null`.
///
/// What follows the first document is not looked at, as in `sigs.k8s.io/yaml`.
///
/// # Errors
/// In go-yaml's words, e.g. `yaml: line 3: mapping values are not allowed in this context`; callers put
/// `error converting YAML to JSON: ` before it where upstream does.
pub fn to_json(text: &str) -> Result<Value, Error> {
    Ok(first(text, Duplicates::LastWins)?.value)
}

/// As [`to_json`], but keys that stand twice are refused.
///
/// # Errors
/// As [`to_json`], and [`Error::Values`] with one entry for each repeated key.
pub fn to_json_strict(text: &str) -> Result<Value, Error> {
    let reading = first(text, Duplicates::FirstWins)?;
    if reading.duplicates.is_empty() { Ok(reading.value) } else { Err(Error::Values(reading.duplicates)) }
}

/// As [`to_json`], with the keys that stood twice: for callers that warn of what strict ones refuse.
///
/// # Errors
/// As [`to_json`].
pub fn to_json_lenient(text: &str) -> Result<Reading, Error> {
    first(text, Duplicates::LastWins)
}

fn first(text: &str, duplicates: Duplicates) -> Result<Reading, Error> {
    let stream = Stream::parse_first(text, Dialect::V2)?;
    match stream.documents.first() {
        Some(&root) => read(&stream, root, Dialect::V2, duplicates),
        None => Ok(Reading::default()),
    }
}

/// Every document of `text` as JSON, empty ones as `null`; of a key that stands twice, the last one counts.
///
/// # Errors
/// As [`to_json`], for the first document with an error.
pub fn documents(text: &str) -> Result<Vec<Value>, Error> {
    let stream = Stream::parse(text, Dialect::V2)?;
    let read_one = |root: &NodeId| Ok(read(&stream, *root, Dialect::V2, Duplicates::LastWins)?.value);
    stream.documents.iter().map(read_one).collect()
}

/// `value` as YAML, the way `sigs.k8s.io/yaml` writes it: keys in natural order, lists not indented, long lines folded.
pub fn from_json(value: &Value) -> String {
    emit(value)
}

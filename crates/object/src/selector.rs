//! Selectors: by labels (text and `LabelSelector` objects) and by fields.
//!
//! Syntax, order of terms and messages are upstream's `labels` and `fields` packages'.

pub mod fields;
pub mod labels;

/// Why a selector cannot be read; the text is upstream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

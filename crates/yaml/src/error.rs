//! What is wrong with a text, in the words that go-yaml uses.
//!
//! The two generations of go-yaml pick the line of a syntax error differently, so a problem keeps both of its marks and
//! the [`Dialect`] decides.

use crate::Dialect;
use std::fmt;

/// Why a text cannot be read, or a value not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not YAML: go-yaml's message, e.g. `yaml: line 3: mapping values are not allowed in this context`.
    #[error("yaml: {0}")]
    Syntax(String),
    /// The text is YAML, but its values cannot stand together (duplicate keys, wrong types); one entry a finding.
    #[error("yaml: unmarshal errors:\n  {}", .0.join("\n  "))]
    Values(Vec<String>),
    /// A key or number that JSON has no form for.
    #[error("{0}")]
    NotJson(String),
    /// More than one document where one is expected.
    #[error("yaml: expected a single document, found {0}")]
    SeveralDocuments(usize),
}

/// Which part of the reader found a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finder {
    Reader,
    Scanner,
    Parser,
}

/// A syntax problem with its marks; lines count from 0.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) finder: Finder,
    pub(crate) context_line: usize,
    pub(crate) problem_line: usize,
    pub(crate) text: String,
}

impl Problem {
    /// The error as users of `dialect` see it.
    pub(crate) fn into_error(self, dialect: Dialect) -> Error {
        let (first, second) = match dialect {
            Dialect::V2 => (self.problem_line, self.context_line),
            Dialect::V3 => (self.context_line, self.problem_line),
        };
        let scanner = usize::from(self.finder == Finder::Scanner);
        let line = match (first, second) {
            (0, 0) => 0,
            // The older generation corrects only the line of the problem itself.
            (0, line) => line + if dialect == Dialect::V3 { scanner } else { 0 },
            (line, _) => line + scanner,
        };
        let at = if line == 0 { String::new() } else { format!("line {line}: ") };
        Error::Syntax(format!("{at}{}", self.text))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

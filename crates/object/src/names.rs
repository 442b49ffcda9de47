//! Format checks: what a name, label, port, address or key must look like.
//!
//! Each check answers with messages, worded as upstream's `util/validation` and `api/validate/content` word them; no
//! message means that the text is fine. Checks whose upstream form answers with field errors take a [`Path`] and do so
//! here too. The matchers are written by hand: no regular expression is compiled or run.
//!
//! [`Path`]: crate::field::Path

mod dns;
mod ip;
mod keys;
mod labels;
mod numbers;
mod objects;

pub use dns::*;
pub use ip::*;
pub use keys::*;
pub use labels::*;
pub use numbers::*;
pub use objects::*;

/// The messages of one check; none if the text is fine.
pub type Messages = Vec<String>;

/// Too many characters (the wording of `util/validation`).
pub fn max_len_error(length: usize) -> String {
    format!("must be no more than {length} characters")
}

/// Too many bytes (the wording of `api/validate/content`).
pub fn max_bytes_error(length: usize) -> String {
    format!("must be no more than {length} bytes")
}

/// Nothing where something must stand.
pub fn empty_error() -> &'static str {
    "must be non-empty"
}

/// Not between two numbers.
pub fn inclusive_range_error(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// A text that does not match `format`, with examples of texts that do.
pub fn regex_error(message: &str, format: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{format}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{format}')", examples.join(" or "))
}

#[cfg(test)]
mod tests;

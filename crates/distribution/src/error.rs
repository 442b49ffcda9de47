//! What can go wrong with a registry.

use std::fmt;

use http::Method;
use value::Value;

use crate::Digest;

/// An error, by what was being done.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what their names say")]
pub enum Error {
    /// There was no answer, or it broke off.
    #[error("{method} {url:?}: no answer")]
    Unanswered { method: Method, url: String, source: reqwest::Error },
    /// An answer that is none to the question.
    #[error("{method} {url:?}: response status code {status}: {}", Reasons(reasons, *status))]
    Status { method: Method, url: String, status: u16, reasons: Vec<Reason> },
    /// The registry has no such thing.
    #[error("{what}: not found")]
    Unknown { what: String },
    /// The registry wants a name and password, and there are none for it.
    #[error("{method} {url:?}: basic credential not found")]
    NoCredentials { method: Method, url: String },
    /// There is a name or a password, but not both.
    #[error("{method} {url:?}: missing username or password for {scheme} auth")]
    HalfCredentials { method: Method, url: String, scheme: &'static str },
    /// Nobody can say who we are.
    #[error("{method} {url:?}: failed to resolve credential: {why}")]
    Credentials { method: Method, url: String, why: String },
    /// What gives tokens did not give one.
    #[error("{method} {url:?}: no token")]
    NoToken { method: Method, url: String, source: Box<Error> },
    /// Credentials would have gone where nobody meant them to go.
    #[error("{method} {url:?}: bearer realm {why}")]
    Realm { method: Method, url: String, why: String },
    /// An answer that cannot be read.
    #[error("{method} {url:?}: failed to decode response")]
    Garbled { method: Method, url: String, source: serde_json::Error },
    /// An answer without something that it has to have, or with something else.
    #[error("{method} {url:?}: {why}")]
    Odd { method: Method, url: String, why: String },
    /// An upload was sent on to somewhere else.
    #[error("blob upload Location {location:?} {why}")]
    Location { location: String, why: String },
    /// What came is not what was asked for.
    #[error("{digest}: {why}")]
    Content { digest: Digest, why: &'static str },
}

/// One thing that a registry says is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reason {
    /// Such as `MANIFEST_UNKNOWN`.
    pub code: String,
    /// For a person.
    pub message: String,
    /// Whatever the registry adds.
    pub detail: Value,
}

impl Reason {
    /// The reasons of an error document; none where it is not one.
    pub(crate) fn all(body: &[u8]) -> Vec<Self> {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |one: &Value| Self {
            code: text(&one["code"]),
            message: text(&one["message"]),
            detail: one["detail"].clone(),
        };
        value["errors"].as_array().into_iter().flatten().map(one).collect()
    }

    /// The code, as a person reads it.
    #[must_use]
    pub fn words(&self) -> String {
        self.code.to_lowercase().replace('_', " ")
    }
}

struct Reasons<'a>(&'a [Reason], u16);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            let usual = http::StatusCode::from_u16(self.1).ok().and_then(|status| status.canonical_reason());
            return out.write_str(usual.unwrap_or_default());
        }
        for (at, reason) in self.0.iter().enumerate() {
            let between = if at > 0 { "; " } else { "" };
            write!(out, "{between}{}", reason.words())?;
            if !reason.message.is_empty() {
                write!(out, ": {}", reason.message)?;
            }
        }
        Ok(())
    }
}

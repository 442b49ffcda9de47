//! What can go wrong, in kubectl's words.

use std::path::PathBuf;
use value::Value;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a verb.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with a `Status`.
    #[error("{}", told(.0))]
    Server(Box<Refusal>),
    /// The server could not be reached, or broke off.
    #[error("{0}")]
    Connection(String),
    /// The command cannot be carried out as it was given.
    #[error("error: {0}")]
    Usage(String),
    /// A file cannot be used.
    #[error("error: {}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A kustomization cannot be built.
    #[error("error: {0}")]
    Kustomize(#[from] kustomize::Error),
    /// Output could not be written.
    #[error("error: {0}")]
    Output(#[from] std::io::Error),
    /// Several things went wrong; each was told as it happened.
    #[error("{}", .0.join("\n"))]
    Several(Vec<String>),
}

/// A refusal of the server.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// `reason` of the status, e.g. `NotFound`.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// What was being done, put in front of the message.
    pub doing: String,
    /// The whole status.
    pub status: Value,
}

fn told(refusal: &Refusal) -> String {
    let Refusal { reason, message, doing, .. } = refusal;
    let doing = if doing.is_empty() { String::new() } else { format!("{doing}: ") };
    if reason == "Invalid" && doing.is_empty() && !message.is_empty() {
        return invalid(refusal);
    }
    match reason.as_str() {
        "" | "Unknown" => format!("Error from server: {doing}{message}"),
        reason => format!("Error from server ({reason}): {doing}{message}"),
    }
}

/// The causes of a refused object, each on its own.
fn invalid(refusal: &Refusal) -> String {
    let details = &refusal.status["details"];
    let causes: Vec<String> = details["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|cause| {
            let text = |name: &str| cause[name].as_str().unwrap_or_default();
            if text("field").is_empty() {
                text("message").to_owned()
            } else {
                format!("{}: {}", text("field"), text("message"))
            }
        })
        .collect();
    let (kind, name) = (details["kind"].as_str().unwrap_or_default(), details["name"].as_str().unwrap_or_default());
    match causes.as_slice() {
        [] if details.is_object() => format!("The {kind} {name:?} is invalid"),
        [] => format!("The request is invalid: {}", refusal.message),
        [one] => format!("The {kind} {name:?} is invalid: {one}"),
        several => {
            let lines: Vec<String> = several.iter().map(|cause| format!("* {cause}")).collect();
            format!("The {kind} {name:?} is invalid: \n{}", lines.join("\n"))
        }
    }
}

impl Error {
    /// A command that cannot be carried out.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Whether the server has no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Server(refusal) if refusal.code == 404)
    }

    /// Whether somebody else was quicker.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Server(refusal) if refusal.code == 409)
    }

    /// Says what was being done, as kubectl does for files.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        if let Self::Server(refusal) = &mut self {
            refusal.doing = what.into();
        }
        self
    }

    /// From an answer that is no success.
    pub(crate) fn from_answer(code: u16, body: &[u8]) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
        let message = match text("message") {
            message if message.is_empty() => String::from_utf8_lossy(body).trim().to_owned(),
            message => message,
        };
        Self::Server(Box::new(Refusal { code, reason: text("reason"), message, doing: String::new(), status }))
    }
}

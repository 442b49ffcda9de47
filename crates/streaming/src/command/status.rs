//! How a command ended, as the client hears of it on the error channel.

use super::Verb;
use value::{Value, json};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this exit code.
    Exited(i32),
    /// It could not be run, or we lost it; in words.
    Failed(String),
}

impl Outcome {
    /// As a `Status` (from `v4` on).
    pub(super) fn status(&self, verb: Verb) -> Value {
        match self {
            Outcome::Exited(0) => json!({"metadata": {}, "status": "Success"}),
            Outcome::Exited(code) => json!({
                "metadata": {},
                "status": "Failure",
                "message": self.text(verb),
                "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
            }),
            Outcome::Failed(_) => json!({
                "metadata": {},
                "status": "Failure",
                "message": self.text(verb),
                "reason": "InternalError",
                "code": 500,
            }),
        }
    }

    /// In words (before `v4`); nothing if all is well.
    pub(super) fn text(&self, verb: Verb) -> String {
        match (self, verb) {
            (Outcome::Exited(0), _) => String::new(),
            (Outcome::Exited(code), _) => {
                format!("command terminated with non-zero exit code: command terminated with exit code {code}")
            }
            (Outcome::Failed(why), Verb::Exec) => {
                format!("Internal error occurred: error executing command in container: {why}")
            }
            (Outcome::Failed(why), Verb::Attach) => {
                format!("Internal error occurred: error attaching to container: {why}")
            }
        }
    }
}

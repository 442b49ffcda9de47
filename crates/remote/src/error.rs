//! Why something did not work, in kubectl's words.

use value::Value;

/// What a verb gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not work. Its text is what kubectl prints.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refuses.
    #[error("Error from server{}: {message}", in_brackets(.reason))]
    Server {
        /// `NotFound`, …; may be empty.
        reason: String,
        /// In the server's words.
        message: String,
    },
    /// The command in the container ended with this exit code.
    #[error("command terminated with exit code {0}")]
    Exited(u8),
    /// What was asked for makes no sense, or is not there.
    #[error("error: {0}")]
    Usage(String),
    /// The connection is lost, or there never was one.
    #[error("error: {what}: {source}")]
    Connection {
        /// What was being done.
        what: &'static str,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something on this machine cannot be read or written.
    #[error("error: {what}: {source}")]
    Local {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

fn in_brackets(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

impl Error {
    /// What was asked for makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Error {
        Error::Usage(text.into())
    }

    /// The connection is lost.
    pub(crate) fn lost(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Connection { what, source: source.into() }
    }

    /// Something on this machine does not work.
    pub(crate) fn local(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Local { what, source }
    }

    /// A refusal, from the body of an answer.
    pub(crate) fn of_body(code: u16, body: &[u8]) -> Error {
        let status: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
        let message = match text("message") {
            message if !message.is_empty() => message,
            _ => match String::from_utf8_lossy(body).trim() {
                "" => format!("the server answers {code}"),
                body => body.to_owned(),
            },
        };
        Error::Server { reason: text("reason"), message }
    }

    /// The exit code of a program that ends with this.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Exited(code) => *code,
            _ => 1,
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Error {
        match error {
            kube::Error::Api(status) => {
                Error::Server { reason: status.reason.clone(), message: status.message.clone() }
            }
            other => Error::lost("unable to reach the server", other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_kubectl_prints_them() {
        let check = |body: &str, want: &str| assert_eq!(Error::of_body(404, body.as_bytes()).to_string(), want);
        check(
            r#"{"reason": "NotFound", "message": "pods \"x\" not found"}"#,
            "Error from server (NotFound): pods \"x\" not found",
        );
        check(r#"{"message": "no"}"#, "Error from server: no");
        check("plain\n", "Error from server: plain");
        check("", "Error from server: the server answers 404");
        assert_eq!((Error::Exited(3).exit_code(), Error::usage("x").exit_code()), (3, 1));
    }
}

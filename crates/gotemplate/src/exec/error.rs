//! Errors of executions, with the chain of templates they came through.

use std::fmt;

/// An execution stopped at a place in a template.
#[derive(Clone, Debug)]
pub struct ExecError {
    /// `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: `
    pub head: String,
    /// What went wrong there.
    pub message: String,
    /// The error that was met on the way, whose text comes after the message.
    pub cause: Option<Box<Failure>>,
    /// The file or other text the template was parsed from.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// The column in it, in bytes, from 0.
    pub column: usize,
    /// The node, as the template has it.
    pub node: String,
}

/// What a function has to say when it fails.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// Its own words.
    pub message: String,
    /// The execution that it had started and that failed; its text comes after the words.
    pub inner: Option<Box<ExecError>>,
}

impl Failure {
    /// A failure of these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), inner: None }
    }

    /// A failure of an inner execution, with words before it.
    pub fn wrap(message: impl Into<String>, inner: ExecError) -> Self {
        Self { message: message.into(), inner: Some(Box::new(inner)) }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut error = Some(self);
        while let Some(this) = error {
            write!(f, "{}{}", this.head, this.message)?;
            let cause = this.cause.as_deref();
            if let Some(cause) = cause {
                f.write_str(&cause.message)?;
            }
            error = cause.and_then(|cause| cause.inner.as_deref());
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.inner.as_ref().map_or(Ok(()), |inner| write!(f, "{inner}"))
    }
}

impl std::error::Error for ExecError {}
impl std::error::Error for Failure {}

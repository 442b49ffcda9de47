//! How a command ends: its exit code, and the chain of causes of an error on standard error.

use std::io::Write;
use std::process::ExitCode;

/// An error that asks for an exit code of its own. Its text may be empty: then nothing is printed.
#[derive(Debug)]
pub(crate) struct Exit {
    /// The exit code.
    pub(crate) code: u8,
    /// What to say, if anything.
    pub(crate) message: String,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Exit {}

/// Turns what a command gave back into an exit code.
pub(crate) fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    let code = error.downcast_ref::<Exit>().map_or(1, |exit| exit.code);
    let text = format!("{error:#}");
    if !text.is_empty() {
        // Nothing can be done about a closed standard error.
        let _ = writeln!(std::io::stderr(), "error: {text}");
    }
    ExitCode::from(code)
}

/// A reader that has seen enough is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

//! The process that stands between a pod's containers and the server, one for each pod: it holds their standard streams,
//! writes their logs, reaps them, and records how they ended, so that the server may come and go. It has one thread, no
//! asynchronous runtime and no parser, and it stays small: a node has as many shims as pods.
//!
//! It also holds the pod's own namespaces (IPC, host name), which containers join through `/proc/PID/ns`.
//! It does not make containers: it starts whatever program the server names (`oci`, or runc) with the streams in place.
//!
//! `serve` is its loop, `requests` what the server can ask, `output` the logs, `children` the reaping.

mod children;
mod output;
pub(crate) mod pause;
pub(crate) mod requests;
mod sealed;
mod serve;
mod setup;

use rustix::fd::AsFd;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use requests::{STDIN, STDIN_ONCE, TTY};

/// The socket's name in the pod's folder.
pub(crate) const SOCKET: &str = "shim.sock";
/// In place of a program's path: our own program.
pub(crate) const OURSELVES: &str = ".";
/// Where a container's end is recorded, in its folder.
pub(crate) const EXIT_RECORD: &str = "exit";

/// `hakata-shim FOLDER KEY=VALUE…`: sets up, says `ok PAUSE` or what went wrong on standard output, closes it, serves.
pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(folder) = arguments.next().map(PathBuf::from) else { return ExitCode::FAILURE };
    let words = arguments.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
    let (answer, shim) = match setup::shim(&folder, &words) {
        Ok((shim, pause)) => (format!("ok {pause}"), Some(shim)),
        Err(error) => (error, None),
    };
    let said = std::io::stdout().write_all(answer.as_bytes()).and_then(|()| std::io::stdout().flush());
    let Some(shim) = shim else { return ExitCode::FAILURE };
    if said.is_err() || leave_stdio().is_err() {
        return ExitCode::FAILURE;
    }
    shim.serve();
    ExitCode::SUCCESS
}

/// Standard input and output lead nowhere from here on; the server reads output to its end. Errors stay where they are.
fn leave_stdio() -> std::io::Result<()> {
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(null.as_fd())?;
    rustix::stdio::dup2_stdout(null.as_fd())?;
    Ok(())
}

//! The first process of a pod whose containers share their process namespace: it reaps what is orphaned there, and its end
//! is the namespace's end. It is started through a step in between, which makes the namespace and is gone at once.

use super::serve::Shim;
use crate::reexec::PAUSE;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};
use rustix::process::WaitOptions;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// Starts it; the number is its process in the node's view.
pub(super) fn start(shim: &mut Shim) -> Result<i32, String> {
    let failed = |error: &dyn std::fmt::Display| format!("cannot make the pod's shared process namespace: {error}");
    let mut command = Command::new("/proc/self/exe");
    command.arg0(PAUSE).arg("begin").stdin(Stdio::null()).stdout(Stdio::piped());
    let child = shim.spawn(&mut command).map_err(|error| failed(&error))?;
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.trim().parse().map_err(|_| failed(&said.trim()))
}

/// `hakata-pause begin` makes the namespace and starts `hakata-pause stay` in it.
pub(crate) fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match arguments.next().as_deref().and_then(|verb| verb.to_str()) {
        Some("begin") => begin(),
        Some("stay") => stay(),
        _ => ExitCode::FAILURE,
    }
}

fn begin() -> ExitCode {
    let started = unshare(CloneFlags::CLONE_NEWPID).map_err(std::io::Error::from).and_then(|()| {
        // Standard output stays with this process: the shim reads it to its end.
        Command::new("/proc/self/exe").arg0(PAUSE).arg("stay").stdout(Stdio::null()).spawn()
    });
    let (said, code) = match started {
        Ok(child) => (child.id().to_string(), ExitCode::SUCCESS),
        Err(error) => (error.to_string(), ExitCode::FAILURE),
    };
    let written = std::io::Write::write_all(&mut std::io::stdout(), said.as_bytes());
    if written.is_ok() { code } else { ExitCode::FAILURE }
}

/// As process 1 no signal ends it but from outside, so it only has to reap.
fn stay() -> ExitCode {
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    if children.thread_block().is_err() {
        return ExitCode::FAILURE;
    }
    loop {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        if children.wait().is_err() {
            return ExitCode::FAILURE;
        }
    }
}

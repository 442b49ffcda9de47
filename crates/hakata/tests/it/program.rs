//! Runs the binary: to its end, or as a server until it is told to stop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs `hakata ARGUMENTS`; its exit code, output and errors.
pub(crate) fn hakata(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// `hakata server`, running.
pub(crate) struct Serving {
    child: Child,
    ready: String,
}

impl Serving {
    /// Starts a server on `folder` with any free port, and waits until it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Serving {
        Serving::start_plain(folder, &[&["--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// As [`Serving::start`], without saying where to listen.
    pub(crate) fn start_plain(folder: &Path, arguments: &[&str]) -> Serving {
        let mut command = command();
        command.arg("server").arg("--data-dir").arg(folder.join("data"));
        command.arg("--write-kubeconfig").arg(folder.join("kubeconfig")).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut ready).unwrap();
        Serving { child, ready }
    }

    /// The line that it printed when it was ready.
    pub(crate) fn ready(&self) -> &str {
        &self.ready
    }

    /// Sends SIGTERM; the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success(), "SIGTERM can be sent");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, without what this process' environment says about servers.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hakata"));
    for variable in ["HAKATA_CONFIG", "HAKATA_DATA_DIR", "HAKATA_LISTEN", "HAKATA_NO_NODE", "HAKATA_TLS_SAN"] {
        command.env_remove(variable);
    }
    command.env("HAKATA_LOG", "warn");
    command
}

//! The server under measurement: a child process, and what the kernel says of it.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel counts CPU time in hundredths of a second, on every machine that Linux runs on today.
const TICK: Duration = Duration::from_millis(10);

/// A running server.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// From start to the line that says so.
    pub(crate) ready: Duration,
}

/// Resident memory in bytes.
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

impl Server {
    /// Starts a server with data of its own, and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Server {
        let begun = Instant::now();
        let program = program();
        let mut child = Command::new(&program)
            .args(["server", "--no-node", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.join("data"))
            .arg("--write-kubeconfig")
            .arg(folder.join("kubeconfig"))
            .env("HAKATA_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; cargo build --release -p hakata makes it", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server ended before it was ready");
        Server { child, folder: folder.to_owned(), ready: begun.elapsed() }
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(self.folder.join("kubeconfig")).unwrap()
    }

    /// CPU time since the start, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The second field is the name in parentheses, which may hold spaces; utime and stime are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap());
        TICK * ticks.sum::<u32>()
    }

    /// Resident memory, now and at most.
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
        };
        Memory { resident: field("VmRSS:"), peak: field("VmHWM:") }
    }

    /// Ends it.
    pub(crate) fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Also when the bench stops at an error; the second time the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program: as told, else the one that was built beside this bench.
fn program() -> PathBuf {
    if let Some(path) = env::var_os("HAKATA_BIN") {
        return PathBuf::from(path);
    }
    let bench = env::current_exe().unwrap();
    bench.ancestors().nth(2).unwrap().join("hakata")
}

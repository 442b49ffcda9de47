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
    /// Ours; a peer is not ended by us.
    child: Option<Child>,
    pids: Vec<u32>,
    kubeconfig: PathBuf,
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
        let (pids, kubeconfig) = (vec![child.id()], folder.join("kubeconfig"));
        Server { child: Some(child), pids, kubeconfig, ready: begun.elapsed() }
    }

    /// The other API server that the environment names.
    pub(crate) fn peer() -> Option<Server> {
        let kubeconfig = PathBuf::from(env::var_os("HAKATA_BENCH_PEER")?);
        let pids = env::var("HAKATA_BENCH_PIDS").expect("HAKATA_BENCH_PIDS names the peer's processes");
        let pids = pids.split(',').map(|pid| pid.trim().parse().unwrap()).collect();
        Some(Server { child: None, pids, kubeconfig, ready: Duration::ZERO })
    }

    /// True if it is not ours.
    pub(crate) fn is_peer(&self) -> bool {
        self.child.is_none()
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(&self.kubeconfig).unwrap()
    }

    /// CPU time since the start, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Duration {
        let ticks = self.pids.iter().map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            // The second field is the name in parentheses, which may hold spaces; utime and stime are fields 14 and 15.
            let (_, fields) = stat.rsplit_once(')').unwrap();
            fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum::<u32>()
        });
        TICK * ticks.sum::<u32>()
    }

    /// Resident memory, now and at most.
    pub(crate) fn memory(&self) -> Memory {
        let field = |name: &str| {
            let of = |pid: &u32| {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
            };
            self.pids.iter().map(of).sum()
        };
        Memory { resident: field("VmRSS:"), peak: field("VmHWM:") }
    }

    /// Ends it, if it is ours.
    pub(crate) fn stop(mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // When the bench stops at an error.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
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

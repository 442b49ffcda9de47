//! A shim's children: containers, processes of `exec`, the OCI runtimes that make them, and orphans.
//! The end of a container is on record in its folder before anything else happens.

use super::EXIT_RECORD;
use super::output::{Attached, Log, Stream};
use rustix::process::{Pid, WaitOptions, WaitStatus};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A container.
pub(super) struct Container {
    pub(super) id: String,
    pub(super) folder: PathBuf,
    /// Its first process; 0 while it is not known yet.
    pub(super) pid: i32,
    pub(super) ended: bool,
    pub(super) log: Log,
    pub(super) streams: Vec<Stream>,
    /// The side of its standard input, or of its terminal, that we hold.
    pub(super) input: Option<OwnedFd>,
    pub(super) tty: bool,
    pub(super) stdin_once: bool,
    pub(super) attached: Vec<Attached>,
    /// The file that counts kills for want of memory.
    pub(super) oom_file: PathBuf,
}

/// A program at work that will leave a process behind.
pub(super) struct Job {
    /// The program's process.
    pub(super) pid: i32,
    /// Who asked.
    pub(super) client: u64,
    pub(super) for_what: Purpose,
}

pub(super) enum Purpose {
    /// A container's start.
    Start { id: String, console: Option<OwnedFd> },
    /// A further process; the file will hold its number.
    Exec { pid_file: PathBuf },
}

/// A further process in a container, and who waits for it.
pub(super) struct Exec {
    pub(super) pid: i32,
    pub(super) client: u64,
}

/// The end of one child, if any has ended.
pub(super) fn reap() -> Option<(i32, i32)> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => return Some((Pid::as_raw(Some(pid)), exit_code(status))),
            Err(rustix::io::Errno::INTR) => {}
            _ => return None,
        }
    }
}

fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().unwrap_or_else(|| 128 + status.terminating_signal().unwrap_or(0))
}

/// Reads the number of a process from a file that a runtime wrote.
pub(super) fn read_pid(path: &Path) -> Option<i32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok().filter(|pid| *pid > 0)
}

/// How a container ended, in words for its record and for the server.
pub(super) struct End {
    pub(super) code: i32,
    pub(super) oom: bool,
    pub(super) nanos: u128,
}

impl Container {
    /// Puts its end on record; the rename makes it all or nothing.
    pub(super) fn record_end(&mut self, code: i32) -> End {
        self.ended = true;
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let end = End { code, oom: self.was_short_of_memory(), nanos };
        let record = self.folder.join(EXIT_RECORD);
        let beside = self.folder.join("exit.new");
        let text = format!("{} {} {}\n", end.code, u8::from(end.oom), end.nanos);
        let written = File::create(&beside).and_then(|mut file| file.write_all(text.as_bytes()));
        let _kept_in_memory = written.and_then(|()| std::fs::rename(&beside, &record));
        end
    }

    /// Both versions of control groups count in a line `oom_kill N`, each in a file of its own.
    fn was_short_of_memory(&self) -> bool {
        let text = std::fs::read_to_string(&self.oom_file).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.is_some_and(|count| count.trim() != "0")
    }
}

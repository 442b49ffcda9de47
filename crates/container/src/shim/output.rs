//! Where a container's output goes: into the log, in the format of the container runtime interface
//! (`TIME STREAM TAG TEXT`, the tag `P` for a line that goes on, `F` for its end), and to whoever is attached.

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A longer line is cut into pieces, as other runtimes do by default.
const LONGEST_LINE: usize = 16 * 1024;
/// So long may somebody attached keep a container waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which of a container's outputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stdout,
    Stderr,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Kind::Stdout { "stdout" } else { "stderr" }
    }
}

/// One output of a container, and the line that it has begun.
pub(super) struct Stream {
    pub(super) from: OwnedFd,
    pub(super) kind: Kind,
    pub(super) at_end: bool,
    begun: Vec<u8>,
}

impl Stream {
    pub(super) fn new(from: OwnedFd, kind: Kind) -> Stream {
        Stream { from, kind, at_end: false, begun: Vec::new() }
    }

    /// Logs what came. A line that is not finished waits for its end, up to a limit.
    pub(super) fn log(&mut self, log: &mut Log, mut bytes: &[u8]) {
        if log.file.is_none() {
            return;
        }
        let time = timestamp(SystemTime::now());
        let mut lines = Vec::with_capacity(bytes.len() + 64);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.begun.extend_from_slice(line);
            self.pieces(&mut lines, &time);
            self.line(&mut lines, &time, b'F');
            bytes = &rest[1..];
        }
        self.begun.extend_from_slice(bytes);
        self.pieces(&mut lines, &time);
        log.write(&lines);
    }

    /// Logs a line that will have no end.
    pub(super) fn end(&mut self, log: &mut Log) {
        if !self.begun.is_empty() && log.file.is_some() {
            let mut lines = Vec::new();
            self.line(&mut lines, &timestamp(SystemTime::now()), b'P');
            log.write(&lines);
        }
    }

    fn pieces(&mut self, lines: &mut Vec<u8>, time: &str) {
        while self.begun.len() > LONGEST_LINE {
            let rest = self.begun.split_off(LONGEST_LINE);
            self.line(lines, time, b'P');
            self.begun = rest;
        }
    }

    fn line(&mut self, lines: &mut Vec<u8>, time: &str, tag: u8) {
        lines.extend_from_slice(time.as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(self.kind.name().as_bytes());
        lines.extend_from_slice(&[b' ', tag, b' ']);
        lines.append(&mut self.begun);
        lines.push(b'\n');
        if self.begun.capacity() > 1024 {
            self.begun = Vec::new();
        }
    }
}

/// A container's log file. What cannot be written (a full disk) is lost; the container goes on.
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
}

impl Log {
    /// Opens it for appending; an empty path is no log.
    pub(super) fn open(path: &Path) -> std::io::Result<Log> {
        let mut log = Log { path: path.to_owned(), file: None };
        if !path.as_os_str().is_empty() {
            log.reopen()?;
        }
        Ok(log)
    }

    /// Opens it anew, after somebody moved the file.
    pub(super) fn reopen(&mut self) -> std::io::Result<()> {
        if self.path.as_os_str().is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        self.file = Some(options.append(true).create(true).open(&self.path)?);
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) {
        if let Some(file) = &mut self.file
            && !lines.is_empty()
        {
            let _lost = file.write_all(lines);
        }
    }
}

/// Somebody who sees the output as it comes.
pub(super) struct Attached {
    stdout: Option<Sink>,
    stderr: Option<Sink>,
}

struct Sink {
    to: OwnedFd,
    waiting: Vec<u8>,
    since: Instant,
}

impl Attached {
    pub(super) fn new(mut fds: Vec<OwnedFd>) -> Attached {
        let mut sink = || {
            let to = if fds.is_empty() { None } else { Some(fds.remove(0)) }?;
            rustix::io::ioctl_fionbio(&to, true).ok()?;
            Some(Sink { to, waiting: Vec::new(), since: Instant::now() })
        };
        Attached { stdout: sink(), stderr: sink() }
    }

    /// Hands on what came; false when they have gone.
    pub(super) fn give(&mut self, kind: Kind, bytes: &[u8]) -> bool {
        let sink = if kind == Kind::Stdout { &mut self.stdout } else { &mut self.stderr };
        sink.as_mut().is_none_or(|sink| sink.give(bytes))
    }

    /// They have not taken all yet, so the container has to wait.
    pub(super) fn is_behind(&self) -> bool {
        self.sinks().any(|sink| !sink.waiting.is_empty())
    }

    /// Takes up again; false when they have gone, or have kept us waiting for too long.
    pub(super) fn go_on(&mut self) -> bool {
        [&mut self.stdout, &mut self.stderr].into_iter().flatten().all(Sink::go_on)
    }

    /// The other ends are still open.
    pub(super) fn is_there(&self) -> bool {
        let mut polls: Vec<_> = self.polls().collect();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let looked = rustix::event::poll(&mut polls, Some(&now));
        looked.is_ok() && !polls.iter().any(|poll| poll.revents().intersects(PollFlags::ERR | PollFlags::HUP))
    }

    /// What to poll for: room if they are behind, and their going.
    pub(super) fn polls(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.sinks().map(|sink| {
            let flags = if sink.waiting.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(sink.to.as_fd(), flags)
        })
    }

    fn sinks(&self) -> impl Iterator<Item = &Sink> {
        self.stdout.iter().chain(self.stderr.iter())
    }
}

impl Sink {
    fn give(&mut self, bytes: &[u8]) -> bool {
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        self.waiting.extend_from_slice(bytes);
        self.go_on()
    }

    fn go_on(&mut self) -> bool {
        while !self.waiting.is_empty() {
            match rustix::io::write(&self.to, &self.waiting) {
                Ok(written) => {
                    self.waiting.drain(..written);
                    self.since = Instant::now();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return self.since.elapsed() < PATIENCE,
                Err(_) => return false,
            }
        }
        self.waiting = Vec::new();
        true
    }
}

/// RFC 3339 with nanoseconds, in UTC.
pub(super) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, of_day) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z", since.subsec_nanos())
}

/// The Gregorian date of a day since 1970: years are counted from March, in groups of 400.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{Kind, LONGEST_LINE, Log, Stream, timestamp};
    use std::time::{Duration, SystemTime};

    #[test]
    fn times_are_written_as_others_do() {
        let at = |seconds, nanos| timestamp(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(at(951_827_696, 120), "2000-02-29T12:34:56.000000120Z");
        assert_eq!(at(4_102_444_799, 999_999_999), "2099-12-31T23:59:59.999999999Z");
    }

    fn logged(chunks: &[&[u8]]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/0.log");
        let mut log = Log::open(&path).unwrap();
        let mut stream = Stream::new(std::fs::File::open("/dev/null").unwrap().into(), Kind::Stderr);
        for chunk in chunks {
            stream.log(&mut log, chunk);
        }
        stream.end(&mut log);
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn lines_are_whole_whatever_the_chunks() {
        assert_eq!(logged(&[b"a", b"b\n\nc", b"d\ne"]), ["stderr F ab", "stderr F ", "stderr F cd", "stderr P e"]);
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let long = vec![b'x'; LONGEST_LINE * 2 + 3];
        let lines = logged(&[&long, b"y\nz\n"]);
        let lengths: Vec<_> = lines.iter().map(|line| (&line[..8], line.len() - 9)).collect();
        assert_eq!(lengths, [("stderr P", LONGEST_LINE), ("stderr P", LONGEST_LINE), ("stderr F", 4), ("stderr F", 1)]);
    }
}

//! A file of events, one a line, that makes room for a new one when it is large.
//!
//! Old ones stay beside it as `NAME-TIME.EXT`, as upstream names them, until they are too many or too old.

use super::Truncate;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tracing::warn;

/// How often a failure is told.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Bytes that are written at once.
const BLOCK: usize = 64 * 1024;

/// Where events are written, and how much is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The file; `-` for standard output.
    pub path: PathBuf,
    /// Days for which old files are kept; 0 for ever.
    pub max_age: u64,
    /// Old files that are kept; 0 for all.
    pub max_backups: u64,
    /// Megabytes after which a new file is begun.
    pub max_size: u64,
    /// How large events may be, if there is a limit.
    pub truncate: Option<Truncate>,
}

/// The file that is being written.
pub(super) struct Log {
    config: LogConfig,
    /// `None` after a failure, until it can be opened again.
    file: Option<File>,
    size: u64,
    pending: Vec<u8>,
    /// Events in `pending`.
    waiting: u64,
    told: Option<Instant>,
}

impl Log {
    pub(super) fn open(config: LogConfig) -> io::Result<Log> {
        let (file, size) = open(&config.path)?;
        Ok(Log { config, file, size, pending: Vec::new(), waiting: 0, told: None })
    }

    /// Takes a line; tells how many events were lost by now.
    pub(super) fn write(&mut self, line: &[u8]) -> u64 {
        self.pending.extend_from_slice(line);
        self.pending.push(b'\n');
        self.waiting += 1;
        if self.pending.len() < BLOCK { 0 } else { self.flush() }
    }

    /// Writes what is pending; tells how many events were lost.
    pub(super) fn flush(&mut self) -> u64 {
        if self.pending.is_empty() {
            return 0;
        }
        let (bytes, count) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.waiting));
        let Err(error) = self.write_out(&bytes) else { return 0 };
        self.file = None;
        if self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            self.told = Some(Instant::now());
            warn!(%error, path = %self.config.path.display(), "audit events are lost");
        }
        count
    }

    fn write_out(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_standard_output() {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            return out.flush();
        }
        let limit = self.config.max_size.max(1) * 1024 * 1024;
        if self.size > 0 && self.size + bytes.len() as u64 > limit {
            self.rotate()?;
        }
        if self.file.is_none() {
            (self.file, self.size) = open(&self.config.path)?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(bytes)?;
            self.size += bytes.len() as u64;
        }
        Ok(())
    }

    fn is_standard_output(&self) -> bool {
        self.config.path.as_os_str() == "-"
    }

    /// Puts the file aside and takes away what is too much.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let mut now = jiff::Timestamp::now();
        let mut aside = self.aside(now);
        // Nothing that was put aside in the same moment is overwritten.
        while aside.exists() {
            now += Duration::from_millis(1);
            aside = self.aside(now);
        }
        std::fs::rename(&self.config.path, aside)?;
        for old in self.too_much() {
            if let Err(error) = std::fs::remove_file(&old) {
                warn!(%error, path = %old.display(), "cannot take away an old audit log");
            }
        }
        Ok(())
    }

    fn aside(&self, now: jiff::Timestamp) -> PathBuf {
        let (before, after) = self.around();
        let stamp = now.strftime("%Y-%m-%dT%H-%M-%S.%3f");
        self.config.path.with_file_name(format!("{before}{stamp}{after}"))
    }

    /// What stands before and behind the time in the names of old files.
    fn around(&self) -> (String, String) {
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let extension = text(self.config.path.extension());
        let after = if extension.is_empty() { extension } else { format!(".{extension}") };
        (format!("{}-", text(self.config.path.file_stem())), after)
    }

    /// Old files that are too many or too old.
    fn too_much(&self) -> Vec<PathBuf> {
        let (before, after) = self.around();
        let folder = self.config.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(files) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
        let is_old = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stamp = name.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&after));
            stamp.is_some_and(|stamp| {
                stamp.len() == "2006-01-02T15-04-05.000".len() && stamp.starts_with(char::is_numeric)
            })
        };
        let mut old: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(is_old).collect();
        // The newest first: their names tell their time.
        old.sort_unstable_by(|a, b| b.cmp(a));
        let keep = if self.config.max_backups == 0 { usize::MAX } else { self.config.max_backups as usize };
        let age = Duration::from_secs(self.config.max_age * 24 * 3600);
        let is_too_old = |path: &Path| {
            let changed = path.metadata().and_then(|facts| facts.modified()).ok();
            let of_age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
            !age.is_zero() && of_age.is_some_and(|of_age| of_age > age)
        };
        old.into_iter()
            .enumerate()
            .filter(|(place, path)| *place >= keep || is_too_old(path))
            .map(|(_, path)| path)
            .collect()
    }
}

/// Opens a file to append to, readable by its owner alone; `-` is no file.
fn open(path: &Path) -> io::Result<(Option<File>, u64)> {
    if path.as_os_str() == "-" {
        return Ok((None, 0));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    Ok((Some(file), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path, max_backups: u64) -> Log {
        let path = folder.join("sub/audit.log");
        Log::open(LogConfig { path, max_age: 0, max_backups, max_size: 1, truncate: None }).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder.join("sub")).unwrap().flatten();
        let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 2);
        for _ in 0..6 {
            assert_eq!(log.write(&vec![b'x'; 700 * 1024]), 0);
            assert_eq!(log.flush(), 0);
        }
        let names = names(folder.path());
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(names[2], "audit.log");
        assert!(names[0].starts_with("audit-20") && names[0].ends_with(".log"), "{names:?}");
    }

    #[test]
    fn lines_are_appended_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for text in ["a", "b"] {
            let mut log = log(folder.path(), 0);
            log.write(text.as_bytes());
            assert_eq!(log.flush(), 0);
        }
        let path = folder.path().join("sub/audit.log");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let mut log = log(tempfile::tempdir().unwrap().path(), 0);
        log.file = Some(File::open("/dev/null").unwrap());
        log.write(b"a");
        log.write(b"b");
        assert_eq!(log.flush(), 2);
    }
}

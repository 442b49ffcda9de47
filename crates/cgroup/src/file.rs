//! Reading and writing the small files that control groups are made of, with errors that name file and value.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What cannot be done with a control group.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A group cannot be made.
    #[error("cannot make the control group {path}")]
    Create {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kernel refuses a value.
    #[error("cannot write {value:?} to {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        value: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A group cannot be removed.
    #[error("cannot remove the control group {path}")]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A resource is to be limited whose controller is not mounted or not delegated.
    #[error("the {controller} controller is not available for {path}; boot with it enabled")]
    Unavailable {
        /// Which.
        controller: &'static str,
        /// The group.
        path: PathBuf,
    },
    /// Processes stay in a group though they were killed.
    #[error("{count} processes stay in {path} after SIGKILL; they hang in the kernel (see /proc/PID/stack)")]
    Stuck {
        /// The group.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

/// The content of a file; `None` if the file or its group is gone or the kernel does not offer it.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// Writes a value in one call, as the kernel wants it.
pub(crate) fn write(path: &Path, value: &str) -> Result<(), Error> {
    fs::write(path, value).map_err(|source| Error::Write { path: path.to_owned(), value: value.to_owned(), source })
}

/// Whether the file is not there: never was, or vanished with its group while it was read, or pressure is switched off.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    const ENODEV: i32 = 19;
    const EOPNOTSUPP: i32 = 95;
    error.kind() == io::ErrorKind::NotFound || matches!(error.raw_os_error(), Some(ENODEV | EOPNOTSUPP))
}

/// The values of a file of `key value` lines.
pub(crate) fn flat(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}

/// A file's single number; `max` and v1's huge "no limit" numbers are `None`.
pub(crate) fn number(text: &str) -> Option<u64> {
    /// v1 says "no limit" with the largest multiple of the page size.
    const NO_LIMIT: u64 = 1 << 62;
    text.trim().parse().ok().filter(|value| *value < NO_LIMIT)
}

//! Writing a backup so that its name only ever stands for a whole one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::engine::{EngineError, OpenError, copy, verify};
use crate::folder::database_path;

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The revision that it shows.
    pub revision: u64,
}

/// Why a backup could not be written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name already.
    #[error("{path} exists already; a backup does not overwrite files")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be made.
    #[error("cannot write the backup {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database could not be copied.
    #[error("cannot write the backup {path}")]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
    /// What was written cannot be read back.
    #[error("the backup {path} does not read as it was written")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: OpenError,
    },
    /// There is no store in the folder.
    #[error("{path} holds no store")]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// The process is shutting down.
    #[error("the backup was interrupted")]
    Stopped,
}

/// Writes a consistent copy of the store in `folder` to the new file `to`, and reads it back.
///
/// The store may be open, also in another process: the copy shows it as it was at one moment.
/// [`restore`](crate::restore()) makes a store of it.
pub fn backup(folder: &Path, to: &Path) -> Result<Backup, BackupError> {
    let database = database_path(folder);
    // An empty file is what a store leaves that was stopped before it began.
    match fs::metadata(&database) {
        Ok(file) if file.len() > 0 => write(&database, to),
        _ => Err(BackupError::NoStore { path: folder.to_owned() }),
    }
}

/// Copies the database `from` to the new file `to`, through a file beside it.
pub(crate) fn write(from: &Path, to: &Path) -> Result<Backup, BackupError> {
    let failed = |source| BackupError::File { path: to.to_owned(), source };
    if to.try_exists().map_err(failed)? {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let partial = partial_path(to);
    let made = make(from, to, &partial);
    if made.is_err()
        && let Err(error) = fs::remove_file(&partial)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %partial.display(), %error, "cannot remove the unfinished backup");
    }
    made
}

fn make(from: &Path, to: &Path, partial: &Path) -> Result<Backup, BackupError> {
    let failed = |source| BackupError::File { path: to.to_owned(), source };
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(partial).map_err(failed)?;
    copy(from, partial).map_err(|source| BackupError::Copy { path: to.to_owned(), source })?;
    let revision = verify(partial).map_err(|source| BackupError::Unreadable { path: to.to_owned(), source })?;
    let bytes = fs::metadata(partial).map_err(failed)?.len();
    fs::rename(partial, to).map_err(failed)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(Backup { path: to.to_owned(), bytes, revision })
}

fn partial_path(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

//! The folder that a store lives in: who may enter, who is in it, and what has been acknowledged.
//!
//! The marker file holds the last acknowledged revision. It is written after each group without waiting for the
//! disk, so it may lag after a power cut, but never leads: a database that ends before it has lost writes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::engine::OpenError;

/// A store's folder, held by this process alone for as long as this value lives.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder where it is missing, closes it to other users, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        prepare(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
        let lock_path = path.join("lock");
        let unusable = |source| OpenError::Folder { path: lock_path.clone(), source };
        let mut lock = private_file().open(&lock_path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.to_owned(), pid: read_pid(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        write_pid(&lock).map_err(unusable)?;
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    /// The database file, made empty where it is missing, so that nobody else can ever read it.
    pub(crate) fn database(&self) -> Result<PathBuf, OpenError> {
        let path = database_path(&self.path);
        let unusable = |source| OpenError::Folder { path: path.clone(), source };
        let file = private_file().open(&path).map_err(unusable)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(unusable)?;
        Ok(path)
    }

    /// The marker of the last acknowledged revision.
    pub(crate) fn marker(&self) -> Result<Marker, OpenError> {
        let path = self.path.join("acknowledged");
        match private_file().open(&path) {
            Ok(file) => Ok(Marker { path, file }),
            Err(source) => Err(OpenError::Folder { path, source }),
        }
    }
}

/// Where the database lies in the folder `path`.
pub(crate) fn database_path(path: &Path) -> PathBuf {
    path.join("state.db")
}

/// The last acknowledged revision, on disk.
pub(crate) struct Marker {
    path: PathBuf,
    file: File,
}

impl Marker {
    const LEN: usize = 12;

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The revision that was written last; 0 if none was, or it cannot be read.
    pub(crate) fn read(&self) -> u64 {
        let mut bytes = [0; Self::LEN];
        if self.file.read_exact_at(&mut bytes, 0).is_err() {
            return 0;
        }
        let (revision, sum) = bytes.split_at(8);
        let intact = crc32fast::hash(revision).to_le_bytes() == sum;
        let revision = revision.try_into().map(u64::from_le_bytes).unwrap_or_default();
        if intact { revision } else { 0 }
    }

    /// Remembers that `revision` is about to be acknowledged.
    pub(crate) fn write(&self, revision: u64) -> io::Result<()> {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&revision.to_le_bytes());
        bytes[8..].copy_from_slice(&crc32fast::hash(&revision.to_le_bytes()).to_le_bytes());
        self.file.write_all_at(&bytes, 0)
    }
}

/// Makes the folder, and closes one to other users that is empty or a store's already.
fn prepare(path: &Path) -> io::Result<()> {
    if !path.try_exists()? {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        return match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => Ok(()),
        };
    }
    let open_to_others = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    let ours = fs::read_dir(path)?.next().is_none() || database_path(path).try_exists()?;
    if open_to_others && ours {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
}

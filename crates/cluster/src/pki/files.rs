//! The folder on disk: private (0700, files 0600), each file replaced as a whole.

use super::Error;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A private folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if need be, and closes it and its files to everybody else.
    pub(super) fn open(path: &Path) -> Result<Folder, Error> {
        let failed = |source| Error::Folder { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        tighten(path, 0o700).map_err(failed)?;
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_file() {
                tighten(&entry.path(), 0o600).map_err(failed)?;
            }
        }
        Ok(Folder(path.to_owned()))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(super) fn read(&self, name: &str) -> Result<String, Error> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| self.damaged(name, "it is not text")),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Replaces a file; after a crash either the old or the new one stands there, whole.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path(name);
        write_whole(&path, text.as_bytes(), 0o600).map_err(|source| Error::Write { path, source })
    }

    pub(super) fn damaged(&self, name: &str, why: impl Into<String>) -> Error {
        Error::Damaged { path: self.path(name), why: why.into() }
    }

    pub(super) fn missing(&self, name: &str, witness: &'static str) -> Error {
        Error::Missing { path: self.path(name), witness }
    }
}

/// Writes a file beside its place, syncs it, and moves it there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let beside = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let _ = fs::remove_file(&beside);
    let result = write_synced(&beside, bytes, mode).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result.and_then(|()| File::open(folder)?.sync_all())
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Takes away what others may do.
fn tighten(path: &Path, mode: u32) -> io::Result<()> {
    let now = fs::metadata(path)?.permissions().mode() & 0o777;
    if now & !mode == 0 { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(now & mode)) }
}

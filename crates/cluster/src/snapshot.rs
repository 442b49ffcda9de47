//! Snapshots of a server's state: one file that holds every object, taken while the server runs or while it does not.
//!
//! Keys and certificates are not part of it: they lie in the data folder beside the store and are secrets of another
//! kind. Restoring makes the store of a new data folder; put the old `pki` folder beside it to keep old kubeconfigs
//! and tokens valid.

use std::path::{Path, PathBuf};

/// Why a snapshot failed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It cannot be taken.
    #[error("cannot save a snapshot of {data_dir}")]
    Save {
        /// The server's data folder.
        data_dir: PathBuf,
        /// Why not.
        #[source]
        source: store::BackupError,
    },
    /// It cannot be put back.
    #[error("cannot restore into {data_dir}")]
    Restore {
        /// The server's data folder.
        data_dir: PathBuf,
        /// Why not.
        #[source]
        source: store::RestoreError,
    },
}

/// Saves the state of the server in `data_dir`, which may be running, to the new file `to`.
pub fn save(data_dir: &Path, to: &Path) -> Result<store::Backup, SnapshotError> {
    let failed = |source| SnapshotError::Save { data_dir: data_dir.to_owned(), source };
    store::backup(&store_folder(data_dir), to).map_err(failed)
}

/// Makes the state of a server in `data_dir`, which must not hold any, out of the file `from`.
///
/// The server carries on at a higher revision than the one that was saved ever had.
pub fn restore(from: &Path, data_dir: &Path) -> Result<store::Restored, SnapshotError> {
    let failed = |source| SnapshotError::Restore { data_dir: data_dir.to_owned(), source };
    store::restore(from, &store_folder(data_dir)).map_err(failed)
}

/// Where the store lies in a server's data folder.
pub(crate) fn store_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("store")
}

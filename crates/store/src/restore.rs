//! A new store out of a backup.

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::{OpenError, rebuild};
use crate::folder::Folder;

/// How far a restored store's revisions lie above the backup's.
///
/// The store that was backed up went on and handed out revisions that the backup does not know. A client that
/// remembers one of them must not take it for one of the restored store's. A thousand million is what etcd advises: at
/// 10,000 writes a second, the backup may be a day old.
pub const REVISION_BUMP: u64 = 1_000_000_000;

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The restored store's revision; what older ones a client asks for have been compacted.
    pub revision: u64,
    /// Number of keys.
    pub keys: usize,
}

/// Why a backup could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a store in the folder already.
    #[error("{path} holds a store already; restore into an empty folder")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The backup cannot be read, or the folder not written.
    #[error("cannot restore the backup {path}")]
    Failed {
        /// The backup.
        path: PathBuf,
        /// Why.
        #[source]
        source: OpenError,
    },
}

/// Makes a store in `folder` out of the file that [`Store::backup`](crate::Store::backup) wrote.
///
/// All entries keep their revisions; the store goes on [`REVISION_BUMP`] above the backup's revision, and what came
/// before counts as compacted. The whole backup is checked first; a failure leaves no half-made store.
pub fn restore(backup: &Path, folder: &Path) -> Result<Restored, RestoreError> {
    let failed = |source| RestoreError::Failed { path: backup.to_owned(), source };
    if let Err(source) = std::fs::metadata(backup) {
        return Err(failed(OpenError::Folder { path: backup.to_owned(), source }));
    }
    let held = Folder::take(folder).map_err(failed)?;
    let database = held.database().map_err(failed)?;
    if !is_empty(&database).map_err(|source| failed(OpenError::Folder { path: database.clone(), source }))? {
        return Err(RestoreError::NotEmpty { path: folder.to_owned() });
    }
    let (revision, keys) = rebuild(backup, &database, REVISION_BUMP).map_err(failed)?;
    Ok(Restored { revision, keys })
}

fn is_empty(file: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(file)?.len() == 0)
}

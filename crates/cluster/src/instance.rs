//! The server that runs on a data folder: one at a time, held by a lock, described by a file that others read.
//!
//! The lock ends with the process, however it ends; the description may be stale, and is believed only while the lock
//! is held.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a look at the lock may take.
const GLANCE: Duration = Duration::from_millis(100);

/// What a running server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The cluster's name.
    pub name: String,
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Where the API is.
    pub url: String,
    /// The name of the node that it is; `None` for a control plane alone.
    pub node: Option<String>,
    /// Addresses of pods.
    pub cluster_cidr: String,
    /// Addresses of Services.
    pub service_cidr: String,
    /// When it was ready, in seconds since 1970.
    pub ready_since: u64,
}

/// Why a data folder cannot be taken or looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another server has it.
    #[error("another server{} uses {folder}; stop it (hakata down), or name another folder with --data-dir", known(.pid))]
    Taken {
        /// The data folder.
        folder: PathBuf,
        /// The other's process, if it has said so.
        pid: Option<u32>,
    },
    /// A file of ours cannot be used.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

fn known(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// The right to run a server on a data folder, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    /// Holds the lock.
    _lock: File,
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join("server.lock")
}

fn description_file(folder: &Path) -> PathBuf {
    folder.join("server.json")
}

impl Claim {
    /// Takes a data folder, which has to exist.
    pub fn take(folder: &Path) -> Result<Claim, Error> {
        let path = lock_file(folder);
        let failed = |source| Error::File { path: path.clone(), source };
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let deadline = Instant::now() + GLANCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                // Somebody may only be looking whether it is taken.
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    let pid = read(folder).map(|description| description.pid);
                    return Err(Error::Taken { folder: folder.to_owned(), pid });
                }
            }
        }
        forget(folder)?;
        Ok(Claim { folder: folder.to_owned(), _lock: lock })
    }

    /// Tells others that the server is ready.
    pub fn describe(&self, description: &Description) -> Result<(), Error> {
        let path = description_file(&self.folder);
        let failed = |source| Error::File { path: path.clone(), source };
        let text = serde_json::to_string_pretty(description).map_err(io::Error::from).map_err(failed)?;
        let partial = path.with_extension("json.partial");
        File::create(&partial).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
        fs::rename(&partial, &path).map_err(failed)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock says it too.
        let _ = forget(&self.folder);
    }
}

fn forget(folder: &Path) -> Result<(), Error> {
    let path = description_file(folder);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::File { path, source }),
        _ => Ok(()),
    }
}

fn read(folder: &Path) -> Option<Description> {
    serde_json::from_str(&fs::read_to_string(description_file(folder)).ok()?).ok()
}

/// Whether a server holds the folder.
pub fn is_taken(folder: &Path) -> bool {
    let Ok(lock) = File::options().write(true).open(lock_file(folder)) else { return false };
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The server that runs on a folder, once it is ready.
pub fn running(folder: &Path) -> Option<Description> {
    read(folder).filter(|_| is_taken(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        Description {
            name: "a".to_owned(),
            pid: 7,
            version: "0".to_owned(),
            url: "https://127.0.0.1:1".to_owned(),
            node: None,
            cluster_cidr: "10.42.0.0/16".to_owned(),
            service_cidr: "10.43.0.0/16".to_owned(),
            ready_since: 1,
        }
    }

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_taken(folder.path()));
        let claim = Claim::take(folder.path()).unwrap();
        assert_eq!(running(folder.path()), None, "it is not ready yet");
        claim.describe(&description()).unwrap();
        assert_eq!(running(folder.path()), Some(description()));
        let refused = Claim::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another server (process 7) uses"), "{refused}");
        drop(claim);
        assert!(!is_taken(folder.path()));
        Claim::take(folder.path()).unwrap();
    }

    #[test]
    fn a_stale_description_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let text = serde_json::to_string(&description()).unwrap();
        fs::write(description_file(folder.path()), text).unwrap();
        assert_eq!(running(folder.path()), None);
    }
}

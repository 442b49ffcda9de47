//! `hakata secrets rotate-key`: a new key for what lies on disk.

use super::{AtRest, DONE, Error, key_name, load, own_path, random, write};
use arc_swap::ArcSwap;
use encryption::keyring;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{OpenError, Options, Store};

/// How long a running server may take to encrypt everything again.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new key's name.
    pub key: String,
    /// The file that it stands in.
    pub path: PathBuf,
    /// True if a running server took it over, false if there was none.
    pub by_server: bool,
}

/// Why there is no new key, or it is not used everywhere.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is no file of the server's own.
    #[error(
        "{path} does not exist, so there is no key of the server's own; if it runs with --encryption-provider-config, put a new key first in that file, and the server takes it over"
    )]
    NoFile {
        /// Which.
        path: PathBuf,
    },
    /// Somebody has changed the file.
    #[error("in {path} AES-GCM comes first for no resource, so there is no key to follow it")]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    Configuration(#[from] Error),
    /// The store cannot be encrypted again.
    #[error("the new key is in {path}, but values are not encrypted by it yet; the next start of the server does that")]
    Store {
        /// The file with the key.
        path: PathBuf,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// The server does not take it over.
    #[error(
        "the new key is in {path}, but the running server has not taken it over after {} seconds; see its log", PATIENCE.as_secs()
    )]
    NotTaken {
        /// The file with the key.
        path: PathBuf,
    },
}

/// Makes a new key for the server in `data`, which may be running, and has everything encrypted by it. Old keys stay,
/// to read snapshots, unless they are to be forgotten.
pub fn rotate(data: &Path, forget_old: bool) -> Result<Rotated, RotateError> {
    let path = own_path(data);
    if !path.exists() {
        return Err(RotateError::NoFile { path });
    }
    let (configuration, _) = load(&path)?;
    let key = key_name()?;
    let rotated = keyring::rotated(&configuration, &key, &random()?);
    let rotated = rotated.ok_or_else(|| RotateError::NoKey { path: path.clone() })?;
    write(&path, &rotated)?;
    let by_server = seal_again(data, &path, &key)?;
    if forget_old {
        write(&path, &keyring::without_old_keys(&rotated))?;
    }
    Ok(Rotated { key, path, by_server })
}

/// Encrypts everything by the new key, or waits until the running server has done so.
fn seal_again(data: &Path, path: &Path, key: &str) -> Result<bool, RotateError> {
    let failed = |source| RotateError::Store { path: path.to_owned(), source };
    let (_, encryption) = load(path)?;
    let seal = AtRest { path: path.to_owned(), now: ArcSwap::from_pointee(encryption) };
    let options = Options { seal: Some(Arc::new(seal)), ..Options::default() };
    match Store::<()>::open(crate::snapshot::store_folder(data), &options) {
        Ok(store) => {
            drop(store);
            Ok(false)
        }
        Err(OpenError::InUse { .. }) => wait_for_server(data, path, key).map(|()| true),
        Err(source) => Err(failed(source)),
    }
}

fn wait_for_server(data: &Path, path: &Path, key: &str) -> Result<(), RotateError> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if std::fs::read_to_string(data.join(DONE)).is_ok_and(|done| done == key) {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(RotateError::NotTaken { path: path.to_owned() })
}

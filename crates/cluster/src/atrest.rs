//! What lies encrypted on disk: the configuration file, the one that a server makes for itself, and turning its key over.
//!
//! A server without a file of its user's makes `pki/encryption.yaml`, by which Secrets are encrypted. Whoever changes
//! the file changes it for the running server too: it looks at it every second, and seals again what lies on disk
//! otherwise; then the name of the new key stands in `encryption-key`, beside the store. See the crates `encryption`,
//! for what the file says, and `store`, for how values are sealed.

mod kms;
mod rotate;

pub use rotate::{RotateError, Rotated, rotate};

use crate::config::Config;
use crate::pki::write_whole;
use apiserver::storage::ObjectStore;
use arc_swap::ArcSwap;
use encryption::{Encryption, KeyService, KmsSettings, keyring};
use object::{Value, View};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use store::Seal;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often key management services are asked whether they have a new key.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// What is encrypted in any case.
const SECRETS: (&str, &str) = ("", "secrets");

/// Why it is not clear what is encrypted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the encryption configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the encryption configuration {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is no YAML.
    #[error("cannot read the encryption configuration {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// What the file says is wrong.
    #[error("the encryption configuration {path} is wrong: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// All that is wrong.
        why: String,
    },
    /// There is nothing to make a key of.
    #[error("the system has no randomness to make a key of")]
    NoRandomness,
}

/// The configuration that holds, and the file that it comes from.
#[derive(Debug)]
pub struct AtRest {
    path: PathBuf,
    now: ArcSwap<Encryption>,
}

impl AtRest {
    /// What the server's configuration says; makes a key for a server that has none.
    pub fn open(config: &Config) -> Result<Arc<AtRest>, Error> {
        let path = match &config.guard.encryption {
            Some(path) => path.clone(),
            None => own_file(&config.data_dir)?,
        };
        let (_, encryption) = load(&path)?;
        Ok(Arc::new(AtRest { path, now: ArcSwap::from_pointee(encryption) }))
    }

    /// Takes over what the file says, whenever it changes, until stopped. The store has been sealed by what it says now.
    pub(crate) async fn follow(self: Arc<Self>, store: ObjectStore, data: PathBuf, stop: CancellationToken) {
        let mut known = changed_at(&self.path);
        let mut asked = Instant::now();
        self.tell(&data);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            if asked.elapsed() >= ASK_EVERY {
                asked = Instant::now();
                self.ask_services(&store).await;
            }
            let now = changed_at(&self.path);
            if now == known {
                continue;
            }
            known = now;
            match load(&self.path) {
                Ok((_, encryption)) => self.take_over(encryption, &store, &data).await,
                Err(error) => error!(error = &error as &dyn std::error::Error, "the old encryption goes on"),
            }
        }
    }

    /// Seals again what lies on disk by a key that its service does not use any more.
    async fn ask_services(&self, store: &ObjectStore) {
        let encryption = self.now.load_full();
        let asked = tokio::task::spawn_blocking(move || encryption.refresh()).await;
        match asked.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(false) => {}
            Ok(true) => match store.reseal().await {
                Ok(count) => info!(count, "a key management service has a new key; values were encrypted again"),
                Err(error) => error!(error = &error as &dyn std::error::Error, "values keep their old key"),
            },
            Err(why) => error!(why, "a key management service does not answer"),
        }
    }

    async fn take_over(&self, encryption: Encryption, store: &ObjectStore, data: &Path) {
        let old = self.now.swap(Arc::new(encryption));
        match store.reseal().await {
            Ok(count) => {
                info!(count, "values were encrypted again");
                self.tell(data);
            }
            Err(error) => {
                self.now.store(old);
                error!(error = &error as &dyn std::error::Error, "the old encryption goes on");
            }
        }
    }

    /// Writes down by which key Secrets are encrypted, for who waits for that.
    fn tell(&self, data: &Path) {
        let now = self.now.load();
        let name = now.key_name(SECRETS).unwrap_or_default();
        if let Err(error) = write_whole(&data.join(DONE), name.as_bytes(), 0o600) {
            error!(%error, "cannot write down by which key values are encrypted");
        }
    }
}

/// Holds the name of the key by which Secrets on disk are encrypted.
const DONE: &str = "encryption-key";

impl Seal for AtRest {
    fn seal(&self, key: &str, value: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.now.load().seal(resource(key), key, value)?)
    }

    fn open(&self, key: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let opened = self.now.load().open(resource(key), key, stored);
        opened.map_err(|error| format!("{error}; keys are looked for in {}", self.path.display()))
    }

    fn is_current(&self, key: &str, stored: &[u8]) -> bool {
        self.now.load().is_current(resource(key), stored)
    }
}

/// Group and resource of a key: `/GROUP/RESOURCE/…`, where the core group is written `core`.
fn resource(key: &str) -> (&str, &str) {
    let mut parts = key.split('/').skip(1);
    let (group, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (if group == "core" { "" } else { group }, resource)
}

/// The file that a server makes for itself.
fn own_path(data: &Path) -> PathBuf {
    data.join("pki/encryption.yaml")
}

/// The server's own file, made at its first start.
fn own_file(data: &Path) -> Result<PathBuf, Error> {
    let path = own_path(data);
    if !path.exists() {
        let name = key_name()?;
        write(&path, &keyring::new(&name, &random()?))?;
    }
    Ok(path)
}

fn load(path: &Path) -> Result<(Value, Encryption), Error> {
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let value = yaml::to_json_strict(&text).map_err(|source| Error::Yaml { path: path.to_owned(), source })?;
    let service = |settings: &KmsSettings| Arc::new(kms::Service::new(settings)) as Arc<dyn KeyService>;
    let encryption = Encryption::read(View::from(&value), &service).map_err(|errors| {
        let why = object::status::aggregate(&errors);
        Error::Invalid { path: path.to_owned(), why }
    })?;
    Ok((value, encryption))
}

fn write(path: &Path, configuration: &Value) -> Result<(), Error> {
    const HEAD: &str = "# By the first key what is secret is encrypted on disk; the others are there to read older values.\n\
                        # Without this file no Secret can be read: keep it with snapshots. `hakata secrets rotate-key` makes a new key.\n";
    let text = format!("{HEAD}{}", yaml::from_json(configuration));
    let written = write_whole(path, text.as_bytes(), 0o600);
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// A name that no other key has: when it was made, and a little chance.
fn key_name() -> Result<String, Error> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let day = object::time::format_seconds(i64::try_from(now.as_secs()).unwrap_or_default());
    let chance: [u8; 4] = random()?;
    Ok(format!("key-{}-{:08x}", day[..10].replace('-', ""), u32::from_be_bytes(chance)))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

/// What changes with the file.
fn changed_at(path: &Path) -> Option<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len(), facts.ino()))
}

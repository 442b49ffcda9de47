//! What lies in the folder of images, shared with other processes (the command line works beside a server):
//!
//! - `images.json`: the records; replaced as a whole under the lock `lock`,
//! - `blobs/sha256/HEX`: manifests, configurations and layers, as they came,
//! - `layers/HEX`: unpacked layers, by the digest of what was packed,
//! - `incoming/`: what is not whole yet; a lock on it is shared by those who bring things in, and wholly taken by whoever
//!   clears away what nobody needs.

use super::config::{ConfigFile, Descriptor, Manifest};
use super::reference::is_digest;
use super::unpack::Unpacked;
use super::{Image, ImageError};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Manifests and configurations are read into memory, so they have to end somewhere.
pub(crate) const LARGEST_DOCUMENT: u64 = 16 * 1024 * 1024;

/// The folder of images.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// Folders of containers, each with the list of layers that it holds.
    holders: PathBuf,
}

/// All records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    /// By id, the digest of the configuration.
    pub(crate) images: BTreeMap<String, Record>,
}

/// One image.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) manifest: String,
    pub(crate) layers: Vec<Layer>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) digests: BTreeSet<String>,
    pub(crate) size: u64,
}

/// One layer: as it was packed, and as it lies unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer {
    pub(crate) diff_id: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// Files of one process are told apart by a number.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Holds off clearing away while something is brought in.
pub(crate) struct Bringing {
    _lock: Flock<File>,
}

impl Store {
    pub(crate) fn open(root: PathBuf, holders: PathBuf) -> Result<Store, ImageError> {
        for folder in ["blobs/sha256", "layers", "incoming"] {
            let folder = root.join(folder);
            std::fs::create_dir_all(&folder).map_err(|error| ImageError::io("make the folder", &folder, error))?;
        }
        Ok(Store { root, holders })
    }

    pub(crate) fn blob(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(digest.replacen(':', "/", 1))
    }

    pub(crate) fn has_blob(&self, digest: &str) -> bool {
        self.blob(digest).exists()
    }

    pub(crate) fn layer(&self, diff_id: &str) -> PathBuf {
        self.root.join("layers").join(diff_id.trim_start_matches("sha256:"))
    }

    /// A path for something that is not whole yet.
    pub(crate) fn incoming(&self) -> PathBuf {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.root.join("incoming").join(format!("{}-{number}", std::process::id()))
    }

    /// The records as they are.
    pub(crate) fn index(&self) -> Result<Index, ImageError> {
        let path = self.root.join("images.json");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
            other => other.map_err(|error| ImageError::io("read", &path, error))?,
        };
        serde_json::from_slice(&text).map_err(|error| ImageError::io("read", path, error.into()))
    }

    /// Changes the records, alone.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> Result<T, ImageError> {
        let _alone = self.lock("lock", FlockArg::LockExclusive)?;
        let mut index = self.index()?;
        let result = change(&mut index);
        let path = self.root.join("images.json");
        let beside = self.incoming();
        let failed = |error: io::Error| ImageError::io("write", &path, error);
        let text = serde_json::to_vec_pretty(&index).map_err(|error| failed(error.into()))?;
        let mut file = File::create(&beside).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&beside, &path).map_err(failed)?;
        Ok(result)
    }

    /// Holds off clearing away.
    pub(crate) fn bring(&self) -> Result<Bringing, ImageError> {
        Ok(Bringing { _lock: self.lock("incoming.lock", FlockArg::LockShared)? })
    }

    /// Waits until nobody brings anything in, and keeps others from it.
    pub(crate) fn clear(&self) -> Result<Bringing, ImageError> {
        Ok(Bringing { _lock: self.lock("incoming.lock", FlockArg::LockExclusive)? })
    }

    fn lock(&self, name: &str, how: FlockArg) -> Result<Flock<File>, ImageError> {
        let path = self.root.join(name);
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(|error| ImageError::io("open", &path, error))?;
        loop {
            match Flock::lock(file, how) {
                Ok(lock) => return Ok(lock),
                Err((again, nix::errno::Errno::EINTR)) => file = again,
                Err((_, error)) => return Err(ImageError::io("lock", path, error.into())),
            }
        }
    }

    /// Takes in a blob while it is read, and checks its digest if one is expected; its digest and size.
    pub(crate) fn take_blob(&self, from: &mut dyn Read, expected: Option<&str>) -> Result<(String, u64), ImageError> {
        let path = self.incoming();
        let taken = self.copy_blob(from, &path, expected);
        if taken.is_err() {
            let _the_first_error_counts = std::fs::remove_file(&path);
        }
        taken
    }

    fn copy_blob(&self, from: &mut dyn Read, path: &Path, expected: Option<&str>) -> Result<(String, u64), ImageError> {
        let file = File::create(path).map_err(|error| ImageError::io("make", path, error))?;
        let mut into = Hashing::new(file);
        let size = io::copy(from, &mut into).map_err(|error| ImageError::io("write", path, error))?;
        let digest = into.digest();
        if let Some(expected) = expected
            && digest != expected
        {
            return Err(ImageError::Digest { expected: expected.to_owned(), found: digest });
        }
        let blob = self.blob(&digest);
        std::fs::rename(path, &blob).map_err(|error| ImageError::io("write", blob, error))?;
        Ok((digest, size))
    }

    /// Takes in a blob that lies in a file of `incoming`, if it is what is expected.
    pub(crate) fn take_file(&self, path: &Path, expected: &str) -> Result<(), ImageError> {
        let failed = |error| ImageError::io("read", path, error);
        let taken = (|| {
            let mut hash = Hashing::new(io::sink());
            io::copy(&mut File::open(path).map_err(failed)?, &mut hash).map_err(failed)?;
            let found = hash.digest();
            if found != expected {
                return Err(ImageError::Digest { expected: expected.to_owned(), found });
            }
            let blob = self.blob(expected);
            std::fs::rename(path, &blob).map_err(|error| ImageError::io("write", blob, error))
        })();
        if taken.is_err() {
            let _the_first_error_counts = std::fs::remove_file(path);
        }
        taken
    }

    /// Holds off clearing away, from an asynchronous task.
    pub(crate) async fn bring_slowly(&self) -> Result<Bringing, ImageError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.bring()).await.map_err(|_| ImageError::Cancelled)?
    }

    /// Takes in a document from memory; its digest.
    pub(crate) fn take_document(&self, text: &[u8]) -> Result<String, ImageError> {
        self.take_blob(&mut &*text, None).map(|(digest, _)| digest)
    }

    pub(crate) fn document(&self, digest: &str) -> Result<Vec<u8>, ImageError> {
        let path = self.blob(digest);
        let failed = |error| ImageError::io("read", &path, error);
        let file = File::open(&path).map_err(failed)?;
        let mut text = Vec::new();
        file.take(LARGEST_DOCUMENT).read_to_end(&mut text).map_err(failed)?;
        Ok(text)
    }

    /// A manifest. Its digests become paths, so nothing else than a digest may stand in their place.
    pub(crate) fn manifest(&self, digest: &str) -> Result<Manifest, ImageError> {
        let text = self.document(digest)?;
        let wrong = |source| ImageError::Document { what: "manifest", digest: digest.to_owned(), source };
        let parsed: Manifest = serde_json::from_slice(&text).map_err(wrong)?;
        let config = Some(&parsed.config).filter(|_| parsed.manifests.is_empty());
        check(parsed.layers.iter().chain(&parsed.manifests).chain(config).map(|blob| blob.digest.as_str()))?;
        Ok(parsed)
    }

    pub(crate) fn config(&self, digest: &str) -> Result<ConfigFile, ImageError> {
        let text = self.document(digest)?;
        let wrong = |source| ImageError::Document { what: "configuration", digest: digest.to_owned(), source };
        let parsed: ConfigFile = serde_json::from_slice(&text).map_err(wrong)?;
        check(parsed.rootfs.diff_ids.iter().map(String::as_str))?;
        Ok(parsed)
    }

    /// Puts an unpacked layer in its place; somebody else may have been quicker.
    pub(crate) fn keep_layer(&self, unpacked: &Path, diff_id: &str) -> Result<(), ImageError> {
        let place = self.layer(diff_id);
        match std::fs::rename(unpacked, &place) {
            Err(_) if place.is_dir() => {
                let _the_other_one_is_the_same = std::fs::remove_dir_all(unpacked);
                Ok(())
            }
            other => other.map_err(|error| ImageError::io("write", place, error)),
        }
    }

    /// Unpacks a layer from its blob, unless it is there; checks what was packed against its digest.
    pub(crate) fn unpack(&self, digest: &str, diff_id: &str) -> Result<(), ImageError> {
        if self.layer(diff_id).is_dir() {
            return Ok(());
        }
        let path = self.blob(digest);
        let file = File::open(&path).map_err(|error| ImageError::io("open", &path, error))?;
        self.unpack_from(Box::new(io::BufReader::with_capacity(128 * 1024, file)), Some(diff_id)).map(|_| ())
    }

    /// Unpacks a layer from what is read; what was packed has this digest.
    pub(crate) fn unpack_from(&self, packed: Box<dyn Read>, expected: Option<&str>) -> Result<Unpacked, ImageError> {
        let folder = self.incoming();
        let done = Unpacked::unpack(packed, &folder).and_then(|unpacked| match expected {
            Some(expected) if unpacked.diff_id != expected => {
                Err(ImageError::Digest { expected: expected.to_owned(), found: unpacked.diff_id })
            }
            _ => Ok(unpacked),
        });
        match done {
            Ok(unpacked) => self.keep_layer(&folder, &unpacked.diff_id).map(|()| unpacked),
            Err(error) => {
                let _the_first_error_counts = std::fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    /// Records an image whose blobs and layers are all here; it takes the tag from any other.
    pub(crate) fn record(
        &self,
        manifest: &str,
        tag: Option<&str>,
        digest: Option<String>,
    ) -> Result<Image, ImageError> {
        let parsed = self.manifest(manifest)?;
        let config = self.config(&parsed.config.digest)?;
        let layers = pair(&parsed.layers, &config.rootfs.diff_ids)?;
        let id = parsed.config.digest.clone();
        let size = parsed.layers.iter().chain([&parsed.config]).map(|blob| blob.size).sum();
        self.change(|index| {
            if let Some(tag) = tag {
                for other in index.images.values_mut() {
                    other.tags.remove(tag);
                }
            }
            let record = index.images.entry(id.clone()).or_default();
            record.manifest = manifest.to_owned();
            record.layers = layers;
            record.size = size;
            record.tags.extend(tag.map(str::to_owned));
            record.digests.extend(digest);
            Image::new(&id, record, config.config)
        })
    }

    /// Notes that a container stands on layers, so that they stay.
    pub(crate) fn hold(&self, layers: &[Layer], holder: &str) -> Result<(), ImageError> {
        let folder = self.holders.join(holder);
        let path = folder.join("layers");
        let ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, ids.join("\n")))
            .map_err(|error| ImageError::io("write", path, error))
    }

    /// Layers that containers stand on.
    pub(crate) fn held(&self) -> BTreeSet<String> {
        let folders = std::fs::read_dir(&self.holders).into_iter().flatten().flatten();
        let lists = folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("layers")).ok());
        lists.flat_map(|list| list.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

fn check<'a>(mut digests: impl Iterator<Item = &'a str>) -> Result<(), ImageError> {
    match digests.find(|digest| !is_digest(digest)) {
        Some(digest) => Err(ImageError::BadDigest { digest: digest.to_owned() }),
        None => Ok(()),
    }
}

/// The layers of the manifest with those of the configuration, which are the same ones.
pub(crate) fn pair(packed: &[Descriptor], diff_ids: &[String]) -> Result<Vec<Layer>, ImageError> {
    if packed.len() != diff_ids.len() {
        return Err(ImageError::LayerCount { manifest: packed.len(), config: diff_ids.len() });
    }
    let layer = |(blob, diff_id): (&Descriptor, &String)| Layer {
        diff_id: diff_id.clone(),
        digest: blob.digest.clone(),
        size: blob.size,
    };
    Ok(packed.iter().zip(diff_ids).map(layer).collect())
}

/// Hashes what is written or read through it.
pub(crate) struct Hashing<T> {
    inner: T,
    hash: Sha256,
}

impl<T> Hashing<T> {
    pub(crate) fn new(inner: T) -> Hashing<T> {
        Hashing { inner, hash: Sha256::new() }
    }

    pub(crate) fn digest(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}

/// `sha256:` and the digits.
fn hex(hash: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in hash {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    text
}

/// The digest of bytes in memory.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

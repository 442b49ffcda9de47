//! Images: fetched, imported, kept, given out. Names, blobs and unpacked layers lie in one folder that several processes
//! may use at once (`store`).
//!
//! `reference` reads names, `transfer` pulls and pushes (by way of `remote`), `import` takes in files and `export` writes
//! them, `unpack` unpacks layers safely, `clear` removes.

mod clear;
mod config;
mod export;
mod import;
mod reference;
mod remote;
mod store;
mod transfer;
mod unpack;

pub use clear::Removed;
pub use config::ImageConfig;
pub use export::ExportFormat;
pub use import::ImportOptions;
pub use reference::{Reference, ReferenceError};
pub use remote::{Progress, Report};

use crate::error::{Error, blocking};
use crate::registries::{Credentials, Registries};
use crate::usage::{self, Usage};
use config::{Descriptor, Platform, architecture};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use store::{Record, Store};

/// The images of one cluster. Clones are the same images.
#[derive(Clone, Debug)]
pub struct Images {
    store: Store,
    registries: Registries,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…` of its configuration.
    pub id: String,
    /// How it is run.
    pub config: ImageConfig,
    /// Full names with tags.
    pub repo_tags: Vec<String>,
    /// Full names with the digest of the manifest.
    pub repo_digests: Vec<String>,
    /// Bytes, as it is packed.
    pub size: u64,
    /// The digest of its manifest.
    pub manifest: String,
    layers: Vec<store::Layer>,
}

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// `InvalidImageName`.
    #[error("couldn't parse image name {name:?}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: ReferenceError,
    },
    /// `ErrImageNeverPull`, or a reason to fetch it.
    #[error("there is no image {name:?} here")]
    NotFound {
        /// The name or id.
        name: String,
    },
    /// A root file system has no name of its own.
    #[error("{} is a root file system, which has no name of its own; say one", path.display())]
    NameNeeded {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing that we know.
    #[error("{} is neither an archive of `docker save`, nor an OCI layout, nor a folder", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
    },
    /// An archive is not whole.
    #[error("{} has no file {file}", path.display())]
    Missing {
        /// The archive.
        path: PathBuf,
        /// What it lacks.
        file: String,
    },
    /// No variant runs here.
    #[error("{name} has no image for linux/{architecture}")]
    NoPlatform {
        /// The name or path.
        name: String,
        /// This machine's.
        architecture: &'static str,
    },
    /// Manifest and configuration disagree.
    #[error("the manifest has {manifest} layers and the configuration {config}")]
    LayerCount {
        /// In the manifest.
        manifest: usize,
        /// In the configuration.
        config: usize,
    },
    /// Something else came than was promised.
    #[error("expected content with digest {expected}, got {found}")]
    Digest {
        /// What was promised.
        expected: String,
        /// What came.
        found: String,
    },
    /// A digest of a kind that we cannot check, or none at all.
    #[error("{digest:?} is not a SHA-256 digest")]
    BadDigest {
        /// It.
        digest: String,
    },
    /// A layer cannot be unpacked.
    #[error("cannot unpack {path:?} of a layer")]
    Archive {
        /// The entry.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A document is not what it should be.
    #[error("the image's {what} {digest} cannot be read")]
    Document {
        /// Manifest or configuration.
        what: &'static str,
        /// Its digest.
        digest: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The registry has no such image.
    #[error("failed to resolve reference {name:?}: {name}: not found")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The registry wants other credentials, or has no such image and does not say so.
    #[error(
        "failed to resolve reference {name:?}: pull access denied, repository does not exist or may require \
         authorization: {host} refused"
    )]
    Denied {
        /// The name.
        name: String,
        /// Who refused.
        host: String,
    },
    /// The registry does not answer (`RegistryUnavailable`).
    #[error("failed to resolve reference {name:?}: {host} cannot be reached")]
    Unreachable {
        /// The name.
        name: String,
        /// Who does not answer.
        host: String,
        /// Why.
        #[source]
        source: Box<oci_client::errors::OciDistributionError>,
    },
    /// The registry answers with something else.
    #[error("failed to resolve reference {name:?}: {host} gave an unexpected answer")]
    Registry {
        /// The name.
        name: String,
        /// Who answered.
        host: String,
        /// What.
        #[source]
        source: Box<oci_client::errors::OciDistributionError>,
    },
    /// The stream of a blob ended early.
    #[error("failed to pull {name:?}: the connection to {host} broke")]
    Interrupted {
        /// The name.
        name: String,
        /// With whom.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A blob is longer than its descriptor says.
    #[error("{digest} has more than its {size} bytes")]
    TooLong {
        /// The blob.
        digest: String,
        /// What was promised.
        size: u64,
    },
    /// A manifest's media type is no header's value.
    #[error("the media type {media_type:?} cannot be sent")]
    BadMediaType {
        /// It.
        media_type: String,
    },
    /// The work was cut off.
    #[error("the work was cut off while the program shuts down")]
    Cancelled,
    /// Files.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What we were doing.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ImageError {
    /// Another mirror, or other credentials, may lead to the image all the same.
    fn is_of_the_way(&self) -> bool {
        use ImageError::{Denied, Digest, Interrupted, Registry, Unknown, Unreachable};
        matches!(
            self,
            Denied { .. } | Digest { .. } | Interrupted { .. } | Registry { .. } | Unknown { .. } | Unreachable { .. }
        )
    }

    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> ImageError {
        ImageError::Io { doing, path: path.into(), source }
    }
}

impl Images {
    /// Opens the folder of images. `holders` has a folder for each container, which holds its layers.
    pub fn open(root: PathBuf, holders: PathBuf, registries: Registries) -> Result<Images, ImageError> {
        Ok(Images { store: Store::open(root, holders)?, registries })
    }

    /// Imports a root file system (a folder), an archive of `docker save`, or an OCI layout.
    pub async fn import(&self, path: &Path, options: ImportOptions) -> Result<Vec<Image>, Error> {
        let (store, path) = (self.store.clone(), path.to_owned());
        blocking(move || Ok(import::import(&store, &path, &options)?)).await
    }

    /// Fetches an image from its registry or a mirror of it. Credentials are tried in order; without any, those of the
    /// configuration are taken, or none.
    pub async fn pull(
        &self,
        name: &str,
        credentials: &[Credentials],
        report: Option<Report>,
    ) -> Result<Image, ImageError> {
        let reference = parse(name)?;
        let report = report.unwrap_or_else(transfer::silence);
        // What waits for it need not be as large as it is.
        Box::pin(transfer::pull(&self.store, &self.registries, &reference, credentials, report)).await
    }

    /// Sends an image to the registry that a name of it says.
    pub async fn push(
        &self,
        name: &str,
        credentials: &[Credentials],
        report: Option<Report>,
    ) -> Result<(), ImageError> {
        let reference = parse(name)?;
        let image = self.get(name)?;
        let report = report.unwrap_or_else(transfer::silence);
        Box::pin(transfer::push(&self.store, &self.registries, &image, &reference, credentials, report)).await
    }

    /// Writes images into a file or folder, under the names that they are called by here.
    pub async fn export(&self, names: &[String], to: &Path, format: ExportFormat) -> Result<(), Error> {
        let images =
            names.iter().map(|name| Ok((self.get(name)?, name.clone()))).collect::<Result<Vec<_>, ImageError>>()?;
        let (store, to) = (self.store.clone(), to.to_owned());
        blocking(move || Ok(export::export(&store, &images, &to, format)?)).await
    }

    /// Gives an image a further name.
    pub async fn tag(&self, name: &str, new: &str) -> Result<Image, Error> {
        let (store, image, new) = (self.store.clone(), self.get(name)?, parse(new)?);
        blocking(move || Ok(store.record(&image.manifest, Some(&new.to_string()), Some(new.at(&image.manifest)))?))
            .await
    }

    /// An image's whole configuration file.
    pub fn config_file(&self, name: &str) -> Result<value::Value, ImageError> {
        let id = self.get(name)?.id;
        let wrong = |source| ImageError::Document { what: "configuration", digest: id.clone(), source };
        serde_json::from_slice(&self.store.document(&id)?).map_err(wrong)
    }

    /// All images.
    pub fn list(&self) -> Result<Vec<Image>, ImageError> {
        let index = self.store.index()?;
        index.images.iter().map(|(id, record)| self.image(id, record)).collect()
    }

    /// One image, by id (also its beginning), by name or by digest.
    pub fn get(&self, name: &str) -> Result<Image, ImageError> {
        let index = self.store.index()?;
        let (id, record) = find(&index, name)?.ok_or_else(|| ImageError::NotFound { name: name.to_owned() })?;
        self.image(id, record)
    }

    /// What all images take on the disk, packed and unpacked.
    pub async fn usage(&self) -> Result<Usage, Error> {
        let root = self.store.root().to_owned();
        blocking(move || Ok(usage::of(&root))).await
    }

    /// Removes a name, and the image with its last one; an id takes all its names along.
    /// What containers stand on stays until they are gone.
    pub async fn remove(&self, name: &str) -> Result<Removed, Error> {
        let (store, name) = (self.store.clone(), name.to_owned());
        blocking(move || Ok(clear::remove(&store, &name)?)).await
    }

    /// Removes images without a name, or `all` that no container stands on, and what nobody needs any more.
    pub async fn prune(&self, all: bool) -> Result<Removed, Error> {
        let store = self.store.clone();
        blocking(move || Ok(clear::prune(&store, all)?)).await
    }

    fn image(&self, id: &str, record: &Record) -> Result<Image, ImageError> {
        Ok(Image::new(id, record, self.store.config(id)?.config))
    }

    /// Keeps an image's layers for a container; where they lie, uppermost first.
    pub(crate) fn hold(&self, image: &Image, holder: &str) -> Result<Vec<PathBuf>, ImageError> {
        let _bringing = self.store.bring()?;
        self.store.hold(&image.layers, holder)?;
        let layers = image.layers.iter().rev().map(|layer| self.store.layer(&layer.diff_id)).collect::<Vec<_>>();
        match layers.iter().find(|layer| !layer.is_dir()) {
            // Somebody removed the image in this moment.
            Some(_) => Err(ImageError::NotFound { name: image.id.clone() }),
            None => Ok(layers),
        }
    }
}

impl Image {
    fn new(id: &str, record: &Record, config: ImageConfig) -> Image {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect();
        Image {
            id: id.to_owned(),
            config,
            repo_tags: list(&record.tags),
            repo_digests: list(&record.digests),
            size: record.size,
            manifest: record.manifest.clone(),
            layers: record.layers.clone(),
        }
    }
}

fn parse(name: &str) -> Result<Reference, ImageError> {
    Reference::parse(name).map_err(|source| ImageError::Name { name: name.to_owned(), source })
}

/// Looks for an image by whatever it is called.
fn find<'a>(index: &'a store::Index, name: &str) -> Result<Option<(&'a String, &'a Record)>, ImageError> {
    let hex = name.strip_prefix("sha256:").unwrap_or(name);
    if hex.len() >= 12 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let id = format!("sha256:{hex}");
        if let Some(found) = index.images.range(id.clone()..).next().filter(|(one, _)| one.starts_with(&id)) {
            return Ok(Some(found));
        }
    }
    if name.starts_with("sha256:") {
        return Ok(None);
    }
    let full = parse(name)?.to_string();
    let has = |record: &Record| record.tags.contains(&full) || record.digests.contains(&full);
    Ok(index.images.iter().find(|(_, record)| has(record)))
}

fn is_ours(platform: &Platform) -> bool {
    platform.os == "linux" && platform.architecture == architecture()
}

/// The manifest of an index that is for this machine; without any platform said, the first.
fn choose(manifests: &[Descriptor]) -> Option<&Descriptor> {
    let said = |one: &&Descriptor| one.platform.as_ref().is_some_and(is_ours);
    manifests.iter().find(said).or_else(|| manifests.iter().find(|one| one.platform.is_none()))
}

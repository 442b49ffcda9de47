//! Images from files: a folder that is a root file system, an archive of `docker save`, an OCI layout (a folder or an
//! archive of one). What a path holds is found out by looking.

use super::config::{Descriptor, Manifest, architecture};
use super::reference::{Reference, is_digest};
use super::store::{Hashing, Store};
use super::unpack::decompress;
use super::{Image, ImageError, parse};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek};
use std::path::{Path, PathBuf};
use value::json;

pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Where an OCI layout says its images' names.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Where containerd's archives say the full name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// What a root file system does not say by itself.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// A name for the image; needed for a root file system, and instead of the names that an archive says.
    pub name: Option<String>,
    /// For a root file system: the configuration.
    pub config: super::ImageConfig,
}

/// Imports what is at a path.
pub(crate) fn import(store: &Store, path: &Path, options: &ImportOptions) -> Result<Vec<Image>, ImageError> {
    let _bringing = store.bring()?;
    let name = options.name.as_deref().map(parse).transpose()?;
    let metadata = std::fs::metadata(path).map_err(|error| ImageError::io("read", path, error))?;
    if !metadata.is_dir() {
        return archive(store, path, name);
    }
    if path.join("oci-layout").is_file() {
        return layout(store, &FolderOf(path.to_owned()), path, name);
    }
    let name = name.ok_or_else(|| ImageError::NameNeeded { path: path.to_owned() })?;
    folder(store, path, &name, options).map(|image| vec![image])
}

/// A root file system becomes one layer.
fn folder(store: &Store, path: &Path, name: &Reference, options: &ImportOptions) -> Result<Image, ImageError> {
    let packed = store.incoming();
    let packing = pack(path, &packed);
    let (digest, size) = match packing {
        Ok(packed) => packed,
        Err(error) => {
            let _the_first_error_counts = std::fs::remove_file(&packed);
            return Err(ImageError::io("pack", path, error));
        }
    };
    let blob = store.blob(&digest);
    std::fs::rename(&packed, &blob).map_err(|error| ImageError::io("write", blob, error))?;
    store.unpack(&digest, &digest)?;
    let config = json!({
        "architecture": architecture(), "os": "linux", "config": options.config,
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    });
    let config = serde_json::to_vec(&config).map_err(|error| ImageError::io("write", path, error.into()))?;
    let config_digest = store.take_document(&config)?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config_digest, "size": config.len()},
        "layers": [{"mediaType": LAYER, "digest": digest, "size": size}],
    });
    let manifest = serde_json::to_vec(&manifest).map_err(|error| ImageError::io("write", path, error.into()))?;
    let manifest = store.take_document(&manifest)?;
    store.record(&manifest, Some(&name.to_string()), Some(name.at(&manifest)))
}

/// Packs a folder as it is, owners and links and all.
fn pack(path: &Path, into: &Path) -> io::Result<(String, u64)> {
    let mut writer = Hashing::new(BufWriter::with_capacity(128 * 1024, File::create(into)?));
    let mut builder = tar::Builder::new(&mut writer);
    builder.follow_symlinks(false);
    builder.append_dir_all("", path)?;
    builder.finish()?;
    drop(builder);
    io::Write::flush(&mut writer)?;
    let size = std::fs::metadata(into)?.len();
    Ok((writer.digest(), size))
}

/// `manifest.json` of `docker save`.
#[derive(Deserialize)]
struct DockerImage {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
}

/// Where the files of an image come from.
trait Files {
    /// The file of this name, or `None`.
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read>>>;
}

struct FolderOf(PathBuf);

impl Files for FolderOf {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read>>> {
        let root = File::open(&self.0)?;
        match crate::rootfs::open_inside(
            &root,
            Path::new(name),
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK,
        ) {
            Ok(file) => Ok(Some(Box::new(BufReader::with_capacity(128 * 1024, File::from(file))))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// An archive, by the places of its files; links point at other files of it.
struct ArchiveOf {
    path: PathBuf,
    places: HashMap<PathBuf, (u64, u64)>,
    links: HashMap<PathBuf, PathBuf>,
}

impl ArchiveOf {
    fn read(path: &Path) -> io::Result<ArchiveOf> {
        let mut archive = tar::Archive::new(BufReader::new(File::open(path)?));
        let (mut places, mut links) = (HashMap::new(), HashMap::new());
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let name = clean(&entry.path()?);
            if let Some(target) = entry.link_name()? {
                let beside = name.parent().unwrap_or(Path::new("")).to_owned();
                let base = if entry.header().entry_type().is_symlink() { beside } else { PathBuf::new() };
                links.insert(name, clean(&base.join(target)));
            } else if entry.header().entry_type().is_file() {
                places.insert(name, (entry.raw_file_position(), entry.size()));
            }
        }
        Ok(ArchiveOf { path: path.to_owned(), places, links })
    }
}

impl Files for ArchiveOf {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read>>> {
        let mut name = &clean(Path::new(name));
        for _ in 0..8 {
            if let Some((place, size)) = self.places.get(name) {
                let mut file = File::open(&self.path)?;
                file.seek(io::SeekFrom::Start(*place))?;
                return Ok(Some(Box::new(BufReader::with_capacity(128 * 1024, file.take(*size)))));
            }
            match self.links.get(name) {
                Some(target) => name = target,
                None => break,
            }
        }
        Ok(None)
    }
}

/// Without `.`, and with `..` taken where it can be.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => clean.push(name),
            std::path::Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}

/// An archive is one of `docker save` or of an OCI layout; newer ones of the former are both.
fn archive(store: &Store, path: &Path, name: Option<Reference>) -> Result<Vec<Image>, ImageError> {
    let failed = |error: io::Error| ImageError::io("read", path, error);
    let plain = store.incoming();
    let compressed = inflate(path, &plain).map_err(failed)?;
    let imported = (|| {
        let files = ArchiveOf::read(if compressed { &plain } else { path }).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => failed(error),
            _ => ImageError::Unrecognised { path: path.to_owned() },
        })?;
        if let Some(text) = document(&files, "manifest.json").map_err(failed)? {
            return docker(store, &files, path, &text, name);
        }
        if document(&files, "oci-layout").map_err(failed)?.is_some() {
            return layout(store, &files, path, name);
        }
        Err(ImageError::Unrecognised { path: path.to_owned() })
    })();
    if compressed {
        let _gone_already = std::fs::remove_file(&plain);
    }
    imported
}

/// An archive that is compressed as a whole is written out plain, because we have to jump about in it.
fn inflate(path: &Path, plain: &Path) -> io::Result<bool> {
    let mut magic = [0; 4];
    let length = File::open(path)?.read(&mut magic)?;
    if length < 4 || !matches!(magic, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(false);
    }
    let mut from = decompress(Box::new(BufReader::new(File::open(path)?)))?;
    io::copy(&mut from, &mut File::create(plain)?)?;
    Ok(true)
}

fn document(files: &dyn Files, name: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = files.open(name)? else { return Ok(None) };
    let mut text = Vec::new();
    file.take(super::store::LARGEST_DOCUMENT).read_to_end(&mut text)?;
    Ok(Some(text))
}

fn docker(
    store: &Store,
    files: &dyn Files,
    path: &Path,
    text: &[u8],
    name: Option<Reference>,
) -> Result<Vec<Image>, ImageError> {
    let failed = |error: io::Error| ImageError::io("read", path, error);
    let found: Vec<DockerImage> = serde_json::from_slice(text).map_err(|error| failed(error.into()))?;
    let mut images = Vec::new();
    for one in found {
        let missing = |file: &str| ImageError::Missing { path: path.to_owned(), file: file.to_owned() };
        let config = document(files, &one.config).map_err(failed)?.ok_or_else(|| missing(&one.config))?;
        let config_digest = store.take_document(&config)?;
        let diff_ids = store.config(&config_digest)?.rootfs.diff_ids;
        if diff_ids.len() != one.layers.len() {
            return Err(ImageError::LayerCount { manifest: one.layers.len(), config: diff_ids.len() });
        }
        let mut layers = Vec::new();
        for (file, diff_id) in one.layers.iter().zip(&diff_ids) {
            let mut layer = files.open(file).map_err(failed)?.ok_or_else(|| missing(file))?;
            let (digest, size) = store.take_blob(&mut layer, None)?;
            store.unpack(&digest, diff_id)?;
            let kind = if digest == *diff_id { LAYER.to_owned() } else { format!("{LAYER}+gzip") };
            layers.push(Descriptor { media_type: kind, digest, size, ..Descriptor::default() });
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config_digest, "size": config.len()},
            "layers": layers,
        });
        let manifest = serde_json::to_vec(&manifest).map_err(|error| failed(error.into()))?;
        let manifest = store.take_document(&manifest)?;
        let names = match &name {
            Some(name) => vec![name.clone()],
            None => one.tags.unwrap_or_default().iter().map(|tag| parse(tag)).collect::<Result<_, _>>()?,
        };
        images.push(record_all(store, &manifest, &names)?);
    }
    Ok(images)
}

/// Records an image under all its names, or under none.
fn record_all(store: &Store, manifest: &str, names: &[Reference]) -> Result<Image, ImageError> {
    let mut image = None;
    for name in names {
        image = Some(store.record(manifest, Some(&name.to_string()), Some(name.at(manifest)))?);
    }
    image.map_or_else(|| store.record(manifest, None, None), Ok)
}

fn layout(store: &Store, files: &dyn Files, path: &Path, name: Option<Reference>) -> Result<Vec<Image>, ImageError> {
    let failed = |error: io::Error| ImageError::io("read", path, error);
    let index = document(files, "index.json").map_err(failed)?;
    let index = index.ok_or_else(|| ImageError::Missing { path: path.to_owned(), file: "index.json".to_owned() })?;
    let index: Manifest = serde_json::from_slice(&index).map_err(|error| failed(error.into()))?;
    let mut images = Vec::new();
    for one in &index.manifests {
        let Some(manifest) = manifest_of(store, files, path, one.clone())? else { continue };
        let parsed = store.manifest(&manifest)?;
        take(store, files, path, &parsed.config.digest)?;
        let diff_ids = store.config(&parsed.config.digest)?.rootfs.diff_ids;
        for layer in super::store::pair(&parsed.layers, &diff_ids)? {
            take(store, files, path, &layer.digest)?;
            store.unpack(&layer.digest, &layer.diff_id)?;
        }
        let names = match &name {
            Some(name) => vec![name.clone()],
            None => name_of(one).map(|name| parse(&name)).transpose()?.into_iter().collect(),
        };
        images.push(record_all(store, &manifest, &names)?);
    }
    if images.is_empty() {
        return Err(ImageError::NoPlatform { name: path.display().to_string(), architecture: architecture() });
    }
    Ok(images)
}

fn name_of(descriptor: &Descriptor) -> Option<String> {
    let said = |key| descriptor.annotations.get(key).cloned();
    // A bare tag names no image.
    said(CONTAINERD_NAME).or_else(|| said(REF_NAME).filter(|name| name.contains(['/', ':'])))
}

/// Follows an index to the manifest for this machine.
fn manifest_of(
    store: &Store,
    files: &dyn Files,
    path: &Path,
    mut one: Descriptor,
) -> Result<Option<String>, ImageError> {
    for _ in 0..4 {
        take(store, files, path, &one.digest)?;
        let parsed = store.manifest(&one.digest)?;
        if parsed.manifests.is_empty() {
            let ours = one.platform.as_ref().is_none_or(super::is_ours);
            return Ok(ours.then_some(one.digest));
        }
        match super::choose(&parsed.manifests) {
            Some(chosen) => one = chosen.clone(),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Takes a blob out of a layout, and checks it.
fn take(store: &Store, files: &dyn Files, path: &Path, digest: &str) -> Result<(), ImageError> {
    if !is_digest(digest) {
        return Err(ImageError::BadDigest { digest: digest.to_owned() });
    }
    if store.has_blob(digest) {
        return Ok(());
    }
    let name = format!("blobs/{}", digest.replacen(':', "/", 1));
    let file = files.open(&name).map_err(|error| ImageError::io("read", path, error))?;
    let mut file = file.ok_or_else(|| ImageError::Missing { path: path.to_owned(), file: name })?;
    store.take_blob(&mut file, Some(digest)).map(|_| ())
}

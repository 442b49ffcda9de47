//! Images into files: one archive that `docker load` and readers of OCI layouts both take, or a layout as a folder.

use super::config::{Descriptor, Platform, architecture};
use super::import::{MANIFEST, REF_NAME};
use super::reference::Reference;
use super::store::Store;
use super::{Image, ImageError};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use value::{Value, json};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// An archive as of `docker save`, which is an OCI layout too.
    DockerArchive,
    /// An archive of an OCI layout.
    OciArchive,
    /// An OCI layout in a folder.
    OciLayout,
}

const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Writes images.
pub(crate) fn export(
    store: &Store,
    images: &[(Image, String)],
    to: &Path,
    format: ExportFormat,
) -> Result<(), ImageError> {
    let _bringing = store.bring()?;
    let documents = documents(store, images, format)?;
    let blobs = blobs(store, images)?;
    let failed = |error| ImageError::io("write", to, error);
    if format == ExportFormat::OciLayout {
        return folder(store, to, &documents, &blobs).map_err(failed);
    }
    // Whoever reads it sees the whole archive or none.
    let beside = to.with_file_name(format!(".{}.part", to.file_name().unwrap_or_default().to_string_lossy()));
    let written = archive(store, &beside, &documents, &blobs).and_then(|()| std::fs::rename(&beside, to));
    written.map_err(|error| {
        let _the_first_error_counts = std::fs::remove_file(&beside);
        failed(error)
    })
}

fn documents(
    store: &Store,
    images: &[(Image, String)],
    format: ExportFormat,
) -> Result<Vec<(&'static str, Vec<u8>)>, ImageError> {
    let mut index = Vec::new();
    let mut docker: BTreeMap<String, Value> = BTreeMap::new();
    for (image, name) in images {
        let manifest = store.manifest(&image.manifest)?;
        let text = store.document(&image.manifest)?;
        let kind = if manifest.media_type.is_empty() { MANIFEST.to_owned() } else { manifest.media_type.clone() };
        let mut annotations = BTreeMap::new();
        if let Ok(full) = Reference::parse(name) {
            annotations.insert(CONTAINERD_NAME.to_owned(), full.to_string());
            annotations.insert(REF_NAME.to_owned(), full.tag.clone().unwrap_or_else(|| full.to_string()));
        }
        let platform = Platform { architecture: architecture().to_owned(), os: "linux".to_owned(), variant: None };
        index.push(Descriptor {
            media_type: kind,
            digest: image.manifest.clone(),
            size: text.len() as u64,
            platform: Some(platform),
            annotations,
        });
        let path = |digest: &str| format!("blobs/{}", digest.replacen(':', "/", 1));
        let layers: Vec<_> = manifest.layers.iter().map(|layer| path(&layer.digest)).collect();
        let entry = docker
            .entry(image.id.clone())
            .or_insert_with(|| json!({"Config": path(&image.id), "RepoTags": [], "Layers": layers}));
        if let (Some(tags), Ok(full)) = (entry["RepoTags"].as_array_mut(), Reference::parse(name))
            && full.digest.is_none()
        {
            tags.push(json!(full.to_string()));
        }
    }
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": index});
    let mut documents = vec![
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json", index.to_string().into_bytes()),
    ];
    if format == ExportFormat::DockerArchive {
        let list: Vec<_> = docker.into_values().collect();
        documents.push(("manifest.json", json!(list).to_string().into_bytes()));
    }
    Ok(documents)
}

fn blobs(store: &Store, images: &[(Image, String)]) -> Result<BTreeSet<String>, ImageError> {
    let mut blobs = BTreeSet::new();
    for (image, _) in images {
        let manifest = store.manifest(&image.manifest)?;
        blobs.extend([image.manifest.clone(), image.id.clone()]);
        blobs.extend(manifest.layers.into_iter().map(|layer| layer.digest));
    }
    Ok(blobs)
}

fn archive(store: &Store, to: &Path, documents: &[(&str, Vec<u8>)], blobs: &BTreeSet<String>) -> io::Result<()> {
    let mut builder = tar::Builder::new(BufWriter::with_capacity(128 * 1024, File::create(to)?));
    let header = |size: u64, kind: tar::EntryType, mode: u32| {
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        header.set_mode(mode);
        header.set_entry_type(kind);
        header
    };
    for (name, text) in documents {
        builder.append_data(&mut header(text.len() as u64, tar::EntryType::Regular, 0o644), name, text.as_slice())?;
    }
    for folder in ["blobs/", "blobs/sha256/"] {
        builder.append_data(&mut header(0, tar::EntryType::Directory, 0o755), folder, io::empty())?;
    }
    for digest in blobs {
        let file = File::open(store.blob(digest))?;
        let size = file.metadata()?.len();
        let name = format!("blobs/{}", digest.replacen(':', "/", 1));
        builder.append_data(&mut header(size, tar::EntryType::Regular, 0o644), name, file)?;
    }
    builder.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn folder(store: &Store, to: &Path, documents: &[(&str, Vec<u8>)], blobs: &BTreeSet<String>) -> io::Result<()> {
    std::fs::create_dir_all(to.join("blobs/sha256"))?;
    for digest in blobs {
        std::fs::copy(store.blob(digest), to.join("blobs").join(digest.replacen(':', "/", 1)))?;
    }
    for (name, text) in documents {
        File::create(to.join(name))?.write_all(text)?;
    }
    Ok(())
}

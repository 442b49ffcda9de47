//! Removing images, and clearing away what no image and no container needs.

use super::ImageError;
use super::store::{Index, Store};
use std::collections::BTreeSet;
use std::path::Path;

/// What was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Names, and ids of images that are gone wholly.
    pub names: Vec<String>,
    /// Bytes of packed layers and documents, and of unpacked layers.
    pub bytes: u64,
}

/// Removes a name; the image goes with its last one. An id takes all its names along.
pub(crate) fn remove(store: &Store, name: &str) -> Result<Removed, ImageError> {
    let names = store.change(|index| {
        let Some((id, _)) = super::find(index, name)? else {
            return Err(ImageError::NotFound { name: name.to_owned() });
        };
        let id = id.clone();
        Ok(take_name(index, &id, name))
    })??;
    Ok(Removed { names, bytes: clear(store)? })
}

fn take_name(index: &mut Index, id: &str, name: &str) -> Vec<String> {
    let Some(record) = index.images.get_mut(id) else { return Vec::new() };
    let full = super::Reference::parse(name).map(|name| name.to_string()).unwrap_or_default();
    if record.tags.len() > 1 && record.tags.remove(&full) {
        return vec![full];
    }
    let mut names: Vec<String> = record.tags.iter().cloned().collect();
    names.push(id.to_owned());
    index.images.remove(id);
    names
}

/// Removes images without a name, or all that no container stands on, and clears away.
pub(crate) fn prune(store: &Store, all: bool) -> Result<Removed, ImageError> {
    let held = store.held();
    let names = store.change(|index| {
        let unused = |record: &super::Record| !record.layers.iter().any(|layer| held.contains(&layer.diff_id));
        let gone: Vec<String> = index
            .images
            .iter()
            .filter(|(_, record)| record.tags.is_empty() && unused(record) || all && unused(record))
            .map(|(id, _)| id.clone())
            .collect();
        let mut names = Vec::new();
        for id in gone {
            let record = index.images.remove(&id);
            names.extend(record.into_iter().flat_map(|record| record.tags));
            names.push(id);
        }
        names
    })?;
    Ok(Removed { names, bytes: clear(store)? })
}

/// Clears away blobs and layers that nobody needs; how many bytes they had.
fn clear(store: &Store) -> Result<u64, ImageError> {
    let _alone = store.clear()?;
    let index = store.index()?;
    let (mut blobs, mut layers) = (BTreeSet::new(), store.held());
    for (id, record) in &index.images {
        blobs.extend([id.clone(), record.manifest.clone()]);
        for layer in &record.layers {
            blobs.insert(layer.digest.clone());
            layers.insert(layer.diff_id.clone());
        }
    }
    let bytes = keep_only(&store.root().join("blobs/sha256"), &blobs)?
        + keep_only(&store.root().join("layers"), &layers)?
        + keep_only(&store.root().join("incoming"), &BTreeSet::new())?;
    Ok(bytes)
}

fn keep_only(folder: &Path, needed: &BTreeSet<String>) -> Result<u64, ImageError> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("sha256:{}", entry.file_name().to_string_lossy());
        if needed.contains(&name) {
            continue;
        }
        let path = entry.path();
        bytes += size(&path);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|error| ImageError::io("remove", path, error))?;
    }
    Ok(bytes)
}

/// Without recursion, since a layer's folders may be as deep as a stranger likes.
fn size(path: &Path) -> u64 {
    let mut bytes = 0;
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            left.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else {
            bytes += metadata.len();
        }
    }
    bytes
}

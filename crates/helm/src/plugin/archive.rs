//! Plug-ins in archives: `NAME-VERSION.tgz`, with the plug-in's folder in it.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Plugin;
use crate::Error;

/// The largest plug-in, unpacked.
const MAX_SIZE: u64 = 512 << 20;
const METADATA: &str = "plugin.yaml";

/// A file of an archive: its path without what could lead out of it, its bits, its bytes; none for a folder.
struct Entry {
    path: PathBuf,
    mode: u32,
    data: Option<Vec<u8>>,
}

/// The plug-in that an archive holds; it has no folder yet.
///
/// # Errors
/// Where it is no archive, or holds none.
pub fn plugin_of(data: &[u8]) -> Result<Plugin, Error> {
    let failed = |why: String| Error::Plugin(format!("failed to extract plugin metadata from tarball: {why}"));
    let entries = entries(data).map_err(|error| failed(error.to_string()))?;
    let found = entries.iter().find(|entry| entry.path.file_name().is_some_and(|name| name == METADATA));
    let text = found.and_then(|entry| entry.data.as_ref()).ok_or_else(|| {
        Error::Plugin("failed to extract plugin metadata from tarball: plugin.yaml not found in tarball".to_owned())
    })?;
    Plugin::parse(&String::from_utf8_lossy(text), Path::new("")).map_err(failed)
}

/// Unpacks an archive's plug-in into this folder, which is made.
///
/// # Errors
/// Where it is no archive or holds no plug-in, or the folder cannot be written.
pub fn unpack(data: &[u8], folder: &Path) -> Result<(), Error> {
    let entries = entries(data)?;
    let missing = || Error::Plugin("plugin metadata (plugin.yaml) missing".to_owned());
    let has = |path: &Path| entries.iter().any(|entry| entry.path == path.join(METADATA));
    let tops = entries.iter().filter_map(|entry| entry.path.components().next());
    let mut roots = std::iter::once(PathBuf::new()).chain(tops.map(|top| PathBuf::from(top.as_os_str())));
    let root = roots.find(|root| has(root)).ok_or_else(missing)?;
    for entry in &entries {
        let Ok(inner) = entry.path.strip_prefix(&root) else { continue };
        write(&folder.join(inner), entry)?;
    }
    Ok(())
}

fn write(path: &Path, entry: &Entry) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| Error::file(path, source);
    let Some(data) = &entry.data else { return std::fs::create_dir_all(path).map_err(failed) };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(path, data).map_err(failed)?;
    // No more than to read, write and run.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(entry.mode & 0o755)).map_err(failed)
}

/// The files and folders of an archive. What is neither is left out.
fn entries(data: &[u8]) -> Result<Vec<Entry>, Error> {
    let broken = |error: std::io::Error| Error::Plugin(error.to_string());
    let mut archive = tar::Archive::new(MultiGzDecoder::new(data).take(MAX_SIZE));
    let mut found = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = inner(&entry.path().map_err(broken)?)?;
        let (kind, mode) = (entry.header().entry_type(), entry.header().mode().unwrap_or(0o644));
        if kind.is_dir() {
            found.push(Entry { path, mode, data: None });
        } else if kind.is_file() {
            let mut data = Vec::new();
            entry.read_to_end(&mut data).map_err(broken)?;
            found.push(Entry { path, mode, data: Some(data) });
        }
    }
    Ok(found)
}

/// A path that stays within the folder.
fn inner(path: &Path) -> Result<PathBuf, Error> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => clean.push(part),
            _ => return Err(Error::Plugin(format!("{} leads out of the archive", path.display()))),
        }
    }
    Ok(clean)
}

/// Packs a plug-in's folder.
///
/// # Errors
/// Where a file cannot be read.
pub fn pack(plugin: &Plugin) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::file(&plugin.folder, source);
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    tar.follow_symlinks(false);
    tar.append_dir_all(&plugin.name, &plugin.folder).map_err(failed)?;
    tar.into_inner().and_then(GzEncoder::finish).map_err(failed)
}

/// Whether a file's name is that of an archive.
#[must_use]
pub fn is_archive(name: &str) -> bool {
    [".tgz", ".tar.gz"].iter().any(|ending| name.ends_with(ending))
}

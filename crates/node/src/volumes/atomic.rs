//! Files that change all at once: a folder of this moment, and a link `..data` that is turned to it.
//!
//! What containers see are links through `..data`, so one rename shows them all new files together.

use super::VolumeError;
use super::files::{File, Payload};
use super::ownership::Group;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// The link to the present folder.
const DATA: &str = "..data";
/// The link that becomes it.
const NEXT: &str = "..data_tmp";

/// Writes the payload of a volume. Nothing is touched if nothing changed; whether something did.
pub(super) fn write(root: &Path, payload: &Payload, group: Option<&Group>) -> Result<bool, VolumeError> {
    let old = fs::read_link(root.join(DATA)).ok();
    if let Some(old) = &old
        && is_same(&root.join(old), payload, group)
    {
        link_names(root, payload)?;
        return Ok(false);
    }
    let name = fresh_name();
    let folder = root.join(&name);
    make_folder(&folder, 0o755)?;
    for (path, file) in payload {
        write_file(&folder, path, file)?;
    }
    if let Some(group) = group {
        group.give(&folder, true)?;
    }
    turn(root, &name)?;
    link_names(root, payload)?;
    drop_names(root, payload)?;
    if let Some(old) = old.filter(|old| old.as_os_str() != name.as_str()) {
        let old = root.join(old);
        fs::remove_dir_all(&old).map_err(|error| VolumeError::io("remove", &old, error))?;
    }
    Ok(true)
}

/// A name that no other moment has.
fn fresh_name() -> String {
    let now = k8s_openapi::jiff::Timestamp::now();
    let (date, time) = now.to_string().split_once('T').map(|(d, t)| (d.to_owned(), t.to_owned())).unwrap_or_default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("..{}_{}.{}", date.replace('-', "_"), time.get(..8).unwrap_or_default().replace(':', "_"), &random[..10])
}

fn make_folder(path: &Path, mode: u32) -> Result<(), VolumeError> {
    fs::create_dir_all(path).map_err(|error| VolumeError::io("make the folder", path, error))?;
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.map_err(|error| VolumeError::io("set the mode of", path, error))
}

fn write_file(folder: &Path, path: &str, file: &File) -> Result<(), VolumeError> {
    let full = folder.join(path);
    if let Some(parent) = full.parent().filter(|parent| *parent != folder) {
        make_folder(parent, 0o755)?;
    }
    let written = (|| -> io::Result<()> {
        let mut out = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&full)?;
        out.write_all(&file.data)?;
        out.set_permissions(fs::Permissions::from_mode(file.mode))?;
        if let Some(user) = file.user {
            chown(&full, Some(user), None)?;
        }
        Ok(())
    })();
    written.map_err(|error| VolumeError::io("write", &full, error))
}

/// Turns `..data` to another folder.
fn turn(root: &Path, name: &str) -> Result<(), VolumeError> {
    let next = root.join(NEXT);
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(VolumeError::io("remove", &next, error)),
        _ => {}
    }
    symlink(name, &next).map_err(|error| VolumeError::io("link", &next, error))?;
    fs::rename(&next, root.join(DATA)).map_err(|error| VolumeError::io("rename", &next, error))
}

/// The first parts of all paths.
fn names(payload: &Payload) -> BTreeSet<&str> {
    payload.keys().filter_map(|path| path.split('/').next()).collect()
}

fn link_names(root: &Path, payload: &Payload) -> Result<(), VolumeError> {
    for name in names(payload) {
        let link = root.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new(DATA).join(name), &link).map_err(|error| VolumeError::io("link", &link, error))?;
        }
    }
    Ok(())
}

fn drop_names(root: &Path, payload: &Payload) -> Result<(), VolumeError> {
    let wanted = names(payload);
    let entries = fs::read_dir(root).map_err(|error| VolumeError::io("read", root, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with("..") && !wanted.contains(&*name) {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| VolumeError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Whether a folder has exactly these files.
fn is_same(folder: &Path, payload: &Payload, group: Option<&Group>) -> bool {
    let mut found = Vec::new();
    if list(folder, folder, &mut found).is_err() || found.len() != payload.len() {
        return false;
    }
    payload.iter().all(|(path, file)| {
        let full = folder.join(path);
        let Ok(meta) = fs::symlink_metadata(&full) else { return false };
        // A group changes modes; then only the rights of others tell.
        let mask = if group.is_some() { 0o007 } else { 0o7777 };
        meta.is_file()
            && meta.mode() & mask == file.mode & mask
            && file.user.is_none_or(|user| meta.uid() == user)
            && fs::read(&full).is_ok_and(|data| data == file.data)
    })
}

fn list(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let list = if entry.file_type()?.is_dir() { &mut folders } else { &mut *found };
            list.push(entry.path());
        }
    }
    debug_assert!(found.iter().all(|path| path.starts_with(root)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(files: &[(&str, &str)]) -> Payload {
        let file = |text: &str| File { data: text.as_bytes().to_vec(), mode: 0o644, user: None };
        files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
    }

    fn read(root: &Path, path: &str) -> Option<String> {
        fs::read_to_string(root.join(path)).ok()
    }

    #[test]
    fn files_change_together() {
        let world = tempfile::tempdir().unwrap();
        let root = world.path();
        assert!(write(root, &payload(&[("a", "1"), ("d/b", "1")]), None).unwrap());
        assert_eq!((read(root, "a"), read(root, "d/b")), (Some("1".to_owned()), Some("1".to_owned())));
        assert_eq!(fs::read_link(root.join("a")).unwrap(), Path::new("..data/a"));
        assert_eq!(fs::read_link(root.join("d")).unwrap(), Path::new("..data/d"));
        let first = fs::read_link(root.join(DATA)).unwrap();
        assert!(!write(root, &payload(&[("a", "1"), ("d/b", "1")]), None).unwrap(), "nothing changed");
        assert_eq!(fs::read_link(root.join(DATA)).unwrap(), first);
        assert!(write(root, &payload(&[("a", "2"), ("c", "1")]), None).unwrap());
        assert_eq!(
            (read(root, "a"), read(root, "c"), read(root, "d/b")),
            (Some("2".to_owned()), Some("1".to_owned()), None)
        );
        assert!(!root.join(first).exists(), "the folder of before is gone");
        assert!(fs::symlink_metadata(root.join("d")).is_err());
    }

    #[test]
    fn modes_are_kept() {
        let world = tempfile::tempdir().unwrap();
        let mut files = payload(&[("a", "1")]);
        files.get_mut("a").unwrap().mode = 0o400;
        write(world.path(), &files, None).unwrap();
        assert_eq!(fs::metadata(world.path().join("a")).unwrap().mode() & 0o7777, 0o400);
        files.get_mut("a").unwrap().mode = 0o440;
        assert!(write(world.path(), &files, None).unwrap());
    }

    #[test]
    fn an_empty_payload_is_an_empty_folder() {
        let world = tempfile::tempdir().unwrap();
        write(world.path(), &payload(&[("a", "1")]), None).unwrap();
        write(world.path(), &Payload::new(), None).unwrap();
        assert_eq!(read(world.path(), "a"), None);
    }
}

//! Parts of volumes, mounted by what they are and not by how they are called: whoever swaps a folder for a link while
//! we look gains nothing.
//!
//! The kernel resolves the path below the volume's root and hands us the file itself; that is what is mounted.

use super::VolumeError;
use super::mounts::{make_folder, unmount_one};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, open, openat2};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// Mounts `sub` of `volume` at `target`, which is made; folders that are not there are made too.
pub(crate) fn mount(volume: &Path, sub: &str, target: &Path) -> Result<(), VolumeError> {
    let part = open_part(volume, sub)?;
    unmount_one(target)?;
    make_target(&part, target)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(&part, "", flags).map_err(|error| VolumeError::io("open", &volume.join(sub), error))?;
    move_mount(&tree, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .map_err(|error| VolumeError::io("mount", target, error))
}

/// Opens a part of a volume, making folders on the way.
fn open_part(volume: &Path, sub: &str) -> Result<OwnedFd, VolumeError> {
    let full = volume.join(sub);
    let root = open(volume, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| VolumeError::io("open", volume, error))?;
    match beneath(&root, Path::new(sub)) {
        Ok(part) => return Ok(part),
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(VolumeError::io("open", &full, error)),
    }
    let mode = fstat(&root).map_err(|error| VolumeError::io("look at", volume, error))?.st_mode;
    let mode = Mode::from_raw_mode(mode & 0o7777);
    let mut walked = PathBuf::new();
    for component in Path::new(sub).components() {
        let Component::Normal(name) = component else { continue };
        let parent = match walked.as_os_str().is_empty() {
            true => beneath(&root, Path::new(".")),
            false => beneath(&root, &walked),
        };
        let parent = parent.map_err(|error| VolumeError::io("open", &full, error))?;
        match mkdirat(&parent, name, mode) {
            Ok(()) => {
                let made = openat2(
                    &parent,
                    name,
                    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
                    Mode::empty(),
                    ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
                );
                // The mask of the process must not take rights away.
                let set = made.and_then(|made| rustix::fs::fchmod(&made, mode));
                set.map_err(|error| VolumeError::io("set the mode of", &full, error))?;
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(VolumeError::io("make the folder", &full, error)),
        }
        walked.push(name);
    }
    beneath(&root, Path::new(sub)).map_err(|error| VolumeError::io("open", &full, error))
}

fn beneath(root: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), how)
}

/// Something to mount upon, of the same kind.
fn make_target(part: &OwnedFd, target: &Path) -> Result<(), VolumeError> {
    let kind = fstat(part).map_err(|error| VolumeError::io("look at", target, error))?.st_mode;
    let is_folder = FileType::from_raw_mode(kind) == FileType::Directory;
    if is_folder {
        return make_folder(target);
    }
    make_folder(target.parent().unwrap_or(target))?;
    let made = fs::OpenOptions::new().create(true).append(true).open(target).map(drop);
    made.map_err(|error: io::Error| VolumeError::io("make the file", target, error))
}

/// Why a subPath cannot be, before anything is opened.
pub(crate) fn check(sub: &str) -> Result<(), String> {
    if sub.starts_with('/') {
        return Err(format!("error SubPath `{sub}` must not be an absolute path"));
    }
    if sub.split('/').any(|part| part == "..") {
        return Err(format!("unable to provision SubPath `{sub}`: must not contain '..'"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn nothing_leads_out_of_a_volume() {
        let world = tempfile::tempdir().unwrap();
        let (volume, outside) = (world.path().join("volume"), world.path().join("outside"));
        fs::create_dir_all(volume.join("inner")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("secret"), "x").unwrap();
        symlink("../outside", volume.join("relative")).unwrap();
        symlink(&outside, volume.join("absolute")).unwrap();
        symlink("inner", volume.join("good")).unwrap();
        symlink("..", volume.join("inner/up")).unwrap();
        for bad in ["relative", "relative/secret", "absolute", "absolute/secret", "relative/new", "inner/up/../.."] {
            assert!(open_part(&volume, bad).is_err(), "{bad}");
        }
        for good in ["inner", "good", "inner/up", "new/one", "good/made"] {
            assert!(open_part(&volume, good).is_ok(), "{good}");
        }
        assert!(!outside.join("new").exists());
        assert!(volume.join("inner/made").is_dir());
    }

    #[test]
    fn made_folders_have_the_mode_of_the_volume() {
        let world = tempfile::tempdir().unwrap();
        let mode = fs::metadata(world.path()).unwrap().mode() & 0o7777;
        open_part(world.path(), "a/b").unwrap();
        assert_eq!(fs::metadata(world.path().join("a/b")).unwrap().mode() & 0o7777, mode);
    }

    #[test]
    fn paths_are_checked() {
        assert!(check("a/b").is_ok());
        assert!(check("/a").is_err());
        assert!(check("a/../b").is_err());
        assert!(check("a..b").is_ok());
    }
}

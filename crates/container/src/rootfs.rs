//! A container's root file system: the image's layers below, a folder of its own on top (overlayfs), and safe ways to look
//! into it. What is in it comes from strangers: no path is followed out of it.

pub(crate) mod identity;

use crate::error::Error;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, UnmountFlags};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// More links than this in one path are a circle.
const MOST_LINKS: u32 = 32;

/// Mounts the layers, uppermost first, under a writable folder at `target`.
pub(crate) fn mount(layers: &[PathBuf], own: &Path, target: &Path) -> Result<(), Error> {
    let (upper, work) = (own.join("upper"), own.join("work"));
    for folder in [&upper, &work, &target.to_owned()] {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, error))?;
    }
    // What a container writes is gone with it, so nothing of it needs to reach the disk in time ("volatile").
    match overlay(layers, &upper, &work, target, true) {
        Err(Errno::INVAL) => overlay(layers, &upper, &work, target, false),
        done => done,
    }
    .map_err(|error| Error::io("mount the root file system at", target, error))
}

fn overlay(layers: &[PathBuf], upper: &Path, work: &Path, target: &Path, volatile: bool) -> Result<(), Errno> {
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    rustix::mount::fsconfig_set_string(context, "source", "overlay")?;
    for layer in layers {
        match rustix::mount::fsconfig_set_string(context, "lowerdir+", layer) {
            Err(Errno::INVAL) => return overlay_in_one_string(layers, upper, work, target, volatile),
            done => done?,
        }
    }
    rustix::mount::fsconfig_set_string(context, "upperdir", upper)?;
    rustix::mount::fsconfig_set_string(context, "workdir", work)?;
    if volatile {
        rustix::mount::fsconfig_set_flag(context, "volatile")?;
    }
    rustix::mount::fsconfig_create(context)?;
    let mount = rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    rustix::mount::move_mount(&mount, "", rustix::fs::CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// For kernels before 6.8: all layers in one option, which must fit into a page.
fn overlay_in_one_string(
    layers: &[PathBuf],
    upper: &Path,
    work: &Path,
    target: &Path,
    volatile: bool,
) -> Result<(), Errno> {
    let lower: Vec<_> = layers.iter().map(|layer| layer.to_string_lossy()).collect();
    let (upper, work) = (upper.to_string_lossy(), work.to_string_lossy());
    let mut options = format!("lowerdir={},upperdir={upper},workdir={work}", lower.join(":"));
    if volatile {
        options.push_str(",volatile");
    }
    let options = std::ffi::CString::new(options).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("overlay", target, "overlay", MountFlags::empty(), options.as_c_str())
}

/// A pod's shared memory.
pub(crate) fn mount_shm(target: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(target).map_err(|error| Error::io("make the folder", target, error))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("shm", target, "tmpfs", flags, c"mode=1777,size=65536k")
        .map_err(|error| Error::io("mount shared memory at", target, error))
}

/// Takes a mount away, whoever still uses it; what is not mounted is no error.
pub(crate) fn unmount(target: &Path) -> Result<(), Error> {
    loop {
        match rustix::mount::unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Error::io("unmount", target, error)),
        }
    }
}

/// Removes a folder and all in it; a missing one is no error.
pub(crate) fn remove_folder(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Opens a path inside of a root, for which every link starts and ends.
pub(crate) fn open_inside(root: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match rustix::fs::openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            other => return other,
        }
    }
}

/// Reads a small file inside of a root.
pub(crate) fn read_inside(root: impl AsFd, path: &Path, at_most: u64) -> Result<String, Errno> {
    let file = File::from(open_inside(root, path, OFlags::RDONLY | OFlags::NONBLOCK)?);
    let mut bytes = Vec::new();
    let read = std::io::Read::read_to_end(&mut std::io::Read::take(file, at_most), &mut bytes);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes a folder inside of a root, and those above it; also where a link leads that leads nowhere yet.
pub(crate) fn make_folder_inside(root: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let mut at = open_inside(&root, Path::new("."), flags)?;
    let mut below = PathBuf::new();
    let mut left: VecDeque<PathBuf> = parts(path).collect();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == Path::new("..") {
            below.pop();
            at = open_inside(&root, &Path::new(".").join(&below), flags)?;
            continue;
        }
        let next = below.join(&name);
        at = match open_inside(&root, &next, flags) {
            Err(Errno::NOENT) => match rustix::fs::mkdirat(&at, &name, Mode::from_raw_mode(0o755)) {
                Err(Errno::EXIST) if links < MOST_LINKS => {
                    links += 1;
                    let target = rustix::fs::readlinkat(&at, &name, Vec::new())?;
                    let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                    if target.is_absolute() {
                        below = PathBuf::new();
                        at = open_inside(&root, Path::new("."), flags)?;
                    }
                    parts(target).collect::<Vec<_>>().into_iter().rev().for_each(|part| left.push_front(part));
                    continue;
                }
                made => made.and_then(|()| open_inside(&root, &next, flags))?,
            },
            other => other?,
        };
        below = next;
    }
    Ok(at)
}

/// The names of a path, and its steps up.
fn parts(path: &Path) -> impl Iterator<Item = PathBuf> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    })
}

//! Mounting and unmounting below a pod's folder.

use super::VolumeError;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Makes a folder with those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), VolumeError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(path);
    made.map_err(|error| VolumeError::io("make the folder", path, error))
}

/// Makes a folder that is a file system in memory, unless it is one.
pub(crate) fn tmpfs_once(path: &Path, size: Option<i64>) -> Result<(), VolumeError> {
    make_folder(path)?;
    if is_mount_point(path)? {
        return Ok(());
    }
    let options = size.map(|size| format!("size={size}")).unwrap_or_default();
    mount_at(path, "tmpfs", &options, MountFlags::empty())
}

/// Makes a folder that is a file system of huge pages, unless it is one.
pub(crate) fn hugetlbfs_once(path: &Path, page_size: &str) -> Result<(), VolumeError> {
    make_folder(path)?;
    if is_mount_point(path)? {
        return Ok(());
    }
    let options = if page_size.is_empty() { String::new() } else { format!("pagesize={page_size}") };
    mount_at(path, "hugetlbfs", &options, MountFlags::empty())
}

fn mount_at(path: &Path, kind: &str, options: &str, flags: MountFlags) -> Result<(), VolumeError> {
    let text = CString::new(options).map_err(|error| VolumeError::io("mount", path, io::Error::other(error)))?;
    mount(kind, path, kind, flags, text.as_c_str()).map_err(|error| VolumeError::io("mount", path, error))
}

/// Whether a folder is the root of another file system than the one around it.
fn is_mount_point(path: &Path) -> Result<bool, VolumeError> {
    let device = |path: &Path| {
        fs::symlink_metadata(path).map(|meta| meta.dev()).map_err(|error| VolumeError::io("look at", path, error))
    };
    let parent = path.parent().unwrap_or(path);
    Ok(device(path)? != device(parent)?)
}

/// Unmounts one path; that nothing is mounted there is no failure.
pub(crate) fn unmount_one(path: &Path) -> Result<(), VolumeError> {
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(VolumeError::io("unmount", path, error)),
    }
}

/// Unmounts all that is mounted below a folder, the deepest first, and makes sure that nothing is left.
pub(crate) fn unmount_below(folder: &Path) -> Result<(), VolumeError> {
    for path in mounted_below(folder)?.iter().rev() {
        unmount_one(path)?;
    }
    match mounted_below(folder)?.into_iter().next() {
        None => Ok(()),
        Some(left) => Err(VolumeError::io("unmount", &left, io::Error::from(io::ErrorKind::ResourceBusy))),
    }
}

/// What is mounted below a folder, in the order of mounting.
pub(crate) fn mounted_below(folder: &Path) -> Result<Vec<PathBuf>, VolumeError> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).map_err(|error| VolumeError::io("read", table, error))?;
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let points = text.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| PathBuf::from(unescaped(point)));
    Ok(points.filter(|point| point.starts_with(&folder)).collect())
}

/// A path of the mount table: spaces and the like are octal there.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(&part.as_bytes()[3..]);
            }
            None => {
                out.push(b'\\');
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_escapes_spaces() {
        assert_eq!(unescaped("/a\\040b\\134c"), "/a b\\c");
        assert_eq!(unescaped("/plain\\"), "/plain\\");
    }
}

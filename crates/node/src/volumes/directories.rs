//! emptyDir and hostPath.

use super::VolumeError;
use super::mounts::{hugetlbfs_once, make_folder, tmpfs_once};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes an empty folder that all may write.
pub(super) fn empty(path: &Path, medium: &str, size: Option<i64>) -> Result<(), VolumeError> {
    match medium {
        "Memory" => tmpfs_once(path, size)?,
        "HugePages" => hugetlbfs_once(path, "")?,
        other => match other.strip_prefix("HugePages-") {
            Some(page_size) => hugetlbfs_once(path, page_size.trim_end_matches('i'))?,
            None => make_folder(path)?,
        },
    }
    set_mode(path, 0o777)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), VolumeError> {
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.map_err(|error| VolumeError::io("set the mode of", path, error))
}

/// Checks a path of the host, and makes it where its type says so.
pub(super) fn host_path(path: &Path, kind: &str) -> Result<(), VolumeError> {
    let found = match fs::metadata(path) {
        Ok(found) => Some(found.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(VolumeError::io("look at", path, error)),
    };
    let check = |is: bool, wanted: &'static str| {
        let wrong = || VolumeError::HostPathType { path: path.display().to_string(), wanted };
        if is { Ok(()) } else { Err(wrong()) }
    };
    match kind {
        // Without a type nothing is checked, but what is not there cannot be mounted: it becomes a folder.
        "" | "DirectoryOrCreate" if found.is_none() => make_directory(path),
        "FileOrCreate" if found.is_none() => make_file(path),
        "DirectoryOrCreate" | "Directory" => check(found.is_some_and(|found| found.is_dir()), "directory"),
        "FileOrCreate" | "File" => check(found.is_some_and(|found| found.is_file()), "file"),
        "Socket" => check(found.is_some_and(|found| found.is_socket()), "socket file"),
        "CharDevice" => check(found.is_some_and(|found| found.is_char_device()), "character device"),
        "BlockDevice" => check(found.is_some_and(|found| found.is_block_device()), "block device"),
        _ => Ok(()),
    }
}

fn make_directory(path: &Path) -> Result<(), VolumeError> {
    fs::create_dir_all(path).map_err(|error| VolumeError::io("make the folder", path, error))?;
    set_mode(path, 0o755)
}

fn make_file(path: &Path) -> Result<(), VolumeError> {
    let made = fs::OpenOptions::new().create(true).append(true).mode(0o644).open(path);
    made.map(drop).map_err(|error| VolumeError::io("make the file", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_checked_and_made() {
        let world = tempfile::tempdir().unwrap();
        let (file, folder) = (world.path().join("file"), world.path().join("a/b"));
        let check = |path: &Path, kind: &str, want: Option<&str>| {
            let got = host_path(path, kind).err().map(|error| error.to_string());
            assert_eq!(got, want.map(|want| format!("hostPath type check failed: {} is not a {want}", path.display())));
        };
        check(&file, "File", Some("file"));
        check(&file, "FileOrCreate", None);
        check(&file, "FileOrCreate", None);
        check(&file, "File", None);
        check(&file, "Directory", Some("directory"));
        check(&file, "DirectoryOrCreate", Some("directory"));
        check(&file, "Socket", Some("socket file"));
        check(&folder, "DirectoryOrCreate", None);
        check(&folder, "Directory", None);
        check(&folder, "CharDevice", Some("character device"));
        check(Path::new("/dev/null"), "CharDevice", None);
        check(Path::new("/dev/null"), "BlockDevice", Some("block device"));
    }
}

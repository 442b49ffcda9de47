//! How much of the disk something takes.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes and files on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in blocks, as `du` counts them.
    pub bytes: u64,
    /// Files, folders and links; those with several names once.
    pub inodes: u64,
}

/// Of a folder and all in it. What goes away meanwhile is not counted. Without recursion, since a folder may be as deep as
/// a stranger likes.
pub(crate) fn of(path: &Path) -> Usage {
    let mut usage = Usage::default();
    let mut seen = HashSet::new();
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if metadata.nlink() > 1 && !metadata.is_dir() && !seen.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        usage.bytes += metadata.blocks() * 512;
        usage.inodes += 1;
        if metadata.is_dir() {
            left.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_one_file_count_once() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::write(&one, vec![1; 10_000]).unwrap();
        std::fs::hard_link(&one, two).unwrap();
        let usage = super::of(folder.path());
        assert_eq!(usage.inodes, 2);
        assert!((10_000..100_000).contains(&usage.bytes), "{usage:?}");
    }
}

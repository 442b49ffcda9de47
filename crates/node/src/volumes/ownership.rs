//! fsGroup: a volume's files belong to a group, and new ones will.

use super::VolumeError;
use crate::core::model::spec;
use k8s_openapi::api::core::v1::Pod;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

/// The group that volumes are given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    id: u32,
    /// Whether a volume is left alone whose root is right.
    on_mismatch: bool,
}

impl Group {
    /// That of a pod.
    pub(super) fn of(pod: &Pod) -> Option<Group> {
        let context = spec(pod).security_context.as_ref()?;
        let id = u32::try_from(context.fs_group?).ok()?;
        Some(Group { id, on_mismatch: context.fs_group_change_policy.as_deref() == Some("OnRootMismatch") })
    }

    /// Gives a folder with all below it to the group. Links are given, not followed.
    pub(super) fn give(&self, root: &Path, read_only: bool) -> Result<(), VolumeError> {
        if self.on_mismatch && self.has(root) {
            return Ok(());
        }
        let mut folders = Vec::new();
        let visit = |path: &Path, folders: &mut Vec<std::path::PathBuf>| {
            let is_folder = self.give_one(path, read_only)?;
            if is_folder {
                folders.push(path.to_owned());
            }
            Ok::<_, VolumeError>(())
        };
        visit(root, &mut folders)?;
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(|error| VolumeError::io("read", &folder, error))?;
            for entry in entries.flatten() {
                visit(&entry.path(), &mut folders)?;
            }
        }
        Ok(())
    }

    fn has(&self, root: &Path) -> bool {
        let wanted = 0o2770;
        fs::symlink_metadata(root).is_ok_and(|meta| meta.gid() == self.id && meta.mode() & wanted == wanted)
    }

    /// Gives one file; whether it is a folder.
    fn give_one(&self, path: &Path, read_only: bool) -> Result<bool, VolumeError> {
        let meta = fs::symlink_metadata(path).map_err(|error| VolumeError::io("look at", path, error))?;
        lchown(path, None, Some(self.id)).map_err(|error| VolumeError::io("change the owner of", path, error))?;
        if meta.is_symlink() {
            return Ok(false);
        }
        let rights = if read_only { 0o440 } else { 0o660 };
        let of_folder = if meta.is_dir() { 0o2110 } else { 0 };
        let mode = meta.mode() & 0o7777 | rights | of_folder;
        let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set.map_err(|error| VolumeError::io("set the mode of", path, error))?;
        Ok(meta.is_dir())
    }
}

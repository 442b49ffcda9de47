//! The devices of a container. The usual ones (`null`, `zero`, terminals, …) every runtime adds by itself.

use crate::config::{ContainerConfig, Device};
use crate::oci::devices::Allowed;
use rustix::fs::{FileType, major, minor};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use value::{Value, json};

/// Deeper than this no device lies.
const DEEPEST: usize = 8;

/// A device that was found on the node.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    path: PathBuf,
    block: bool,
    major: u32,
    minor: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    permissions: String,
}

/// Looks up the devices that a container asks for; a privileged one has all.
pub(crate) fn look_up(container: &ContainerConfig) -> Result<Vec<Found>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    if container.privileged {
        all_below(Path::new("/dev"), &mut found, DEEPEST);
    }
    for device in &container.devices {
        one(device, &mut found).map_err(|error| (device.host_path.clone(), error))?;
    }
    Ok(found)
}

/// A folder stands for the devices in it.
fn one(device: &Device, found: &mut Vec<Found>) -> io::Result<()> {
    let metadata = std::fs::metadata(&device.host_path)?;
    if !metadata.is_dir() {
        let node = node(&metadata, &device.container_path, &device.permissions);
        found.push(node.ok_or_else(|| io::Error::other("it is not a device"))?);
        return Ok(());
    }
    let mut inside = Vec::new();
    all_below(&device.host_path, &mut inside, DEEPEST);
    for mut node in inside {
        let below = node.path.strip_prefix(&device.host_path).unwrap_or(&node.path).to_owned();
        node.path = device.container_path.join(below);
        node.permissions.clone_from(&device.permissions);
        found.push(node);
    }
    Ok(())
}

fn all_below(folder: &Path, found: &mut Vec<Found>, depth: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            // Those are file systems of their own, which the container has its own of.
            let own = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];
            if depth > 0 && !own.iter().any(|name| entry.file_name() == *name) {
                all_below(&path, found, depth - 1);
            }
        } else if path != Path::new("/dev/console")
            && let Some(node) = node(&metadata, &path, "rwm")
        {
            found.push(node);
        }
    }
}

fn node(metadata: &std::fs::Metadata, path: &Path, permissions: &str) -> Option<Found> {
    let block = match FileType::from_raw_mode(metadata.mode()) {
        FileType::BlockDevice => true,
        FileType::CharacterDevice => false,
        _ => return None,
    };
    Some(Found {
        path: path.to_owned(),
        block,
        major: major(metadata.rdev()),
        minor: minor(metadata.rdev()),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        permissions: if permissions.is_empty() { "rwm".to_owned() } else { permissions.to_owned() },
    })
}

/// What a container may use: what every container may, and what was found for it. A privileged one may use all.
pub(crate) fn allowed(found: &[Found]) -> Vec<Allowed> {
    let usual = [
        // Any node may be made; using it is another matter.
        Allowed::new(false, None, None, "m"),
        Allowed::new(true, None, None, "m"),
        // null, zero, full, random, urandom, tty, console, ptmx, the terminals, tun.
        Allowed::new(false, 1, 3, "rwm"),
        Allowed::new(false, 1, 5, "rwm"),
        Allowed::new(false, 1, 7, "rwm"),
        Allowed::new(false, 1, 8, "rwm"),
        Allowed::new(false, 1, 9, "rwm"),
        Allowed::new(false, 5, 0, "rwm"),
        Allowed::new(false, 5, 1, "rwm"),
        Allowed::new(false, 5, 2, "rwm"),
        Allowed::new(false, 136, None, "rwm"),
        Allowed::new(false, 10, 200, "rwm"),
    ];
    let own = found.iter().map(|one| Allowed::new(one.block, one.major, one.minor, &one.permissions));
    usual.into_iter().chain(own).collect()
}

/// The nodes to make.
pub(super) fn nodes(found: &[Found]) -> Value {
    let node = |device: &Found| {
        json!({
            "path": device.path, "type": if device.block { "b" } else { "c" },
            "major": device.major, "minor": device.minor,
            "fileMode": device.mode, "uid": device.uid, "gid": device.gid,
        })
    };
    json!(found.iter().map(node).collect::<Vec<_>>())
}

/// What may be done with which device.
pub(super) fn rules(found: &[Found], privileged: bool) -> Value {
    if privileged {
        return json!([{"allow": true, "access": "rwm"}]);
    }
    let mut rules = vec![json!({"allow": false, "access": "rwm"})];
    rules.extend(found.iter().map(|device| {
        json!({
            "allow": true, "type": if device.block { "b" } else { "c" },
            "major": device.major, "minor": device.minor, "access": device.permissions,
        })
    }));
    json!(rules)
}

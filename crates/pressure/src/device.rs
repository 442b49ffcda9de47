//! Names of block devices: `sda`, `loop3 (backup.img)`, `dm-0 (vg-data)`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names by number, looked up once.
#[derive(Debug)]
pub(crate) struct Devices {
    root: PathBuf,
    known: HashMap<(u32, u32), String>,
}

impl Default for Devices {
    fn default() -> Devices {
        Devices::below(Path::new("/sys/dev/block"))
    }
}

impl Devices {
    fn below(root: &Path) -> Devices {
        Devices { root: root.to_owned(), known: HashMap::new() }
    }

    /// The name of a device; its number if the kernel does not tell.
    pub(crate) fn name(&mut self, major: u32, minor: u32) -> String {
        let root = &self.root;
        self.known.entry((major, minor)).or_insert_with(|| look(root, major, minor)).clone()
    }
}

fn look(root: &Path, major: u32, minor: u32) -> String {
    let number = format!("{major}:{minor}");
    let folder = root.join(&number);
    let uevent = fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    let name = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME=")).unwrap_or(&number).to_owned();
    let further = ["loop/backing_file", "dm/name"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
    let further = further.as_deref().and_then(|text| text.trim().rsplit('/').next().map(str::to_owned));
    match further.filter(|text| !text.is_empty()) {
        Some(further) => format!("{name} ({further})"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        let world = tempfile::tempdir().unwrap();
        fs::create_dir_all(world.path().join("7:3/loop")).unwrap();
        fs::write(world.path().join("7:3/uevent"), "MAJOR=7\nMINOR=3\nDEVNAME=loop3\n").unwrap();
        fs::write(world.path().join("7:3/loop/backing_file"), "/tmp/x/backup.img\n").unwrap();
        let mut devices = Devices::below(world.path());
        assert_eq!(devices.name(7, 3), "loop3 (backup.img)");
        assert_eq!(devices.name(8, 0), "8:0");
    }
}

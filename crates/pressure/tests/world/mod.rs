//! Groups, tasks and devices of a test's own, which go away with it.

#![expect(unreachable_pub, reason = "helpers of one test program")]

use cgroup::{Controller, Group, Hierarchy, Mode};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A group, removed at its end with all in it.
pub struct Own {
    pub group: Group,
}

impl Own {
    pub fn new(name: &str) -> Option<Own> {
        let hierarchy = match Hierarchy::detect() {
            Ok(hierarchy) => hierarchy,
            Err(error) => {
                println!("SKIPPED: {error}");
                return None;
            }
        };
        let group = hierarchy.group(&format!("hakata-pressure-{name}-{}", std::process::id()));
        match group.create() {
            Ok(()) => Some(Own { group }),
            Err(error) => {
                println!("SKIPPED: {error}: control groups are written by root alone");
                None
            }
        }
    }

    /// A group that is named as Docker names a container's.
    pub fn container(&self, letter: char) -> Group {
        let parent = self.group.child("docker");
        let id: String = std::iter::repeat_n(letter, 12).collect();
        let group = parent.child(&format!("{id}{:052x}", std::process::id()));
        group.create().unwrap();
        group
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.group.kill();
        let _ = self.group.remove();
    }
}

/// A process in a group, with all that it starts.
pub struct Task(Child);

impl Task {
    /// Uses a processor as much as it can.
    pub fn spin(group: &Group) -> Task {
        Task::shell(group, "while :; do :; done")
    }

    /// Runs a script once it is in the group.
    pub fn shell(group: &Group, script: &str) -> Task {
        let script = format!("read go; {script}");
        let mut child =
            Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        group.join(child.id()).unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        Task(child)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file on a disk, and perhaps a device over it.
pub struct Disk {
    folder: tempfile::TempDir,
    device: Option<String>,
}

impl Disk {
    /// A file of so many MiB.
    pub fn file(size: usize) -> Option<Disk> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let disk = Disk { folder, device: None };
        let mut file = fs::File::create(disk.path()).unwrap();
        let block = vec![7; 1 << 20];
        (0..size).for_each(|_| file.write_all(&block).unwrap());
        file.sync_all().unwrap();
        Some(disk)
    }

    pub fn path(&self) -> String {
        self.folder.path().join("disk.img").display().to_string()
    }

    /// A loop device over such a file.
    pub fn loop_device(size: usize) -> Option<Disk> {
        let mut disk = Disk::file(size)?;
        let made = Command::new("losetup").args(["--find", "--show", &disk.path()]).output();
        match made {
            Ok(output) if output.status.success() => {
                disk.device = Some(String::from_utf8(output.stdout).unwrap().trim().to_owned());
                Some(disk)
            }
            other => {
                println!("SKIPPED: there is no loop device to be had: {other:?}");
                None
            }
        }
    }

    pub fn device(&self) -> &str {
        self.device.as_deref().unwrap_or_default()
    }

    /// Lets a group read only so many bytes a second from the device.
    pub fn throttle(&self, group: &Group, bytes: u64) -> bool {
        let number = fs::read_to_string(PathBuf::from("/sys/block").join(&self.device()[5..]).join("dev")).unwrap();
        let number = number.trim();
        let hierarchy = Hierarchy::detect().unwrap();
        let (file, value) = match hierarchy.mode() {
            Mode::V2 => ("io.max", format!("{number} rbps={bytes}")),
            _ => ("blkio.throttle.read_bps_device", format!("{number} {bytes}")),
        };
        let Some(folder) = group.path_of(Controller::Io) else {
            println!("SKIPPED: there is no controller for block devices");
            return false;
        };
        match fs::write(folder.join(file), value) {
            Ok(()) => true,
            Err(error) => {
                println!("SKIPPED: this kernel does not throttle block devices: {error}");
                false
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(device) = &self.device {
            let _ = Command::new("losetup").args(["--detach", device]).status();
        }
    }
}

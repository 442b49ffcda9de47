//! How control groups are mounted here: v2 alone, v1 alone, or v1 controllers with v2 beside them.
//!
//! Read from `/proc/self/mountinfo` (proc_pid_mountinfo(5)), never guessed from paths.

use crate::file;
use crate::group::Group;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why control groups cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The list of mounts cannot be read.
    #[error("cannot read {path}; mount /proc")]
    Mounts {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// None is mounted.
    #[error("no control groups are mounted; mount cgroup2 at /sys/fs/cgroup")]
    None,
}

/// How control groups are mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One tree, cgroup2.
    V2,
    /// A tree for each controller, and no cgroup2.
    V1,
    /// A tree for each controller, and a cgroup2 tree beside them that has no controller of use.
    Hybrid,
}

/// What limits or counts a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Shares and quota of processor time.
    Cpu,
    /// Processor time used (v1 alone; v2 counts it in `cpu`).
    CpuAcct,
    /// Which processors and memory nodes.
    CpuSet,
    /// Memory.
    Memory,
    /// Block devices: `io` in v2, `blkio` in v1.
    Io,
    /// Number of processes.
    Pids,
    /// Huge pages.
    HugeTlb,
    /// Access to devices (v1 alone).
    Devices,
    /// Freezing (v1 alone; v2 has it in every group).
    Freezer,
}

impl Controller {
    /// All of them.
    pub const ALL: [Controller; 9] = [
        Controller::Cpu,
        Controller::CpuAcct,
        Controller::CpuSet,
        Controller::Memory,
        Controller::Io,
        Controller::Pids,
        Controller::HugeTlb,
        Controller::Devices,
        Controller::Freezer,
    ];

    /// Its name among the mount options of v1.
    pub fn v1_name(self) -> &'static str {
        match self {
            Controller::Cpu => "cpu",
            Controller::CpuAcct => "cpuacct",
            Controller::CpuSet => "cpuset",
            Controller::Memory => "memory",
            Controller::Io => "blkio",
            Controller::Pids => "pids",
            Controller::HugeTlb => "hugetlb",
            Controller::Devices => "devices",
            Controller::Freezer => "freezer",
        }
    }

    /// Its name in `cgroup.controllers`; `None` if v2 has no such controller.
    pub fn v2_name(self) -> Option<&'static str> {
        match self {
            Controller::CpuAcct | Controller::Devices | Controller::Freezer => None,
            Controller::Io => Some("io"),
            other => Some(other.v1_name()),
        }
    }
}

/// The control groups of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where cgroup2 is mounted.
    unified: Option<PathBuf>,
    /// Where each v1 controller is mounted; two controllers may share a tree.
    v1: BTreeMap<Controller, PathBuf>,
}

impl Hierarchy {
    /// Looks how they are mounted for this process.
    pub fn detect() -> Result<Arc<Hierarchy>, DetectError> {
        let path = Path::new("/proc/self/mountinfo");
        let mounts =
            fs::read_to_string(path).map_err(|source| DetectError::Mounts { path: path.to_owned(), source })?;
        Hierarchy::from_mounts(&mounts).map(Arc::new)
    }

    /// The same from the text of a `mountinfo` file.
    pub fn from_mounts(mounts: &str) -> Result<Hierarchy, DetectError> {
        let mut found = Hierarchy { unified: None, v1: BTreeMap::new() };
        for (at, kind, options) in mounts.lines().filter_map(mount) {
            match kind {
                // Later mounts at other places are views of containers; the first is ours.
                "cgroup2" => found.unified = found.unified.or(Some(at)),
                "cgroup" => {
                    let named = |controller: &Controller| options.split(',').any(|name| name == controller.v1_name());
                    for controller in Controller::ALL.iter().filter(|controller| named(controller)) {
                        found.v1.entry(*controller).or_insert_with(|| at.clone());
                    }
                }
                _ => {}
            }
        }
        if found.unified.is_none() && found.v1.is_empty() { Err(DetectError::None) } else { Ok(found) }
    }

    /// Which layout this is.
    pub fn mode(&self) -> Mode {
        match (&self.unified, self.v1.is_empty()) {
            (Some(_), true) => Mode::V2,
            (Some(_), false) => Mode::Hybrid,
            (None, _) => Mode::V1,
        }
    }

    /// The root of the cgroup2 tree.
    pub fn unified(&self) -> Option<&Path> {
        self.unified.as_deref()
    }

    /// The root of the tree in which a controller works; `None` if it is nowhere to be had.
    pub fn root_of(&self, controller: Controller) -> Option<&Path> {
        match self.mode() {
            Mode::V2 => controller.v2_name().and(self.unified()),
            Mode::V1 | Mode::Hybrid => self.v1.get(&controller).map(PathBuf::as_path),
        }
    }

    /// The roots of all trees, each once, in a fixed order.
    pub fn roots(&self) -> Vec<&Path> {
        let mut roots: Vec<&Path> = self.v1.values().map(PathBuf::as_path).chain(self.unified()).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// The group at `name`, a path below the roots. It need not exist yet.
    pub fn group(self: &Arc<Self>, name: &str) -> Group {
        Group::new(self.clone(), name)
    }

    /// The group of a process in the cgroup2 tree, as a name for [`Hierarchy::group`].
    pub fn unified_name_of(&self, pid: u32) -> Result<Option<String>, file::Error> {
        let text = file::read(Path::new(&format!("/proc/{pid}/cgroup")))?;
        let name = text.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("0::/")));
        Ok(name.map(str::to_owned))
    }
}

/// Mount point, type and the file system's own options of a line.
fn mount(line: &str) -> Option<(PathBuf, &str, &str)> {
    let (head, tail) = line.split_once(" - ")?;
    let at = head.split(' ').nth(4)?;
    let mut tail = tail.splitn(3, ' ');
    let (kind, options) = (tail.next()?, tail.nth(1)?);
    Some((PathBuf::from(unescape(at)), kind, options))
}

/// Undoes the octal escapes of blanks and backslashes.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "30 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
    const HYBRID: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

    #[track_caller]
    fn check(mounts: &str, mode: Mode, cpu: Option<&str>, roots: &[&str]) {
        let found = Hierarchy::from_mounts(mounts).unwrap();
        assert_eq!(found.mode(), mode);
        assert_eq!(found.root_of(Controller::Cpu), cpu.map(Path::new));
        assert_eq!(found.roots(), roots.iter().map(Path::new).collect::<Vec<_>>());
    }

    #[test]
    fn layouts_are_told_apart() {
        check(V2, Mode::V2, Some("/sys/fs/cgroup"), &["/sys/fs/cgroup"]);
        let both = "/sys/fs/cgroup/cpu,cpuacct";
        check(HYBRID, Mode::Hybrid, Some(both), &[both, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"]);
        let v1 = HYBRID.lines().take(3).collect::<Vec<_>>().join("\n");
        check(&v1, Mode::V1, Some(both), &[both, "/sys/fs/cgroup/memory"]);
    }

    #[test]
    fn no_control_groups_is_said() {
        let error = Hierarchy::from_mounts("22 1 0:21 / / rw - ext4 /dev/sda rw\nnonsense\n\n").unwrap_err();
        assert_eq!(error.to_string(), "no control groups are mounted; mount cgroup2 at /sys/fs/cgroup");
    }

    #[test]
    fn devices_and_freezer_have_no_tree_of_their_own_in_v2() {
        let found = Hierarchy::from_mounts(V2).unwrap();
        assert_eq!(found.root_of(Controller::Devices), None);
        assert_eq!(found.root_of(Controller::Io), Some(Path::new("/sys/fs/cgroup")));
    }
}

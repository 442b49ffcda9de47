//! The control groups of containers: where they are, ending what is in them, removing them.
//! Limits and statistics are not here; the OCI runtime sets the former.

use crate::error::Error;
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// So often an emptied group is tried again: what was killed needs a moment to be gone.
const TRIES: u32 = 200;

/// A hierarchy that is mounted here.
#[derive(Clone, Debug)]
struct Hierarchy {
    root: PathBuf,
    version_2: bool,
    memory: bool,
}

fn hierarchies() -> &'static [Hierarchy] {
    static FOUND: OnceLock<Vec<Hierarchy>> = OnceLock::new();
    FOUND.get_or_init(|| parse(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()))
}

/// Lines of mountinfo: the mount point is the fifth word; after a lone dash come the type, the source and the options.
fn parse(mountinfo: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some((front, back)) = line.split_once(" - ") else { continue };
        let (mut front, mut back) = (front.split(' '), back.split(' '));
        let (Some(root), Some(kind)) = (front.nth(4), back.next()) else { continue };
        let version_2 = kind == "cgroup2";
        if !(version_2 || kind == "cgroup") || !root.starts_with("/sys/fs/cgroup") {
            continue;
        }
        let memory = version_2 || back.nth(1).is_some_and(|options| options.split(',').any(|one| one == "memory"));
        if !found.iter().any(|one| one.root == Path::new(root)) {
            found.push(Hierarchy { root: root.into(), version_2, memory });
        }
    }
    found
}

fn below(hierarchy: &Hierarchy, group: &str) -> PathBuf {
    hierarchy.root.join(group.trim_start_matches('/'))
}

/// The file that counts kills for want of memory in a group.
pub(crate) fn oom_file(group: &str) -> PathBuf {
    let all = hierarchies();
    let version_1 = all.iter().find(|one| one.memory && !one.version_2);
    match version_1.or_else(|| all.iter().find(|one| one.version_2)) {
        Some(hierarchy) if hierarchy.version_2 => below(hierarchy, group).join("memory.events"),
        Some(hierarchy) => below(hierarchy, group).join("memory.oom_control"),
        None => PathBuf::new(),
    }
}

/// On a host with both versions: makes the group of version 2, in which a container has pressure figures of its own.
pub(crate) fn make_unified_beside(group: &str) -> Result<Option<PathBuf>, Error> {
    let all = hierarchies();
    let Some(hierarchy) = all.iter().find(|one| one.version_2).filter(|_| all.len() > 1) else { return Ok(None) };
    let path = below(hierarchy, group);
    std::fs::create_dir_all(&path).map_err(|error| Error::io("make the control group", &path, error))?;
    Ok(Some(path))
}

/// Kills all processes of a group and those below it.
pub(crate) fn kill(group: &str) {
    for hierarchy in hierarchies() {
        let path = below(hierarchy, group);
        if hierarchy.version_2 && std::fs::write(path.join("cgroup.kill"), "1").is_ok() {
            return;
        }
    }
    for hierarchy in hierarchies() {
        kill_below(&below(hierarchy, group));
    }
}

fn kill_below(path: &Path) {
    for below in folders(path) {
        kill_below(&below);
    }
    let processes = std::fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    for process in processes.lines().filter_map(|line| line.parse().ok()) {
        let process = nix::unistd::Pid::from_raw(process);
        let _gone_already = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
    }
}

/// Removes a group, and those below it, from every hierarchy. What still runs in them is killed.
pub(crate) fn remove(group: &str) -> Result<(), Error> {
    if group.trim_matches('/').is_empty() {
        return Ok(());
    }
    for hierarchy in hierarchies() {
        let path = below(hierarchy, group);
        remove_below(&path).map_err(|error| Error::io("remove the control group", path, error))?;
    }
    Ok(())
}

fn remove_below(path: &Path) -> Result<(), Errno> {
    for below in folders(path) {
        remove_below(&below)?;
    }
    for attempt in 0.. {
        match rustix::fs::rmdir(path) {
            Ok(()) | Err(Errno::NOENT) => break,
            Err(Errno::BUSY) if attempt < TRIES => {
                kill_below(path);
                std::thread::sleep(Duration::from_millis(u64::from(attempt.min(10))));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hierarchies_are_told_apart() {
        let hybrid = "\
30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";
        let found = super::parse(hybrid);
        let said: Vec<_> = found.iter().map(|one| (one.root.to_str().unwrap(), one.version_2, one.memory)).collect();
        let want = [
            ("/sys/fs/cgroup/unified", true, true),
            ("/sys/fs/cgroup/cpu,cpuacct", false, false),
            ("/sys/fs/cgroup/memory", false, true),
        ];
        assert_eq!(said, want);
    }
}

//! The control groups of containers, by way of the `cgroup` crate: which files the shim reads, what is joined before
//! libcontainer does its part, ending and removing.

use crate::config::Resources;
use crate::error::Error;
use cgroup::{Controller, Hierarchy, Mode};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The control groups of this machine.
#[derive(Debug)]
pub(crate) struct Groups {
    hierarchy: Arc<Hierarchy>,
    /// Hierarchies that limit nothing (`name=systemd`, `net_cls`, …): OCI runtimes make groups in them too.
    others: Vec<PathBuf>,
}

impl Groups {
    /// Finds out how control groups are mounted.
    pub(crate) fn detect() -> Result<Groups, Error> {
        let hierarchy = Hierarchy::detect().map_err(Error::NoGroups)?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let known = hierarchy.roots();
        let others = roots(&mounts).filter(|root| !known.contains(&root.as_path())).collect();
        Ok(Groups { others, hierarchy: hierarchy.clone() })
    }

    /// The file that counts kills for want of memory in a group.
    pub(crate) fn oom_file(&self, group: &str) -> PathBuf {
        let name = if self.hierarchy.mode() == Mode::V2 { "memory.events" } else { "memory.oom_control" };
        let folder = self.hierarchy.group(group).path_of(Controller::Memory);
        folder.map(|folder| folder.join(name)).unwrap_or_default()
    }

    /// On a host with both versions: makes the group of version 2, in which a container has pressure figures of its own.
    pub(crate) fn make_unified_beside(&self, group: &str) -> Result<Option<PathBuf>, Error> {
        let path = self.hierarchy.group(group).unified_path().filter(|_| self.hierarchy.mode() == Mode::Hybrid);
        if let Some(path) = &path {
            std::fs::create_dir_all(path).map_err(|error| Error::io("make the control group", path, error))?;
        }
        Ok(path)
    }

    /// Where version 2 is alone: makes the group, which is to be restricted to devices before anything runs in it.
    pub(crate) fn make_to_restrict(&self, group: &str) -> Result<Option<PathBuf>, Error> {
        if self.hierarchy.mode() != Mode::V2 {
            return Ok(None);
        }
        let group = self.hierarchy.group(group);
        group.create()?;
        Ok(group.unified_path())
    }

    /// Kills all processes of a group and those below it.
    pub(crate) fn kill(&self, group: &str) -> Result<(), Error> {
        Ok(self.hierarchy.group(group).kill()?)
    }

    /// Removes a group, and those below it, from every hierarchy. What still runs in them is killed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let group = self.hierarchy.group(name);
        if group.name().is_empty() {
            return Ok(());
        }
        if group.exists() {
            group.kill()?;
            group.remove()?;
        }
        for root in &self.others {
            let path = root.join(group.name());
            remove_folders(&path).map_err(|error| Error::io("remove the control group", path, error))?;
        }
        Ok(())
    }

    /// Changes limits; what is not said stays.
    pub(crate) fn update(&self, group: &str, resources: &Resources) -> Result<(), Error> {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let limits = cgroup::Resources {
            cpu_shares: (resources.cpu_shares > 0).then_some(resources.cpu_shares),
            cpu_quota: (resources.cpu_quota != 0).then_some(resources.cpu_quota),
            cpu_period: (resources.cpu_period > 0).then_some(resources.cpu_period),
            memory_max: (resources.memory_limit != 0).then_some(resources.memory_limit),
            pids_max: (resources.pids_limit != 0).then_some(resources.pids_limit),
            huge_pages: resources.hugepages.iter().map(|(size, bytes)| (size.clone(), *bytes)).collect(),
            cpus: said(&resources.cpuset_cpus),
            unified: resources.unified.iter().map(|(file, value)| (file.clone(), value.clone())).collect(),
            ..cgroup::Resources::default()
        };
        Ok(self.hierarchy.group(group).apply(&limits)?)
    }
}

/// Where hierarchies of version 1 are mounted: the fifth word of a line whose type, after a lone dash, is `cgroup`.
fn roots(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    mountinfo.lines().filter_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        back.starts_with("cgroup ").then(|| front.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// The innermost first; a group is a folder that only `rmdir` removes.
fn remove_folders(path: &Path) -> Result<(), Errno> {
    let mut all = Vec::new();
    let mut next = vec![path.to_owned()];
    while let Some(folder) = next.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        next.extend(entries.filter(|one| one.file_type().is_ok_and(|kind| kind.is_dir())).map(|one| one.path()));
        all.push(folder);
    }
    all.iter().rev().try_for_each(|folder| match rustix::fs::rmdir(folder) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hierarchies_of_version_1_are_found() {
        let mounts = "\
30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/systemd rw shared:1 - cgroup cgroup rw,name=systemd
";
        assert_eq!(super::roots(mounts).collect::<Vec<_>>(), [std::path::PathBuf::from("/sys/fs/cgroup/systemd")]);
    }
}

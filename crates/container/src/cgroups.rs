//! The control groups of containers, by way of the `cgroup` crate: which files the shim reads, what is joined before
//! libcontainer does its part, ending and removing.

use crate::config::Resources;
use crate::error::Error;
use cgroup::{Controller, Group, Hierarchy, Mode};
use std::path::PathBuf;
use std::sync::Arc;

/// Finds out how control groups are mounted.
pub(crate) fn detect() -> Result<Arc<Hierarchy>, Error> {
    Hierarchy::detect().map_err(Error::NoGroups)
}

/// The file that counts kills for want of memory in a group.
pub(crate) fn oom_file(hierarchy: &Arc<Hierarchy>, group: &str) -> PathBuf {
    let name = if hierarchy.mode() == Mode::V2 { "memory.events" } else { "memory.oom_control" };
    let folder = hierarchy.group(group).path_of(Controller::Memory);
    folder.map(|folder| folder.join(name)).unwrap_or_default()
}

/// On a host with both versions: makes the group of version 2, in which a container has pressure figures of its own.
pub(crate) fn make_unified_beside(hierarchy: &Arc<Hierarchy>, group: &str) -> Result<Option<PathBuf>, Error> {
    let path = hierarchy.group(group).unified_path().filter(|_| hierarchy.mode() == Mode::Hybrid);
    if let Some(path) = &path {
        std::fs::create_dir_all(path).map_err(|error| Error::io("make the control group", path, error))?;
    }
    Ok(path)
}

/// Kills all processes of a group and those below it.
pub(crate) fn kill(hierarchy: &Arc<Hierarchy>, group: &str) -> Result<(), Error> {
    Ok(hierarchy.group(group).kill()?)
}

/// Removes a group, and those below it, from every hierarchy. What still runs in them is killed.
pub(crate) fn remove(hierarchy: &Arc<Hierarchy>, group: &str) -> Result<(), Error> {
    let group: Group = hierarchy.group(group);
    if group.name().is_empty() || !group.exists() {
        return Ok(());
    }
    group.kill()?;
    Ok(group.remove()?)
}

/// Changes limits; what is not said stays.
pub(crate) fn update(hierarchy: &Arc<Hierarchy>, group: &str, resources: &Resources) -> Result<(), Error> {
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
    Ok(hierarchy.group(group).apply(&limits)?)
}

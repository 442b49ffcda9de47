//! What a node needs of the machine, looked at before anything is changed: what is missing, and how to put it right.

use cgroup::{Controller, Hierarchy};
use std::fs;
use std::path::Path;

/// Something that a node needs and this machine does not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// How to put it right.
    pub cure: String,
}

impl Missing {
    fn new(what: impl Into<String>, cure: impl Into<String>) -> Missing {
        Missing { what: what.into(), cure: cure.into() }
    }
}

/// Everything that is missing; nothing if a node can run here.
pub fn check() -> Vec<Missing> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        // The rest cannot be told without these rights.
        missing.push(Missing::new("this is not root, and containers need root's rights", "type: sudo hakata up"));
        return missing;
    }
    missing.extend(filesystems(&fs::read_to_string("/proc/filesystems").unwrap_or_default()));
    missing.extend(namespaces(|path| Path::new(path).exists()));
    missing.extend(control_groups());
    missing
}

/// `/proc/filesystems` lists what the kernel knows; modules show only after they are loaded.
fn filesystems(known: &str) -> Option<Missing> {
    let has = known.lines().any(|line| line.split_whitespace().last() == Some("overlay"));
    let module = || Path::new("/sys/module/overlay").exists() || loadable("overlay");
    (!has && !module()).then(|| Missing::new("the kernel has no overlayfs", "type: modprobe overlay"))
}

/// Whether the running kernel has a module on disk that it loads when it is needed.
fn loadable(name: &str) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let table = format!("/lib/modules/{}/modules.dep", release.trim());
    fs::read_to_string(table).is_ok_and(|table| table.contains(&format!("/{name}.ko")))
}

fn namespaces(exists: impl Fn(&str) -> bool) -> Option<Missing> {
    let lacking: Vec<&str> = ["net", "mnt", "pid", "ipc", "uts"]
        .into_iter()
        .filter(|kind| !exists(&format!("/proc/self/ns/{kind}")))
        .collect();
    (!lacking.is_empty()).then(|| {
        Missing::new(
            format!("the kernel has no namespaces of the kinds {}", lacking.join(", ")),
            "run a kernel with CONFIG_NAMESPACES and all that it lists",
        )
    })
}

fn control_groups() -> Vec<Missing> {
    let hierarchy = match Hierarchy::detect() {
        Ok(hierarchy) => hierarchy,
        Err(error) => return vec![Missing::new(error.to_string(), "type: mount -t cgroup2 none /sys/fs/cgroup")],
    };
    let needed = [Controller::Cpu, Controller::Memory, Controller::Pids];
    let lacking = needed.into_iter().filter(|controller| {
        let Some(root) = hierarchy.root_of(*controller) else { return true };
        let offered = fs::read_to_string(root.join("cgroup.controllers"));
        // v1 has no such file: there the mount itself says it.
        offered.is_ok_and(|offered| !offered.split_whitespace().any(|name| Some(name) == controller.v2_name()))
    });
    lacking
        .map(|controller| {
            let name = controller.v1_name();
            Missing::new(
                format!("the {name} control group controller is not available"),
                format!("boot with cgroup_enable={name}, or delegate it to this container"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_cure() {
        assert_eq!(filesystems("nodev\tsysfs\nnodev\toverlay\n\text4\n"), None);
        assert_eq!(namespaces(|_| true), None);
        let missing = namespaces(|path| !path.ends_with("/pid")).unwrap();
        assert_eq!(missing.what, "the kernel has no namespaces of the kinds pid");
        assert!(!missing.cure.is_empty());
    }
}

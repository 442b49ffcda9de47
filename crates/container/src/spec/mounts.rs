//! The mounts of a container: the kernel's file systems, the pod's own files, and what the node asks for.

use super::Ingredients;
use crate::config::{ContainerConfig, Mount, Propagation};
use std::path::Path;
use value::{Value, json};

/// Files of a pod that its containers mount, in the pod's folder.
pub(crate) const RESOLV_CONF: &str = "resolv.conf";
/// The pod's name.
pub(crate) const HOSTNAME: &str = "hostname";
/// What the pod's containers share as `/dev/shm`.
pub(crate) const SHM: &str = "shm";

/// All mounts, in order. What the node asks for comes last but for what lies below it, and replaces ours at its place.
pub(super) fn all(from: &Ingredients<'_>) -> Value {
    let asked = &from.container.mounts;
    let mut mounts: Vec<Value> = usual(from);
    mounts.extend(files_of_pod(from));
    mounts.retain(|mount| {
        let place = mount["destination"].as_str().unwrap_or_default();
        !asked.iter().any(|one| one.container_path == Path::new(place))
    });
    mounts.extend(asked.iter().map(bind));
    // A mount point lies in whatever was mounted before; so folders come before what is in them.
    mounts.sort_by_key(|mount| {
        let place = mount["destination"].as_str().unwrap_or_default();
        Path::new(place).components().count()
    });
    json!(mounts)
}

fn usual(from: &Ingredients<'_>) -> Vec<Value> {
    let kernel = if from.container.privileged { "rw" } else { "ro" };
    let mount = |place: &str, kind: &str, options: &[&str]| json!({"destination": place, "type": kind, "source": kind, "options": options});
    vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", kernel]),
        mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", kernel]),
    ]
}

fn files_of_pod(from: &Ingredients<'_>) -> Vec<Value> {
    let file = |name: &str, place: &str| json!({"destination": place, "type": "bind", "source": from.pod_folder.join(name), "options": ["rbind", "rprivate", "rw"]});
    let mut files = Vec::new();
    if from.pod.resolv_conf.is_some() {
        files.push(file(RESOLV_CONF, "/etc/resolv.conf"));
    }
    if from.pod.netns.is_some() && !from.pod.hostname.is_empty() {
        files.push(file(HOSTNAME, "/etc/hostname"));
    }
    let shm = if from.pod.host_ipc { "/dev/shm".into() } else { from.pod_folder.join(SHM) };
    files.push(
        json!({"destination": "/dev/shm", "type": "bind", "source": shm, "options": ["rbind", "rprivate", "rw"]}),
    );
    files
}

fn bind(mount: &Mount) -> Value {
    let mut options = vec!["rbind"];
    options.push(match mount.propagation {
        Propagation::Private => "rprivate",
        Propagation::HostToContainer => "rslave",
        Propagation::Bidirectional => "rshared",
    });
    options.push(match (mount.readonly, mount.recursive_readonly) {
        (true, true) => "rro",
        (true, false) => "ro",
        _ => "rw",
    });
    json!({"destination": mount.container_path, "type": "bind", "source": mount.host_path, "options": options})
}

/// Mounts can only be passed on through a root that passes them on.
pub(super) fn root_propagation(container: &ContainerConfig) -> Option<&'static str> {
    let any = |kind| container.mounts.iter().any(|mount| mount.propagation == kind);
    if any(Propagation::Bidirectional) {
        Some("rshared")
    } else if any(Propagation::HostToContainer) {
        Some("rslave")
    } else {
        None
    }
}

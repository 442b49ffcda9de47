//! What the owner of a node says: where things lie, what a pod is, what a container is. Plain values, in the shape of the
//! container runtime interface (CRI), with `Default` for all that may be left out.

use crate::registries::Registries;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The handler that means libcontainer in our own binary.
pub const BUILT_IN: &str = "";

/// Where a runtime keeps its things.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The cluster that it belongs to; a part of every name that the whole machine sees.
    pub cluster: String,
    /// Lasting files: `images/` and `containers/` come to lie in it.
    pub data: PathBuf,
    /// Files that need not outlive a reboot: `containers/` comes to lie in it.
    pub run: PathBuf,
    /// The program that calls [`crate::reexec::main_if_asked`] first of all; it becomes the shim and the OCI runtime.
    pub executable: PathBuf,
    /// Mirrors, credentials and insecure registries.
    pub registries: Registries,
    /// OCI runtime programs by handler name. [`BUILT_IN`] is always there.
    pub handlers: BTreeMap<String, Handler>,
}

/// An OCI runtime program, for pods whose RuntimeClass names it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Handler {
    /// The program (`/usr/sbin/runc`, `/usr/bin/crun`, …).
    pub program: PathBuf,
    /// Arguments before the verb.
    pub arguments: Vec<String>,
}

/// OCI runtime programs that are known by name, and what a RuntimeClass calls each.
const KNOWN: &[(&str, &str)] =
    &[("runc", "runc"), ("crun", "crun"), ("youki", "youki"), ("kata", "kata-runtime"), ("runsc", "runsc")];
/// Where such programs are installed.
const PROGRAMS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/opt/kata/bin"];

/// The OCI runtimes that are installed on this machine, by handler name.
pub fn installed_handlers() -> BTreeMap<String, Handler> {
    let found =
        |program: &str| PROGRAMS.iter().map(|folder| PathBuf::from(folder).join(program)).find(|path| path.is_file());
    let handler = |(name, program): &(&str, &str)| {
        Some(((*name).to_owned(), Handler { program: found(program)?, arguments: Vec::new() }))
    };
    KNOWN.iter().filter_map(handler).collect()
}

/// A pod's sandbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PodConfig {
    /// `metadata.uid`; the key of the sandbox.
    pub uid: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// What `hostname` says in its containers. Without one, or in the node's network, it is the node's.
    pub hostname: String,
    /// The network namespace; `None` is the node's.
    pub netns: Option<PathBuf>,
    /// Its containers see the node's processes.
    pub host_pid: bool,
    /// Its containers share the node's System V and POSIX objects.
    pub host_ipc: bool,
    /// `shareProcessNamespace`: its containers see each other's processes.
    pub share_pid: bool,
    /// Kernel settings of its own namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// The control group that its containers' groups lie in, from the root of the hierarchy (`/hakata-x/podUID`).
    pub cgroup_parent: String,
    /// The text of `/etc/resolv.conf` for containers that mount none.
    pub resolv_conf: Option<String>,
    /// The handler that runs its containers; [`BUILT_IN`] if empty.
    pub handler: String,
    /// Kept and given back.
    pub labels: BTreeMap<String, String>,
    /// Kept and given back.
    pub annotations: BTreeMap<String, String>,
}

/// A container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerConfig {
    /// The pod's uid.
    pub pod: String,
    /// Its name in the pod.
    pub name: String,
    /// How many containers of this name came before it.
    pub attempt: u32,
    /// The image: an id (`sha256:…`) or any name that the image has here.
    pub image: String,
    /// The whole command; empty means the image's entrypoint and command.
    pub argv: Vec<String>,
    /// Added to the image's environment; later ones win.
    pub env: Vec<(String, String)>,
    /// The working directory; `None` means the image's, else `/`.
    pub cwd: Option<String>,
    /// Who it runs as.
    pub user: User,
    /// Mounts, in order. Mount points are made where they are missing.
    pub mounts: Vec<Mount>,
    /// Devices beside the usual ones.
    pub devices: Vec<Device>,
    /// Added to and dropped from the usual set.
    pub capabilities: Capabilities,
    /// The filter of system calls.
    pub seccomp: Seccomp,
    /// All capabilities, all devices, nothing masked, no filter.
    pub privileged: bool,
    /// `allowPrivilegeEscalation: false`.
    pub no_new_privileges: bool,
    /// Paths that are hidden. `None` means the usual ones; an empty list none (`procMount: Unmasked`).
    pub masked_paths: Option<Vec<String>>,
    /// Paths that cannot be written. `None` means the usual ones.
    pub readonly_paths: Option<Vec<String>>,
    /// The root file system cannot be written.
    pub readonly_rootfs: bool,
    /// It has a terminal.
    pub tty: bool,
    /// It has a standard input that stays open.
    pub stdin: bool,
    /// Its standard input closes when the first who attached has gone.
    pub stdin_once: bool,
    /// Limits.
    pub resources: Resources,
    /// What the kernel adds to its badness when memory is short.
    pub oom_score_adj: i32,
    /// Limits for each of its processes.
    pub rlimits: Vec<Rlimit>,
    /// The signal that asks it to end; `None` means the image's, else SIGTERM.
    pub stop_signal: Option<String>,
    /// Where its output goes, in the CRI format; `None` means nowhere. Folders are made.
    pub log_path: Option<PathBuf>,
    /// Kept and given back.
    pub labels: BTreeMap<String, String>,
    /// Kept and given back.
    pub annotations: BTreeMap<String, String>,
}

/// Who a process runs as. What is left out comes from the image and its `/etc/passwd` and `/etc/group`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// `runAsUser`.
    pub uid: Option<u32>,
    /// `runAsGroup`.
    pub gid: Option<u32>,
    /// A name, with or without `:group`, in place of the image's.
    pub name: Option<String>,
    /// `supplementalGroups` and `fsGroup`.
    pub groups: Vec<u32>,
    /// `supplementalGroupsPolicy: Strict`: the groups that the image's `/etc/group` says are left out.
    pub strict_groups: bool,
}

/// A mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// What is mounted.
    pub host_path: PathBuf,
    /// Where.
    pub container_path: PathBuf,
    /// Nothing can be written through it.
    pub readonly: bool,
    /// Read-only also for the mounts below it.
    pub recursive_readonly: bool,
    /// Who sees mounts that come later.
    pub propagation: Propagation,
}

/// `mountPropagation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    /// `None`.
    #[default]
    Private,
    /// `HostToContainer`.
    HostToContainer,
    /// `Bidirectional`.
    Bidirectional,
}

/// A device of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Its path on the node.
    pub host_path: PathBuf,
    /// Its path in the container.
    pub container_path: PathBuf,
    /// Of `r`, `w`, `m`.
    pub permissions: String,
}

/// Capabilities to add to and drop from the usual ones, with or without `CAP_`; `ALL` is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// To add.
    pub add: Vec<String>,
    /// To drop.
    pub drop: Vec<String>,
}

/// A filter of system calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seccomp {
    /// No filter.
    #[default]
    Unconfined,
    /// The usual one.
    RuntimeDefault,
    /// A profile in a file.
    Localhost(PathBuf),
}

/// A limit for each process (`RLIMIT_NOFILE`, …).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// Its name.
    pub kind: String,
    /// What it is.
    pub soft: u64,
    /// What it can be raised to.
    pub hard: u64,
}

/// Limits of a container's control group. Zero and empty mean: none said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Weight, 2 to 262144 (version 1's scale).
    pub cpu_shares: u64,
    /// Microseconds of CPU in each period; -1 is without limit.
    pub cpu_quota: i64,
    /// The period in microseconds.
    pub cpu_period: u64,
    /// Bytes of memory.
    pub memory_limit: i64,
    /// Processors, as `0-3,6`.
    pub cpuset_cpus: String,
    /// Memory nodes.
    pub cpuset_mems: String,
    /// Tasks.
    pub pids_limit: i64,
    /// Huge pages: page size (`2MB`) and bytes.
    pub hugepages: BTreeMap<String, u64>,
    /// Files of version 2, written as they stand (`memory.high`, …); left out on version 1.
    pub unified: BTreeMap<String, String>,
}

/// A further process in a container.
#[derive(Clone, Debug, Default)]
pub struct ExecConfig {
    /// The command.
    pub argv: Vec<String>,
    /// With a terminal: then there is no standard error of its own.
    pub tty: bool,
    /// With a standard input.
    pub stdin: bool,
    /// Added to the container's environment.
    pub env: Vec<(String, String)>,
    /// Who it runs as; `None` means as the container.
    pub user: Option<User>,
    /// Where; `None` means as the container.
    pub cwd: Option<String>,
}

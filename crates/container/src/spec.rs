//! The OCI runtime specification of a container, from what the node says, what the image says, and what this host allows.
//! Values in, JSON out; nothing is looked at here.
//!
//! `spec/devices` is the devices, `spec/host` what the host allows, `spec/seccomp` the filter.

pub(crate) mod capabilities;
pub(crate) mod devices;
pub(crate) mod host;
pub(crate) mod mounts;

use crate::config::{ContainerConfig, PodConfig};
use crate::images::ImageConfig;
use host::Host;
use std::path::Path;
use value::{Value, json};

/// Where programs are looked for if nobody says.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const MASKED: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
const READONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// All that a specification is made from.
pub(crate) struct Ingredients<'a> {
    pub(crate) pod: &'a PodConfig,
    pub(crate) container: &'a ContainerConfig,
    pub(crate) image: &'a ImageConfig,
    pub(crate) host: &'a Host,
    /// The shim, which holds the pod's namespaces.
    pub(crate) shim: u32,
    /// The first process of a shared process namespace.
    pub(crate) pause: Option<u32>,
    pub(crate) pod_folder: &'a Path,
    pub(crate) rootfs: &'a Path,
    pub(crate) cgroup: &'a str,
    pub(crate) user: Identity,
    /// The seccomp profile in the specification's form, for runtimes that read it.
    pub(crate) seccomp: Option<Value>,
    /// Devices that were found for the container.
    pub(crate) devices: Vec<devices::Found>,
}

/// Who a process runs as, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    /// The home that `/etc/passwd` says.
    pub(crate) home: Option<String>,
}

impl Ingredients<'_> {
    /// The whole specification.
    pub(crate) fn spec(&self) -> Value {
        let mut spec = json!({
            "ociVersion": "1.0.2",
            "process": self.process(),
            "root": {"path": self.rootfs, "readonly": self.container.readonly_rootfs},
            "mounts": mounts::all(self),
            "annotations": self.container.annotations,
            "linux": self.linux(),
        });
        if let Some(profile) = &self.seccomp {
            spec["linux"]["seccomp"] = profile.clone();
        }
        spec
    }

    fn process(&self) -> Value {
        let capabilities = self.capabilities();
        let mut process = json!({
            "terminal": self.container.tty,
            "user": user(&self.user),
            "args": self.argv(),
            "env": self.env(),
            "cwd": self.cwd(),
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": self.container.no_new_privileges,
            "oomScoreAdj": self.host.oom_score_adj(self.container.oom_score_adj),
        });
        let rlimits: Vec<_> = self.container.rlimits.iter().map(|limit| self.host.rlimit(limit)).collect();
        if !rlimits.is_empty() {
            process["rlimits"] = json!(rlimits);
        }
        process
    }

    /// The names of the capabilities that it has.
    fn capabilities(&self) -> Vec<String> {
        capabilities::of(&self.container.capabilities, self.container.privileged, &self.host.capabilities)
    }

    /// The whole command.
    pub(crate) fn argv(&self) -> Vec<String> {
        if !self.container.argv.is_empty() {
            return self.container.argv.clone();
        }
        self.image.entrypoint.iter().chain(&self.image.cmd).cloned().collect()
    }

    /// The image's environment with the container's over it.
    fn env(&self) -> Vec<String> {
        let mut env = self.image.env.clone();
        if !env.iter().any(|entry| entry.starts_with("PATH=")) {
            env.insert(0, DEFAULT_PATH.to_owned());
        }
        if self.container.tty {
            merge(&mut env, "TERM", "xterm");
        }
        if let Some(name) = self.hostname() {
            merge(&mut env, "HOSTNAME", name);
        }
        for (name, value) in &self.container.env {
            merge(&mut env, name, value);
        }
        if let Some(home) = &self.user.home
            && !env.iter().any(|entry| entry.starts_with("HOME="))
        {
            merge(&mut env, "HOME", home);
        }
        env
    }

    fn hostname(&self) -> Option<&str> {
        let own = self.pod.netns.is_some() && !self.pod.hostname.is_empty();
        Some(if own { &self.pod.hostname } else { &self.host.hostname })
            .filter(|name| !name.is_empty())
            .map(|x| x.as_str())
    }

    pub(crate) fn cwd(&self) -> &str {
        let of_image = Some(self.image.working_dir.as_str()).filter(|path| !path.is_empty());
        self.container.cwd.as_deref().filter(|path| !path.is_empty()).or(of_image).unwrap_or("/")
    }

    fn linux(&self) -> Value {
        let privileged = self.container.privileged;
        let paths = |own: &Option<Vec<String>>, usual: &[&str]| match own {
            _ if privileged => Vec::new(),
            Some(own) => own.clone(),
            None => usual.iter().map(|path| (*path).to_owned()).collect(),
        };
        let mut linux = json!({
            "cgroupsPath": self.cgroup,
            "namespaces": self.namespaces(),
            "devices": devices::nodes(&self.devices),
            "resources": self.resources(),
            "maskedPaths": paths(&self.container.masked_paths, MASKED),
            "readonlyPaths": paths(&self.container.readonly_paths, READONLY),
        });
        if let Some(propagation) = mounts::root_propagation(self.container) {
            linux["rootfsPropagation"] = json!(propagation);
        }
        linux
    }

    fn namespaces(&self) -> Value {
        let of_shim = |kind: &str| format!("/proc/{}/ns/{kind}", self.shim);
        let mut namespaces = vec![json!({"type": "mount"})];
        if let Some(netns) = &self.pod.netns {
            namespaces.push(json!({"type": "network", "path": netns}));
            namespaces.push(json!({"type": "uts", "path": of_shim("uts")}));
        }
        if !self.pod.host_ipc {
            namespaces.push(json!({"type": "ipc", "path": of_shim("ipc")}));
        }
        match self.pause {
            _ if self.pod.host_pid => {}
            Some(pause) => namespaces.push(json!({"type": "pid", "path": format!("/proc/{pause}/ns/pid")})),
            None => namespaces.push(json!({"type": "pid"})),
        }
        if self.host.unified && !self.container.privileged {
            namespaces.push(json!({"type": "cgroup"}));
        }
        json!(namespaces)
    }

    fn resources(&self) -> Value {
        let mut resources = limits(&self.container.resources, self.host.unified);
        resources["devices"] = devices::rules(&self.devices, self.container.privileged);
        resources
    }
}

/// Limits in the specification's form; what is not said is left out.
pub(crate) fn limits(resources: &crate::config::Resources, unified: bool) -> Value {
    let mut limits = json!({});
    let mut cpu = value::Map::new();
    let mut say = |name: &str, value: Value, said: bool| {
        if said {
            cpu.insert(name.to_owned(), value);
        }
    };
    say("shares", json!(resources.cpu_shares), resources.cpu_shares > 0);
    say("quota", json!(resources.cpu_quota), resources.cpu_quota != 0);
    say("period", json!(resources.cpu_period), resources.cpu_period > 0);
    say("cpus", json!(resources.cpuset_cpus), !resources.cpuset_cpus.is_empty());
    say("mems", json!(resources.cpuset_mems), !resources.cpuset_mems.is_empty());
    if !cpu.is_empty() {
        limits["cpu"] = Value::Object(cpu);
    }
    if resources.memory_limit > 0 {
        limits["memory"] = json!({"limit": resources.memory_limit});
    }
    if resources.pids_limit > 0 {
        limits["pids"] = json!({"limit": resources.pids_limit});
    }
    let pages: Vec<_> =
        resources.hugepages.iter().map(|(size, limit)| json!({"pageSize": size, "limit": limit})).collect();
    if !pages.is_empty() {
        limits["hugepageLimits"] = json!(pages);
    }
    if unified && !resources.unified.is_empty() {
        limits["unified"] = json!(resources.unified);
    }
    limits
}

pub(crate) fn user(identity: &Identity) -> Value {
    json!({"uid": identity.uid, "gid": identity.gid, "additionalGids": identity.groups})
}

/// Sets a variable, in its place if it is there already.
pub(crate) fn merge(env: &mut Vec<String>, name: &str, value: &str) {
    let entry = format!("{name}={value}");
    let same = |one: &String| one.split_once('=').map_or(one.as_str(), |(name, _)| name) == name;
    match env.iter_mut().find(|one| same(one)) {
        Some(old) => *old = entry,
        None => env.push(entry),
    }
}

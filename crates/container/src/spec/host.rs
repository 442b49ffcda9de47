//! What this host allows, found out once. A container asks for limits that a server without all rights may not set; the
//! nearest that it may set is better than a container that does not start.

use crate::config::Rlimit;
use caps::{CapSet, Capability};
use nix::sys::resource::{Resource, getrlimit};
use value::{Value, json};

/// What this host allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    /// The capabilities that we have ourselves.
    pub(crate) capabilities: Vec<String>,
    /// Its name.
    pub(crate) hostname: String,
    /// There is one hierarchy of control groups, version 2.
    pub(crate) unified: bool,
    /// `CAP_SYS_RESOURCE`: limits can be raised.
    pub(crate) may_raise: bool,
    /// Our own badness, below which we may not go otherwise.
    pub(crate) own_oom_score_adj: i32,
}

impl Host {
    /// Looks.
    pub(crate) fn look() -> Host {
        let bounding = caps::read(None, CapSet::Bounding).unwrap_or_default();
        let permitted = caps::read(None, CapSet::Permitted).unwrap_or_default();
        let mut capabilities: Vec<String> = bounding.intersection(&permitted).map(ToString::to_string).collect();
        capabilities.sort();
        let badness = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        Host {
            capabilities,
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            unified: is_unified(),
            may_raise: permitted.contains(&Capability::CAP_SYS_RESOURCE),
            own_oom_score_adj: badness.trim().parse().unwrap_or(0),
        }
    }

    pub(crate) fn oom_score_adj(&self, wanted: i32) -> i32 {
        if self.may_raise { wanted } else { wanted.max(self.own_oom_score_adj) }
    }

    pub(crate) fn rlimit(&self, wanted: &Rlimit) -> Value {
        let most = if self.may_raise { u64::MAX } else { own_limit(&wanted.kind).unwrap_or(u64::MAX) };
        json!({"type": wanted.kind, "soft": wanted.soft.min(most), "hard": wanted.hard.min(most)})
    }
}

fn is_unified() -> bool {
    nix::sys::statfs::statfs("/sys/fs/cgroup")
        .is_ok_and(|found| found.filesystem_type() == nix::sys::statfs::CGROUP2_SUPER_MAGIC)
}

fn own_limit(kind: &str) -> Option<u64> {
    let resource = match kind {
        "RLIMIT_AS" => Resource::RLIMIT_AS,
        "RLIMIT_CORE" => Resource::RLIMIT_CORE,
        "RLIMIT_CPU" => Resource::RLIMIT_CPU,
        "RLIMIT_DATA" => Resource::RLIMIT_DATA,
        "RLIMIT_FSIZE" => Resource::RLIMIT_FSIZE,
        "RLIMIT_LOCKS" => Resource::RLIMIT_LOCKS,
        "RLIMIT_MEMLOCK" => Resource::RLIMIT_MEMLOCK,
        "RLIMIT_MSGQUEUE" => Resource::RLIMIT_MSGQUEUE,
        "RLIMIT_NICE" => Resource::RLIMIT_NICE,
        "RLIMIT_NOFILE" => Resource::RLIMIT_NOFILE,
        "RLIMIT_NPROC" => Resource::RLIMIT_NPROC,
        "RLIMIT_RSS" => Resource::RLIMIT_RSS,
        "RLIMIT_RTPRIO" => Resource::RLIMIT_RTPRIO,
        "RLIMIT_SIGPENDING" => Resource::RLIMIT_SIGPENDING,
        "RLIMIT_STACK" => Resource::RLIMIT_STACK,
        _ => return None,
    };
    getrlimit(resource).ok().map(|(_, hard)| hard)
}

//! Which checks a level has in which version of the standards.

mod baseline;
mod restricted;
mod seccomp;
mod words;

use crate::{Finding, Findings, Level, LevelVersion, Version};
use object::View;

/// The last version in which a check changed; later ones are the same.
pub const NEWEST: u64 = 35;

/// The pod that is looked at, or what is to become one.
#[derive(Clone, Copy)]
struct Pod<'a> {
    metadata: View<'a>,
    spec: View<'a>,
}

type Judge = fn(Pod<'_>) -> Option<Finding>;

/// One check: since which minor version it is what.
struct Check {
    name: &'static str,
    since: &'static [(u64, Judge)],
}

/// Those of the level `baseline`, in the order in which they are told.
const BASELINE: &[Check] = &[
    Check { name: "appArmorProfile", since: &[(0, baseline::app_armor)] },
    Check { name: "capabilities_baseline", since: &[(0, baseline::capabilities)] },
    Check { name: "hostNamespaces", since: &[(0, baseline::host_namespaces)] },
    Check { name: "hostPathVolumes", since: &[(0, baseline::host_paths)] },
    Check { name: "hostPorts", since: &[(0, baseline::host_ports)] },
    Check { name: "hostProbesAndHostLifecycle", since: &[(34, baseline::probe_hosts)] },
    Check { name: "privileged", since: &[(0, baseline::privileged)] },
    Check {
        name: "procMount",
        since: &[(0, baseline::proc_mount), (35, |pod| pod.unless_user_namespace(baseline::proc_mount))],
    },
    Check {
        name: "seLinuxOptions",
        since: &[
            (0, |pod| baseline::selinux(pod, baseline::SELINUX_TYPES_0)),
            (31, |pod| baseline::selinux(pod, baseline::SELINUX_TYPES_31)),
        ],
    },
    Check { name: "seccompProfile_baseline", since: &[(0, seccomp::annotations), (19, seccomp::baseline)] },
    Check {
        name: "sysctls",
        since: &[
            (0, |pod| baseline::sysctls(pod, 0)),
            (27, |pod| baseline::sysctls(pod, 27)),
            (29, |pod| baseline::sysctls(pod, 29)),
            (32, |pod| baseline::sysctls(pod, 32)),
        ],
    },
    Check { name: "windowsHostProcess", since: &[(0, baseline::host_process)] },
];

/// Those that the level `restricted` has besides, with the check of `baseline` in whose place they stand.
const RESTRICTED: &[(Check, Option<&str>)] = &[
    (
        Check {
            name: "allowPrivilegeEscalation",
            since: &[(8, restricted::escalation), (25, |pod| pod.unless_windows(restricted::escalation))],
        },
        None,
    ),
    (
        Check {
            name: "capabilities_restricted",
            since: &[(22, restricted::capabilities), (25, |pod| pod.unless_windows(restricted::capabilities))],
        },
        Some("capabilities_baseline"),
    ),
    (Check { name: "procMount_restricted", since: &[(35, baseline::proc_mount)] }, Some("procMount")),
    (Check { name: "restrictedVolumes", since: &[(0, restricted::volumes)] }, Some("hostPathVolumes")),
    (
        Check {
            name: "runAsNonRoot",
            since: &[(0, restricted::non_root), (35, |pod| pod.unless_user_namespace(restricted::non_root))],
        },
        None,
    ),
    (
        Check {
            name: "runAsUser",
            since: &[(23, restricted::user), (35, |pod| pod.unless_user_namespace(restricted::user))],
        },
        None,
    ),
    (
        Check {
            name: "seccompProfile_restricted",
            since: &[(19, seccomp::restricted), (25, |pod| pod.unless_windows(seccomp::restricted))],
        },
        Some("seccompProfile_baseline"),
    ),
];

/// What a level has against a pod, or against what a template makes of it.
pub fn evaluate(asked: LevelVersion, metadata: View<'_>, spec: View<'_>) -> Findings {
    if asked.level == Level::Privileged {
        return Findings::default();
    }
    let minor = match asked.version {
        Version::Latest => NEWEST,
        Version::Minor(minor) => minor,
    };
    let stricter = if asked.level == Level::Restricted { RESTRICTED } else { &[] };
    let stricter = stricter.iter().filter_map(|(check, instead)| Some((check.at(minor)?, *instead)));
    let replaced = |name: &str| stricter.clone().any(|(_, instead)| instead == Some(name));
    let lenient = BASELINE.iter().filter(|check| !replaced(check.name)).filter_map(|check| check.at(minor));
    let judges = lenient.chain(stricter.clone().map(|(judge, _)| judge));
    Findings(judges.filter_map(|judge| judge(Pod { metadata, spec })).collect())
}

impl Check {
    /// What it is in a version; `None` before it came.
    fn at(&self, minor: u64) -> Option<Judge> {
        self.since.iter().rev().find(|(since, _)| *since <= minor).map(|(_, judge)| *judge)
    }
}

impl<'a> Pod<'a> {
    /// All containers: those that initialise, those that run, those that debug.
    fn containers(self) -> impl Iterator<Item = View<'a>> + Clone {
        let spec = self.spec;
        spec.list("initContainers").chain(spec.list("containers")).chain(spec.list("ephemeralContainers"))
    }

    /// What the pod says for all containers.
    fn context(self) -> View<'a> {
        self.spec.get("securityContext")
    }

    /// Names of the containers that are so.
    fn named(self, is_so: impl Fn(View<'a>) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| is_so(*container)).map(|container| container.str("name")).collect()
    }

    /// Pods that say that they are for Windows cannot set what a check asks for.
    fn unless_windows(self, judge: Judge) -> Option<Finding> {
        if self.spec.get("os").str("name") == "windows" { None } else { judge(self) }
    }

    /// Root in a user namespace is nobody outside.
    fn unless_user_namespace(self, judge: Judge) -> Option<Finding> {
        if self.spec.opt_bool("hostUsers") == Some(false) { None } else { judge(self) }
    }
}

/// What a container says for itself.
fn context(container: View<'_>) -> View<'_> {
    container.get("securityContext")
}

#[cfg(test)]
mod tests;

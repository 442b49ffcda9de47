//! What the level `baseline` forbids: ways out of the container.

use super::words::{containers, plural, quoted, setters};
use super::{Pod, context};
use crate::Finding;
use object::View;
use object::quote::quote;
use std::collections::BTreeSet;

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Types that a pod may give itself in SELinux.
pub(super) const SELINUX_TYPES_0: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t"];
/// The same, since version 1.31.
pub(super) const SELINUX_TYPES_31: &[&str] =
    &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// Kernel parameters that belong to the pod alone, and since which version they are allowed.
const SYSCTLS: [(&str, u64); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// AppArmor stays as it is, or becomes a profile of the node.
pub(super) fn app_armor(pod: Pod<'_>) -> Option<Finding> {
    fn bad(context: View<'_>) -> Option<&str> {
        let profile = context.get("appArmorProfile");
        let kind = profile.str("type");
        (profile.exists() && !matches!(kind, "RuntimeDefault" | "Localhost")).then_some(kind)
    }
    let allowed = |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
    let of_pod = bad(pod.context());
    let names = pod.named(|container| bad(context(container)).is_some());
    let kinds: BTreeSet<&str> =
        of_pod.into_iter().chain(pod.containers().filter_map(|container| bad(context(container)))).collect();
    let mut annotations: Vec<String> = (pod.metadata.get("annotations").entries())
        .filter(|(key, value)| key.starts_with(APP_ARMOR) && !allowed(value.as_str()))
        .map(|(key, value)| format!("{key}={}", quote(value.as_str())))
        .collect();
    annotations.sort_unstable();
    let mut who: Vec<String> = setters(of_pod.is_some(), &names).into_iter().collect();
    if !annotations.is_empty() {
        who.push(plural(annotations.len(), "annotation", "annotations").to_owned());
    }
    if who.is_empty() {
        return None;
    }
    let values: Vec<String> = kinds.into_iter().map(str::to_owned).chain(annotations).collect();
    Some(Finding {
        reason: plural(values.len(), "forbidden AppArmor profile", "forbidden AppArmor profiles"),
        detail: format!("{} must not set AppArmor profile type to {}", who.join(" and "), quoted(&values)),
    })
}

/// No capabilities beyond those that containers have anyway.
pub(super) fn capabilities(pod: Pod<'_>) -> Option<Finding> {
    let added = |container| context(container).get("capabilities").strings("add");
    let is_bad = |capability: &&str| !CAPABILITIES.contains(capability);
    let names = pod.named(|container| added(container).any(|capability| is_bad(&capability)));
    let bad: BTreeSet<&str> = pod.containers().flat_map(added).filter(is_bad).collect();
    (!names.is_empty()).then(|| Finding {
        reason: "non-default capabilities",
        detail: format!("{} must not include {} in securityContext.capabilities.add", containers(&names), quoted(bad)),
    })
}

/// The pod has namespaces of its own.
pub(super) fn host_namespaces(pod: Pod<'_>) -> Option<Finding> {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|name| pod.spec.bool(name));
    let shared: Vec<String> = shared.map(|name| format!("{name}=true")).collect();
    (!shared.is_empty()).then(|| Finding { reason: "host namespaces", detail: shared.join(", ") })
}

/// No files of the node.
pub(super) fn host_paths(pod: Pod<'_>) -> Option<Finding> {
    let volumes = pod.spec.list("volumes").filter(|volume| volume.has("hostPath"));
    let names: Vec<&str> = volumes.map(|volume| volume.str("name")).collect();
    (!names.is_empty()).then(|| Finding {
        reason: "hostPath volumes",
        detail: format!("{} {}", plural(names.len(), "volume", "volumes"), quoted(&names)),
    })
}

/// No ports of the node.
pub(super) fn host_ports(pod: Pod<'_>) -> Option<Finding> {
    fn taken(container: View<'_>) -> impl Iterator<Item = i64> {
        container.list("ports").map(|port| port.int("hostPort")).filter(|port| *port != 0)
    }
    let names = pod.named(|container| taken(container).next().is_some());
    let ports: BTreeSet<String> = pod.containers().flat_map(taken).map(|port| port.to_string()).collect();
    (!names.is_empty()).then(|| Finding {
        reason: "hostPort",
        detail: format!(
            "{} {} {} {}",
            containers(&names),
            plural(names.len(), "uses", "use"),
            plural(ports.len(), "hostPort", "hostPorts"),
            ports.into_iter().collect::<Vec<_>>().join(", ")
        ),
    })
}

/// The node asks nobody else on behalf of the pod.
pub(super) fn probe_hosts(pod: Pod<'_>) -> Option<Finding> {
    const HANDLERS: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    fn asked(container: View<'_>) -> impl Iterator<Item = &str> {
        let handlers = HANDLERS.iter().map(move |path| container.at(path));
        let hosts = handlers.flat_map(|handler| ["httpGet", "tcpSocket"].map(|by| handler.get(by).str("host")));
        hosts.filter(|host| !host.is_empty())
    }
    let names: BTreeSet<&str> = pod.named(|container| asked(container).next().is_some()).into_iter().collect();
    let hosts: BTreeSet<&str> = pod.containers().flat_map(asked).collect();
    let names: Vec<&str> = names.into_iter().collect();
    (!names.is_empty()).then(|| Finding {
        reason: "probe or lifecycle host",
        detail: format!(
            "{} {} {} {}",
            containers(&names),
            plural(names.len(), "uses", "use"),
            plural(hosts.len(), "probe or lifecycle host", "probe or lifecycle hosts"),
            quoted(hosts)
        ),
    })
}

/// No container is as mighty as the node.
pub(super) fn privileged(pod: Pod<'_>) -> Option<Finding> {
    let names = pod.named(|container| context(container).bool("privileged"));
    (!names.is_empty()).then(|| Finding {
        reason: "privileged",
        detail: format!("{} must not set securityContext.privileged=true", containers(&names)),
    })
}

/// The kernel's files stay masked.
pub(super) fn proc_mount(pod: Pod<'_>) -> Option<Finding> {
    let bad = |container| context(container).opt_str("procMount").filter(|kind| *kind != "Default");
    let names = pod.named(|container| bad(container).is_some());
    let kinds: BTreeSet<&str> = pod.containers().filter_map(bad).collect();
    (!names.is_empty()).then(|| Finding {
        reason: "procMount",
        detail: format!("{} must not set securityContext.procMount to {}", containers(&names), quoted(kinds)),
    })
}

/// In SELinux a container is one of few types, of no user and no role in particular.
pub(super) fn selinux(pod: Pod<'_>, types: &[&str]) -> Option<Finding> {
    fn options(context: View<'_>) -> View<'_> {
        context.get("seLinuxOptions")
    }
    let is_bad = |options: &View<'_>| {
        !types.contains(&options.str("type")) || !options.str("user").is_empty() || !options.str("role").is_empty()
    };
    let names = pod.named(|container| is_bad(&options(context(container))));
    let who = setters(is_bad(&options(pod.context())), &names)?;
    let all = || std::iter::once(pod.context()).chain(pod.containers().map(context)).map(options);
    let kinds: BTreeSet<&str> = all().map(|options| options.str("type")).filter(|kind| !types.contains(kind)).collect();
    let mut what = Vec::new();
    if !kinds.is_empty() {
        what.push(format!("{} {}", plural(kinds.len(), "type", "types"), quoted(kinds)));
    }
    for part in ["user", "role"] {
        if all().any(|options| !options.str(part).is_empty()) {
            what.push(format!("{part} may not be set"));
        }
    }
    Some(Finding {
        reason: "seLinuxOptions",
        detail: format!("{who} set forbidden securityContext.seLinuxOptions: {}", what.join("; ")),
    })
}

/// Only parameters of the kernel that are the pod's own.
pub(super) fn sysctls(pod: Pod<'_>, minor: u64) -> Option<Finding> {
    let is_allowed = |name: &str| SYSCTLS.iter().any(|(allowed, since)| *allowed == name && *since <= minor);
    let names = pod.context().list("sysctls").map(|sysctl| sysctl.str("name"));
    let names: Vec<&str> = names.filter(|name| !is_allowed(name)).collect();
    (!names.is_empty()).then(|| Finding { reason: "forbidden sysctls", detail: names.join(", ") })
}

/// On Windows, no container is a process of the node.
pub(super) fn host_process(pod: Pod<'_>) -> Option<Finding> {
    let is_bad = |context: View<'_>| context.get("windowsOptions").bool("hostProcess");
    let names = pod.named(|container| is_bad(context(container)));
    let who = setters(is_bad(pod.context()), &names)?;
    let detail = format!("{who} must not set securityContext.windowsOptions.hostProcess=true");
    Some(Finding { reason: "hostProcess", detail })
}

//! What a group's path says: the ways in which kubelets, container runtimes, systemd and hakata itself name groups.
//!
//! Facts: the kubelet's cgroup manager (`kubepods`, with the systemd driver escaped and nested slices), containerd's,
//! CRI-O's, Docker's and Podman's scopes, systemd's units.

/// What a path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// The root.
    Machine,
    /// All of a pod.
    Pod {
        /// Its uid.
        uid: String,
    },
    /// A container.
    Container {
        /// Its id.
        id: &'a str,
        /// The uid of its pod, if it has one.
        pod: Option<String>,
    },
    /// A unit of systemd.
    Unit {
        /// Its name.
        name: &'a str,
    },
    /// Something else, or something inside a container.
    Group,
}

/// Prefixes of scopes that hold a container.
const SCOPES: [&str; 6] = ["cri-containerd-", "crio-", "docker-", "libpod-", "nerdctl-", "containerd-"];
/// Groups whose children are containers.
const PARENTS: [&str; 4] = ["docker", "nerdctl", "libpod_parent", "buildkit"];
/// The shortest id of a container.
const SHORTEST_ID: usize = 12;

/// Tells what a group is.
pub(crate) fn named(group: &str) -> Named<'_> {
    if group.is_empty() {
        return Named::Machine;
    }
    let mut parts = group.split('/').rev();
    let (last, parent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Some(uid) = pod_uid(last) {
        return Named::Pod { uid };
    }
    if let Some(uid) = pod_uid(parent) {
        return Named::Container { id: scope_id(last).unwrap_or(last), pod: Some(uid) };
    }
    if parts.any(|part| pod_uid(part).is_some()) {
        return Named::Group;
    }
    if let Some(id) = scope_id(last).filter(|id| is_id(id)) {
        return Named::Container { id, pod: None };
    }
    if PARENTS.contains(&parent) && is_id(last) {
        return Named::Container { id: last, pod: None };
    }
    if last.ends_with(".service") || last.ends_with(".scope") {
        return Named::Unit { name: last };
    }
    Named::Group
}

/// The container in a scope such as `cri-containerd-ID.scope`.
fn scope_id(name: &str) -> Option<&str> {
    let scope = name.strip_suffix(".scope")?;
    SCOPES.iter().find_map(|prefix| scope.strip_prefix(prefix))
}

fn is_id(text: &str) -> bool {
    text.len() >= SHORTEST_ID && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `podUID`, or `kubepods-burstable-podUID.slice` with underscores for dashes.
fn pod_uid(name: &str) -> Option<String> {
    let uid = match name.strip_suffix(".slice") {
        Some(slice) => slice.strip_prefix("kubepods")?.rsplit_once("-pod")?.1.replace('_', "-"),
        None => name.strip_prefix("pod")?.to_owned(),
    };
    let is_uid = uid.len() >= SHORTEST_ID && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_uid.then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    const ID: &str = "8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a1234";

    #[track_caller]
    fn check(group: &str, want: &str) {
        let got = match named(group) {
            Named::Machine => "machine".to_owned(),
            Named::Pod { uid } => format!("pod {uid}"),
            Named::Container { id, pod } => format!("container {id} of {}", pod.unwrap_or_default()),
            Named::Unit { name } => format!("unit {name}"),
            Named::Group => "group".to_owned(),
        };
        assert_eq!(got, want, "{group}");
    }

    #[test]
    fn pods_and_their_containers_are_known_by_every_kubelet() {
        let escaped = UID.replace('-', "_");
        let (pod, container) = (format!("pod {UID}"), format!("container {ID} of {UID}"));
        check(&format!("hakata-shop/burstable/pod{UID}"), &pod);
        check(&format!("hakata-shop/pod{UID}/{ID}"), &container);
        check(&format!("kubepods/besteffort/pod{UID}/{ID}"), &container);
        let slice = format!("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{escaped}.slice");
        check(&slice, &pod);
        check(&format!("{slice}/cri-containerd-{ID}.scope"), &container);
        check(&format!("kubepods.slice/kubepods-pod{escaped}.slice/crio-{ID}.scope"), &container);
        check(&format!("hakata-shop/pod{UID}/{ID}/init"), "group");
    }

    #[test]
    fn containers_without_pods_and_units_are_known() {
        let container = format!("container {ID} of ");
        check(&format!("docker/{ID}"), &container);
        check(&format!("system.slice/docker-{ID}.scope"), &container);
        check(&format!("machine.slice/libpod-{ID}.scope"), &container);
        check("system.slice/sshd.service", "unit sshd.service");
        check("user.slice/user-0.slice/session-3.scope", "unit session-3.scope");
        check("system.slice", "group");
        check("podman", "group");
        check("", "machine");
    }
}

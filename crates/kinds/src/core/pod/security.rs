//! Security contexts of pods and containers, and what user namespaces exclude.

use super::checks::one_of;
use super::containers::every;
use super::options::PodOptions;
use super::{dump, profiles, windows};
use object::field::{Error, Errors, Path};
use object::{View, names};
use regex::Regex;
use std::collections::HashSet;
use std::sync::LazyLock;

const SYSCTL: &str = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const MAX_SYSCTL: usize = 253;

/// Sysctls of the IPC namespace, and the beginnings that once stood for all of them.
const IPC: &[&str] = &[
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.shm",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.msg",
];

static SYSCTL_FORM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(SYSCTL).expect("the expression for sysctls is well formed"));

/// Validates the security context of a pod.
pub(super) fn validate_pod(spec: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    let context = spec.get("securityContext");
    if !context.exists() {
        return;
    }
    validate_id(context, "fsGroup", names::is_valid_group_id, path, errors);
    validate_id(context, "runAsUser", names::is_valid_user_id, path, errors);
    validate_id(context, "runAsGroup", names::is_valid_group_id, path, errors);
    validate_groups(context.get("supplementalGroups"), &path.child("supplementalGroups"), errors);
    if spec.bool("shareProcessNamespace") && spec.bool("hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(Error::invalid(&path.child("shareProcessNamespace"), true, detail));
    }
    validate_sysctls(spec, options, &path.child("sysctls"), errors);
    if let Some(policy) = context.opt_str("fsGroupChangePolicy") {
        one_of(policy, &["Always", "OnRootMismatch"], &path.child("fsGroupChangePolicy"), errors);
    }
    profiles::validate_seccomp(context.get("seccompProfile"), &path.child("seccompProfile"), errors);
    windows::validate_options(context.get("windowsOptions"), &path.child("windowsOptions"), errors);
    profiles::validate_app_armor(context.get("appArmorProfile"), &path.child("appArmorProfile"), errors);
    if let Some(policy) = context.opt_str("supplementalGroupsPolicy") {
        one_of(policy, &["Merge", "Strict"], &path.child("supplementalGroupsPolicy"), errors);
    }
    if let Some(policy) = context.opt_str("seLinuxChangePolicy") {
        let known: &[&str] =
            if options.any_selinux_change_policy { &["MountOption", "Recursive"] } else { &["Recursive"] };
        one_of(policy, known, &path.child("seLinuxChangePolicy"), errors);
    }
}

/// Validates the security context of a container.
pub(super) fn validate_container(context: View<'_>, host_users: bool, path: &Path<'_>, errors: &mut Errors) {
    if !context.exists() {
        return;
    }
    validate_id(context, "runAsUser", names::is_valid_user_id, path, errors);
    validate_id(context, "runAsGroup", names::is_valid_group_id, path, errors);
    if let Some(mount) = context.opt_str("procMount") {
        let path = path.child("procMount");
        one_of(mount, &["Default", "Unmasked"], &path, errors);
        if host_users && mount == "Unmasked" {
            errors.push(Error::invalid(&path, mount, "`hostUsers` must be false to use `Unmasked`"));
        }
    }
    profiles::validate_seccomp(context.get("seccompProfile"), &path.child("seccompProfile"), errors);
    if context.opt_bool("allowPrivilegeEscalation") == Some(false) {
        validate_no_escalation(context, path, errors);
    }
    windows::validate_options(context.get("windowsOptions"), &path.child("windowsOptions"), errors);
    profiles::validate_app_armor(context.get("appArmorProfile"), &path.child("appArmorProfile"), errors);
}

fn validate_no_escalation(context: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let shown = || dump::compact("SecurityContext", context);
    if context.bool("privileged") {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        errors.push(Error::invalid_shown(path, shown(), detail));
    }
    for _ in context.get("capabilities").strings("add").filter(|capability| *capability == "CAP_SYS_ADMIN") {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
        errors.push(Error::invalid_shown(path, shown(), detail));
    }
}

fn validate_id(parent: View<'_>, name: &str, rule: fn(i64) -> Vec<String>, path: &Path<'_>, errors: &mut Errors) {
    if let Some(id) = parent.opt_int(name) {
        errors.extend(rule(id).into_iter().map(|message| Error::invalid(&path.child(name), id, message)));
    }
}

/// Validates the numbers of groups.
pub(super) fn validate_groups(groups: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, group) in groups.items().map(View::as_int).enumerate() {
        let messages = names::is_valid_group_id(group);
        errors.extend(messages.into_iter().map(|message| Error::invalid(&list.index(index), group, message)));
    }
}

fn validate_sysctls(spec: View<'_>, options: &PodOptions, list: &Path<'_>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for (index, name) in sysctls(spec).enumerate() {
        let path = list.index(index);
        let path = path.child("name");
        if name.is_empty() {
            errors.push(Error::required(&path, ""));
        } else if name.len() > MAX_SYSCTL || !SYSCTL_FORM.is_match(name) {
            let detail = format!("must have at most {MAX_SYSCTL} characters and match regex {SYSCTL}");
            errors.push(Error::invalid(&path, name, detail));
        } else if seen.contains(name) {
            errors.push(Error::duplicate(&path, name));
        }
        if let Some(field) = host_namespace_of(name, spec).filter(|_| !options.host_sysctls) {
            errors.push(Error::invalid(&path, name, format!("may not be specified when '{field}' is true")));
        }
        seen.insert(name);
    }
}

/// True if the pod sets a sysctl of a namespace that it shares with the host.
pub(super) fn has_host_sysctl(spec: View<'_>) -> bool {
    sysctls(spec).any(|name| host_namespace_of(name, spec).is_some())
}

fn sysctls(spec: View<'_>) -> impl Iterator<Item = &str> {
    spec.get("securityContext").list("sysctls").map(|sysctl| sysctl.str("name"))
}

/// The field that shares the host's namespace in which the sysctl lies, if the pod sets it.
fn host_namespace_of(sysctl: &str, spec: View<'_>) -> Option<&'static str> {
    let name = normalized(sysctl);
    let name = name.split('*').next().unwrap_or_default();
    let is_ipc = IPC.contains(&name) || name.starts_with("fs.mqueue.");
    let is_net = name.starts_with("net.");
    if is_net && spec.bool("hostNetwork") {
        Some("hostNetwork")
    } else if is_ipc && spec.bool("hostIPC") {
        Some("hostIPC")
    } else {
        None
    }
}

/// A sysctl whose first separator is a slash is written with dots where it has slashes, and the other way round.
fn normalized(sysctl: &str) -> String {
    match sysctl.find(['.', '/']) {
        Some(place) if sysctl.as_bytes()[place] == b'/' => sysctl
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => sysctl.to_owned(),
    }
}

/// Validates what a pod with its own user namespace may share with the host.
pub(super) fn validate_host_users(spec: View<'_>, options: &PodOptions, spec_path: &Path<'_>, errors: &mut Errors) {
    if spec.opt_bool("hostUsers") != Some(false) {
        return;
    }
    let detail = "when `hostUsers` is false";
    if spec.bool("hostNetwork") && !options.user_namespace_host_network {
        errors.push(Error::forbidden(&spec_path.child("hostNetwork"), detail));
    }
    for (name, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.bool(name) {
            errors.push(Error::forbidden(&spec_path.child(shown), detail));
        }
    }
    if options.user_namespace_devices {
        return;
    }
    for (list, index, _) in every(spec).filter(|(_, _, container)| !container.get("volumeDevices").is_empty()) {
        let list = spec_path.child(list);
        errors.push(Error::forbidden(&list.index(index).child("volumeDevices"), detail));
    }
}

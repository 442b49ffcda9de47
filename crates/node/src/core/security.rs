//! Who a container's processes are and what they may do: the pod's settings under the container's own.

use super::model::{described, spec};
use k8s_openapi::api::core::v1::{Container, Pod, SeccompProfile};

/// What a container may do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Security {
    /// As which user; that of the image if none.
    pub(crate) user: Option<i64>,
    /// As which group; that of the user if none.
    pub(crate) group: Option<i64>,
    /// Further groups.
    pub(crate) groups: Vec<i64>,
    /// Whether the groups that the image gives the user count too.
    pub(crate) image_groups: bool,
    pub(crate) privileged: bool,
    pub(crate) no_new_privileges: bool,
    pub(crate) read_only_root: bool,
    /// Whether all of /proc is to be seen.
    pub(crate) unmasked_proc: bool,
    /// Capabilities to add and to drop, without the prefix.
    pub(crate) add: Vec<String>,
    pub(crate) drop: Vec<String>,
    pub(crate) seccomp: Seccomp,
}

/// Which system calls are let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seccomp {
    Unconfined,
    RuntimeDefault,
    /// A file below the node's folder of profiles.
    Localhost(String),
}

/// Why a container is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecurityError {
    #[error("container's runAsUser breaks non-root policy (pod: \"{pod}\", container: {container})")]
    UserIsRoot { pod: String, container: String },
    #[error("container has runAsNonRoot and image will run as root (pod: \"{pod}\", container: {container})")]
    ImageIsRoot { pod: String, container: String },
    #[error(
        "container has runAsNonRoot and image has non-numeric user ({user}), cannot verify user is non-root (pod: \"{pod}\", container: {container})"
    )]
    UserHasName { user: String, pod: String, container: String },
    #[error("localhostProfile must be set if seccompProfile type is Localhost.")]
    NoProfile,
    #[error("localhostProfile must not lead out of the folder of profiles: {0}")]
    ProfileEscapes(String),
}

/// Decides what a container may do. `default_seccomp` is the profile of containers that name none.
pub(crate) fn security(pod: &Pod, container: &Container, default_seccomp: Seccomp) -> Result<Security, SecurityError> {
    let of_pod = spec(pod).security_context.clone().unwrap_or_default();
    let own = container.security_context.clone().unwrap_or_default();
    let privileged = own.privileged == Some(true);
    let profile = own.seccomp_profile.as_ref().or(of_pod.seccomp_profile.as_ref());
    let capabilities = own.capabilities.unwrap_or_default();
    let mut groups: Vec<i64> = of_pod.fs_group.into_iter().collect();
    groups.extend(of_pod.supplemental_groups.iter().flatten());
    Ok(Security {
        user: own.run_as_user.or(of_pod.run_as_user),
        group: own.run_as_group.or(of_pod.run_as_group),
        groups,
        image_groups: of_pod.supplemental_groups_policy.as_deref() != Some("Strict"),
        privileged,
        no_new_privileges: own.allow_privilege_escalation == Some(false),
        read_only_root: own.read_only_root_filesystem == Some(true),
        unmasked_proc: own.proc_mount.as_deref() == Some("Unmasked"),
        add: names(capabilities.add),
        drop: names(capabilities.drop),
        seccomp: if privileged { Seccomp::Unconfined } else { seccomp(profile, default_seccomp)? },
    })
}

fn names(list: Option<Vec<String>>) -> Vec<String> {
    let plain = |name: String| {
        let upper = name.to_uppercase();
        upper.strip_prefix("CAP_").map(str::to_owned).unwrap_or(upper)
    };
    list.unwrap_or_default().into_iter().map(plain).collect()
}

fn seccomp(profile: Option<&SeccompProfile>, default: Seccomp) -> Result<Seccomp, SecurityError> {
    let Some(profile) = profile else { return Ok(default) };
    match profile.type_.as_str() {
        "RuntimeDefault" => Ok(Seccomp::RuntimeDefault),
        "Localhost" => {
            let file = profile.localhost_profile.clone().filter(|file| !file.is_empty());
            let file = file.ok_or(SecurityError::NoProfile)?;
            if file.starts_with('/') || file.split('/').any(|part| part == "..") {
                return Err(SecurityError::ProfileEscapes(file));
            }
            Ok(Seccomp::Localhost(file))
        }
        _ => Ok(Seccomp::Unconfined),
    }
}

/// Checks that a container that must not be root is not. `image_user` is the user part of the image's setting.
pub(crate) fn verify_non_root(pod: &Pod, container: &Container, image_user: &str) -> Result<(), SecurityError> {
    let of_pod = spec(pod).security_context.as_ref();
    let own = container.security_context.as_ref();
    let must = own.and_then(|own| own.run_as_non_root).or_else(|| of_pod.and_then(|of_pod| of_pod.run_as_non_root));
    if must != Some(true) {
        return Ok(());
    }
    let (pod_text, name) = (described(pod), container.name.clone());
    let user = own.and_then(|own| own.run_as_user).or_else(|| of_pod.and_then(|of_pod| of_pod.run_as_user));
    match user {
        Some(0) => Err(SecurityError::UserIsRoot { pod: pod_text, container: name }),
        Some(_) => Ok(()),
        None if image_user.is_empty() => Err(SecurityError::ImageIsRoot { pod: pod_text, container: name }),
        None => match image_user.parse::<i64>() {
            Ok(0) => Err(SecurityError::ImageIsRoot { pod: pod_text, container: name }),
            Ok(_) => Ok(()),
            Err(_) => Err(SecurityError::UserHasName { user: image_user.to_owned(), pod: pod_text, container: name }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    fn pod(of_pod: Value, own: Value) -> Pod {
        value::from_value(json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u"},
            "spec": {"securityContext": of_pod, "containers": [{"name": "c", "securityContext": own}]},
        }))
        .unwrap()
    }

    fn made(of_pod: Value, own: Value) -> Security {
        let pod = pod(of_pod, own);
        security(&pod, &spec(&pod).containers[0], Seccomp::Unconfined).unwrap()
    }

    #[test]
    fn the_container_comes_before_the_pod() {
        let got = made(json!({"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]}), json!({}));
        assert_eq!((got.user, got.group, got.groups), (Some(1), Some(2), vec![3, 4]));
        let got = made(json!({"runAsUser": 1}), json!({"runAsUser": 9, "allowPrivilegeEscalation": false}));
        assert_eq!((got.user, got.no_new_privileges), (Some(9), true));
        let got = made(json!({"seccompProfile": {"type": "RuntimeDefault"}}), json!({}));
        assert_eq!(got.seccomp, Seccomp::RuntimeDefault);
        let local = json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b.json"}});
        assert_eq!(made(json!({}), local).seccomp, Seccomp::Localhost("a/b.json".to_owned()));
        let got = made(json!({}), json!({"capabilities": {"add": ["CAP_net_admin"], "drop": ["ALL"]}}));
        assert_eq!((got.add, got.drop), (vec!["NET_ADMIN".to_owned()], vec!["ALL".to_owned()]));
    }

    fn check(of_pod: Value, own: Value, image_user: &str, want: Option<&str>) {
        let pod = pod(of_pod, own);
        let got = verify_non_root(&pod, &spec(&pod).containers[0], image_user);
        assert_eq!(got.err().map(|error| error.to_string()).as_deref(), want);
    }

    #[test]
    fn root_is_refused_in_the_known_words() {
        check(json!({}), json!({}), "", None);
        check(json!({"runAsNonRoot": true}), json!({"runAsUser": 5}), "", None);
        check(json!({"runAsNonRoot": true}), json!({"runAsNonRoot": false}), "", None);
        check(json!({"runAsNonRoot": true}), json!({}), "1000", None);
        let at = "(pod: \"p_n(u)\", container: c)";
        let breaks = format!("container's runAsUser breaks non-root policy {at}");
        check(json!({"runAsNonRoot": true, "runAsUser": 0}), json!({}), "", Some(&breaks));
        let root = format!("container has runAsNonRoot and image will run as root {at}");
        check(json!({"runAsNonRoot": true}), json!({}), "", Some(&root));
        check(json!({"runAsNonRoot": true}), json!({}), "0", Some(&root));
        let named = format!(
            "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root {at}"
        );
        check(json!({"runAsNonRoot": true}), json!({}), "app", Some(&named));
    }
}

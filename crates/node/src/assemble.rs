//! A container of a spec as the runtime takes it: variables, command, mounts, user, limits.
//!
//! [`environment`] gathers what variables refer to, [`mounts`] turns volumes into mounts. The rules of single fields
//! stand in [`crate::core`].

mod environment;
mod mounts;

use crate::cgroups;
use crate::context::Context;
use crate::core::env::Variables;
use crate::core::model::spec;
use crate::core::security::{self, Seccomp, Security};
use crate::core::{expand, plan, qos, resources};
use crate::observe::notes;
use crate::volumes::Mounted;
use container::{ContainerConfig, Image, config};
use k8s_openapi::api::core::v1::{Container, Pod};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;

/// A container that cannot be put together (`CreateContainerConfigError`).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);

/// What goes into a container besides the pod.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) container: &'a Container,
    pub(crate) attempt: u32,
    pub(crate) image: &'a Image,
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) volumes: &'a HashMap<String, Mounted>,
}

/// The file that a container logs to.
pub(crate) fn log_path(context: &Context, pod: &Pod, container: &str, attempt: u32) -> PathBuf {
    log_folder(context, pod).join(container).join(format!("{attempt}.log"))
}

/// The folder of a pod's logs.
pub(crate) fn log_folder(context: &Context, pod: &Pod) -> PathBuf {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let meta = &pod.metadata;
    context.config.logs().join(format!("{}_{}_{}", text(&meta.namespace), text(&meta.name), text(&meta.uid)))
}

/// Puts a container together.
pub(crate) async fn assemble(context: &Context, parts: &Parts<'_>) -> Result<ContainerConfig, ConfigError> {
    let Parts { pod, container, image, .. } = *parts;
    let say = |error: &dyn std::error::Error| ConfigError(error.to_string());
    let variables = environment::gather(context, parts).await?;
    let image_user = image.config.user.split(':').next().unwrap_or_default().to_owned();
    security::verify_non_root(pod, container, &image_user).map_err(|error| say(&error))?;
    let default = if context.config.seccomp_default { Seccomp::RuntimeDefault } else { Seccomp::Unconfined };
    let security = security::security(pod, container, default).map_err(|error| say(&error))?;
    let mounts = mounts::of(context, parts, &variables).await?;
    let path = container.termination_message_path.clone().unwrap_or_else(|| "/dev/termination-log".to_owned());
    let mut config = ContainerConfig {
        pod: pod.metadata.uid.clone().unwrap_or_default(),
        name: container.name.clone(),
        attempt: parts.attempt,
        image: image.id.clone(),
        argv: command(container, image, &variables),
        env: variables.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        cwd: container.working_dir.clone().filter(|folder| !folder.is_empty()),
        mounts,
        resources: limits(container),
        oom_score_adj: qos::oom_score(pod, container, context.machine.memory),
        tty: container.tty == Some(true),
        stdin: container.stdin == Some(true),
        stdin_once: container.stdin_once == Some(true),
        stop_signal: container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.stop_signal.clone()),
        log_path: Some(log_path(context, pod, &container.name, parts.attempt)),
        labels: labels(pod, &container.name),
        annotations: annotations(container, image, &path),
        ..ContainerConfig::default()
    };
    secure(&mut config, security, context);
    Ok(config)
}

/// The whole command; empty parts come from the image.
fn command(container: &Container, image: &Image, variables: &Variables) -> Vec<String> {
    let expanded = |words: &Option<Vec<String>>| -> Vec<String> {
        words.iter().flatten().map(|word| expand::expand(word, |name| variables.get(name))).collect()
    };
    let (command, args) = (expanded(&container.command), expanded(&container.args));
    match (command.is_empty(), args.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => image.config.entrypoint.iter().cloned().chain(args).collect(),
        (false, _) => command.into_iter().chain(args).collect(),
    }
}

/// Turns what a container may do into the runtime's terms.
fn secure(config: &mut ContainerConfig, security: Security, context: &Context) {
    let number = |value: i64| u32::try_from(value).ok();
    config.user = config::User {
        uid: security.user.and_then(number),
        gid: security.group.and_then(number),
        name: None,
        groups: security.groups.iter().copied().filter_map(number).collect(),
        strict_groups: !security.image_groups,
    };
    config.privileged = security.privileged;
    config.no_new_privileges = security.no_new_privileges;
    config.readonly_rootfs = security.read_only_root;
    if security.unmasked_proc {
        config.masked_paths = Some(Vec::new());
        config.readonly_paths = Some(Vec::new());
    }
    config.capabilities = config::Capabilities { add: security.add, drop: security.drop };
    config.seccomp = match security.seccomp {
        Seccomp::Unconfined => config::Seccomp::Unconfined,
        Seccomp::RuntimeDefault => config::Seccomp::RuntimeDefault,
        Seccomp::Localhost(file) => config::Seccomp::Localhost(context.config.seccomp().join(file)),
    };
}

/// A container's own limits.
fn limits(container: &Container) -> config::Resources {
    let all = container.resources.as_ref();
    let (asked, limited) = (all.and_then(|all| all.requests.as_ref()), all.and_then(|all| all.limits.as_ref()));
    let cpu_limit = resources::amount(limited, "cpu").unwrap_or_default();
    let cpu = resources::amount(asked, "cpu").unwrap_or(cpu_limit);
    let quota = resources::cpu_quota(cpu_limit);
    let pages = limited.into_iter().flatten().filter_map(|(name, _)| {
        Some((name.as_str(), resources::amount(limited, name).filter(|_| name.starts_with("hugepages-"))?))
    });
    config::Resources {
        cpu_shares: resources::cpu_shares(cpu),
        cpu_quota: quota.unwrap_or_default(),
        cpu_period: quota.map(|_| resources::CPU_PERIOD).unwrap_or_default(),
        memory_limit: resources::amount(limited, "memory").unwrap_or_default(),
        hugepages: cgroups::huge_pages(pages).into_iter().collect(),
        ..config::Resources::default()
    }
}

/// What the runtime keeps of whose container it is.
pub(crate) fn labels(pod: &Pod, container: &str) -> BTreeMap<String, String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let all = [
        (notes::POD_NAME, text(&pod.metadata.name)),
        (notes::POD_NAMESPACE, text(&pod.metadata.namespace)),
        (notes::POD_UID, text(&pod.metadata.uid)),
        (notes::CONTAINER, container.to_owned()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn annotations(container: &Container, image: &Image, message_path: &str) -> BTreeMap<String, String> {
    let policy = container.termination_message_policy.clone().unwrap_or_else(|| "File".to_owned());
    let named = container.image.as_deref().map(crate::core::image::tagged).unwrap_or_default();
    let name = image.repo_tags.iter().find(|tag| tag.ends_with(&named)).cloned().unwrap_or(named);
    let all = [
        (notes::HASH, plan::hash(container)),
        (notes::IMAGE, name),
        (notes::IMAGE_REF, crate::images::reference(image)),
        (notes::MESSAGE_PATH, message_path.to_owned()),
        (notes::MESSAGE_POLICY, policy),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether the pod's own spec shares its processes.
pub(crate) fn shares_processes(pod: &Pod) -> bool {
    spec(pod).share_process_namespace == Some(true)
}

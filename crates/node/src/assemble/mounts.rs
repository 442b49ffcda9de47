//! The mounts of a container: its volumes, /etc/hosts, and the file of its last message.

use super::{ConfigError, Parts};
use crate::context::Context;
use crate::core::env::Variables;
use crate::core::model::{on_host_network, spec};
use crate::core::{expand, names};
use crate::volumes::{mounts as kernel, subpath};
use container::config::{Mount, Propagation};
use k8s_openapi::api::core::v1::VolumeMount;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where the names of hosts stand.
const HOSTS: &str = "/etc/hosts";

/// Makes the mounts.
pub(super) async fn of(context: &Context, parts: &Parts<'_>, variables: &Variables) -> Result<Vec<Mount>, ConfigError> {
    let Parts { pod, container, .. } = *parts;
    let folder = context.config.pod_folder(pod.metadata.uid.as_deref().unwrap_or_default());
    let mut wanted = Vec::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        wanted.push(volume(parts, index, mount, variables, &folder)?);
    }
    let has_hosts = container.volume_mounts.iter().flatten().any(|mount| mount.mount_path == HOSTS);
    let hosts = if has_hosts { None } else { Some(hosts_file(context, parts)?) };
    let message = container.termination_message_path.as_deref().unwrap_or("/dev/termination-log").to_owned();
    let name = container.name.clone();
    let made = tokio::task::spawn_blocking(move || {
        let mut mounts = Vec::new();
        for wish in wanted {
            mounts.push(wish.make()?);
        }
        if let Some(text) = hosts {
            let path = folder.join("etc-hosts");
            write(&path, &text, 0o644)?;
            mounts.push(Mount { host_path: path, container_path: PathBuf::from(HOSTS), ..Mount::default() });
        }
        if !message.is_empty() {
            let file = uuid::Uuid::new_v4().simple().to_string();
            let path = folder.join("containers").join(name).join(&file[..8]);
            write(&path, "", 0o666)?;
            mounts.push(Mount { host_path: path, container_path: PathBuf::from(message), ..Mount::default() });
        }
        Ok(mounts)
    });
    made.await.unwrap_or_else(|_| Err(ConfigError("the work was cut off".to_owned())))
}

/// A volume's mount, before its subpath is there.
struct Wish {
    mount: Mount,
    sub: Option<Sub>,
}

/// A part of a volume.
struct Sub {
    path: String,
    target: PathBuf,
    error: String,
}

impl Wish {
    fn make(mut self) -> Result<Mount, ConfigError> {
        if let Some(sub) = self.sub {
            subpath::mount(&self.mount.host_path, &sub.path, &sub.target).map_err(|error| {
                tracing::debug!(error = &error as &dyn std::error::Error, "a subpath cannot be mounted");
                ConfigError(sub.error)
            })?;
            self.mount.host_path = sub.target;
        }
        Ok(self.mount)
    }
}

fn volume(
    parts: &Parts<'_>,
    index: usize,
    mount: &VolumeMount,
    variables: &Variables,
    folder: &Path,
) -> Result<Wish, ConfigError> {
    let name = &parts.container.name;
    let Some(volume) = parts.volumes.get(&mount.name) else {
        return Err(ConfigError(format!("cannot find volume {:?} to mount into container {name:?}", mount.name)));
    };
    let sub = sub_path(mount, variables)?.map(|path| Sub {
        path,
        target: folder.join("volume-subpaths").join(&mount.name).join(name).join(index.to_string()),
        error: format!("failed to prepare subPath for volumeMount {:?} of container {name:?}", mount.name),
    });
    let read_only = mount.read_only == Some(true);
    let recursive = matches!(mount.recursive_read_only.as_deref(), Some("Enabled" | "IfPossible"));
    let propagation = match mount.mount_propagation.as_deref() {
        Some("HostToContainer") => Propagation::HostToContainer,
        Some("Bidirectional") => Propagation::Bidirectional,
        _ => Propagation::Private,
    };
    let container_path = match mount.mount_path.starts_with('/') {
        true => PathBuf::from(&mount.mount_path),
        false => Path::new("/").join(&mount.mount_path),
    };
    let mount = Mount {
        host_path: volume.path.clone(),
        container_path,
        readonly: read_only || volume.read_only,
        recursive_readonly: read_only && recursive,
        propagation,
    };
    Ok(Wish { mount, sub })
}

fn sub_path(mount: &VolumeMount, variables: &Variables) -> Result<Option<String>, ConfigError> {
    let path = match mount.sub_path_expr.as_deref().filter(|path| !path.is_empty()) {
        Some(expression) => {
            let missing = expand::missing(expression, |name| variables.get(name));
            if !missing.is_empty() {
                return Err(ConfigError(format!("missing value for {:?}", missing.join(", "))));
            }
            expand::expand(expression, |name| variables.get(name))
        }
        None => mount.sub_path.clone().unwrap_or_default(),
    };
    if path.is_empty() {
        return Ok(None);
    }
    subpath::check(&path).map_err(ConfigError)?;
    Ok(Some(path))
}

fn hosts_file(context: &Context, parts: &Parts<'_>) -> Result<String, ConfigError> {
    let aliases = spec(parts.pod).host_aliases.as_deref().unwrap_or_default();
    if on_host_network(parts.pod) {
        let text = fs::read_to_string(HOSTS).unwrap_or_default();
        return Ok(names::hosts_of_host(&text, aliases));
    }
    let names = names::names(parts.pod, &context.config.cluster_domain);
    let names = names.map_err(|error| ConfigError(error.to_string()))?;
    Ok(names::hosts(parts.addresses, &names, aliases))
}

/// Writes a file in place, since containers may have it mounted.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), ConfigError> {
    let failed = |error: io::Error| ConfigError(format!("cannot write {}: {error}", path.display()));
    kernel::make_folder(path.parent().unwrap_or(path)).map_err(|error| ConfigError(error.to_string()))?;
    fs::write(path, text).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)
}

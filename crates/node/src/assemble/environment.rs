//! Gathers the objects and files that the variables of a container refer to.

use super::{ConfigError, Parts};
use crate::context::Context;
use crate::core::env::{self, Data, Sources, Variables};
use crate::core::fields::Around;
use crate::core::model::spec;
use crate::objects::{Key, Kind};
use std::path::Path;

/// Most bytes of a file that variables are read from.
const FILE: u64 = 64 * 1024;

/// The variables of a container.
pub(super) async fn gather(context: &Context, parts: &Parts<'_>) -> Result<Variables, ConfigError> {
    let Parts { pod, container, .. } = *parts;
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let links = spec(pod).enable_service_links != Some(false);
    let services = context.service_variables(&namespace, links).await;
    let sources = sources(context, parts, &namespace).await?;
    let allocatable = context.allocatable();
    let addresses = if parts.addresses.is_empty() { &context.hosts } else { parts.addresses };
    let around = Around { hosts: &context.hosts, addresses, allocatable: &allocatable };
    env::variables(pod, container, &sources, &services, &around).map_err(|error| ConfigError(error.to_string()))
}

async fn sources(context: &Context, parts: &Parts<'_>, namespace: &str) -> Result<Sources, ConfigError> {
    let mut sources = Sources::default();
    let container = parts.container;
    for from in container.env_from.iter().flatten() {
        if let Some(reference) = &from.config_map_ref {
            add(context, namespace, Kind::ConfigMap, &reference.name, &mut sources).await?;
        }
        if let Some(reference) = &from.secret_ref {
            add(context, namespace, Kind::Secret, &reference.name, &mut sources).await?;
        }
    }
    for from in container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref()) {
        if let Some(of) = &from.config_map_key_ref {
            add(context, namespace, Kind::ConfigMap, &of.name, &mut sources).await?;
        }
        if let Some(of) = &from.secret_key_ref {
            add(context, namespace, Kind::Secret, &of.name, &mut sources).await?;
        }
        if let Some(of) = &from.file_key_ref {
            let Some(volume) = parts.volumes.get(&of.volume_name) else {
                return Err(ConfigError(format!(
                    "cannot find the volume {:?} referenced by FileKeyRef",
                    of.volume_name
                )));
            };
            let text = read_beneath(&volume.path, &of.path);
            sources.files.insert((of.volume_name.clone(), of.path.clone()), text);
        }
    }
    Ok(sources)
}

async fn add(
    context: &Context,
    namespace: &str,
    kind: Kind,
    name: &str,
    sources: &mut Sources,
) -> Result<(), ConfigError> {
    let map = match kind {
        Kind::ConfigMap => &mut sources.config_maps,
        Kind::Secret => &mut sources.secrets,
    };
    if map.contains_key(name) {
        return Ok(());
    }
    let key = Key { kind, namespace: namespace.to_owned(), name: name.to_owned() };
    let content = context.objects.follow(key).get().await.map_err(|error| ConfigError(error.to_string()))?;
    let data: Option<Data> = content.map(|content| content.data.clone());
    map.insert(name.to_owned(), data);
    Ok(())
}

/// Reads a file of a volume without being led out of it.
fn read_beneath(volume: &Path, path: &str) -> Option<String> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
    use std::io::Read;
    let root = open(volume, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(&root, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty(), how).ok()?;
    let mut text = String::new();
    std::fs::File::from(file).take(FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

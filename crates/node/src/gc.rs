//! Keeps the node's files small: logs are rotated, pods that use more room than they may are evicted, and now and then
//! it is time for images (`image_gc`).

use crate::context::Context;
use crate::core::model::{lasting, spec};
use crate::core::resources;
use crate::image_gc::ImageGc;
use crate::machine;
use crate::pods::{Known, News, Pods};
use container::{ContainerStatus, State};
use k8s_openapi::api::core::v1::Pod;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tracing::warn;

/// How often logs and volumes are looked at.
const PERIOD: Duration = Duration::from_secs(10);
/// How many looks lie between looks at the disk.
const DISK_LOOKS: u32 = 30;
/// The largest log.
const LOG: u64 = 10 * 1024 * 1024;
/// How many files a log has.
const LOG_FILES: usize = 5;

/// Looks after files until the node stops.
pub(crate) async fn run(context: Arc<Context>, pods: Pods, news_tx: mpsc::UnboundedSender<News>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    let mut images = ImageGc::default();
    while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        rotate_logs(&context).await;
        evict(&pods, &context, &news_tx).await;
        if looks.is_multiple_of(DISK_LOOKS) {
            images.look(&context).await;
        }
        looks = looks.wrapping_add(1);
    }
}

async fn rotate_logs(context: &Arc<Context>) {
    let running = context.runtime.list().into_iter().filter(|container| container.state == State::Running);
    for container in running {
        let Some(path) = container.config.log_path.clone() else { continue };
        let is_large = fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG);
        if is_large && let Err(error) = rotate(context, &container, path).await {
            warn!(%error, container = container.id, "cannot rotate a log");
        }
    }
}

/// Moves a log aside and lets the container begin another.
async fn rotate(context: &Context, container: &ContainerStatus, path: PathBuf) -> io::Result<()> {
    let now = k8s_openapi::jiff::Timestamp::now().to_string();
    let stamp: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
    let aside = PathBuf::from(format!("{}.{}-{}", path.display(), &stamp[..8], &stamp[8..]));
    fs::rename(&path, &aside)?;
    if let Err(error) = context.runtime.reopen_log(&container.id).await {
        fs::rename(&aside, &path)?;
        return Err(io::Error::other(crate::chain(&error)));
    }
    tokio::task::spawn_blocking(move || remove_oldest(&path)).await.unwrap_or(Ok(()))
}

/// Removes the oldest files of a log, so that with the present one there are not too many.
fn remove_oldest(path: &Path) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let prefix = format!("{}.", name.to_string_lossy());
    let mut old: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .collect();
    old.sort();
    let extra = old.len().saturating_sub(LOG_FILES - 1);
    old.iter().take(extra).try_for_each(fs::remove_file)
}

/// Has pods evicted that use more room than they may.
async fn evict(pods: &Pods, context: &Arc<Context>, news_tx: &mpsc::UnboundedSender<News>) {
    for Known { pod, status } in pods.all() {
        let limited = has_limits(&pod);
        if !limited || status.phase.as_deref() != Some("Running") {
            continue;
        }
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let folder = context.config.pod_folder(&uid).join("volumes/kubernetes.io~empty-dir");
        let logs = crate::assemble::log_folder(context, &pod);
        let excess = tokio::task::spawn_blocking(move || excess(&pod, &folder, &logs)).await;
        if let Ok(Some(message)) = excess {
            // The dispatcher ends only with the node.
            let _ = news_tx.send(News::Evict(uid, message));
        }
    }
}

fn has_limits(pod: &Pod) -> bool {
    let volumes = spec(pod).volumes.iter().flatten();
    let mut sized = volumes.filter_map(|volume| volume.empty_dir.as_ref()).filter(|empty| empty.size_limit.is_some());
    sized.next().is_some() || limit(pod).is_some()
}

/// The room that all containers of a pod may use.
fn limit(pod: &Pod) -> Option<i64> {
    lasting(spec(pod)).next()?;
    resources::limited(spec(pod)).get("ephemeral-storage").copied()
}

/// Why a pod uses too much, in the words of its eviction.
fn excess(pod: &Pod, folder: &Path, logs: &Path) -> Option<String> {
    let mut total = size(logs);
    for volume in spec(pod).volumes.iter().flatten() {
        let Some(empty) =
            volume.empty_dir.as_ref().filter(|empty| empty.medium.as_deref().unwrap_or_default().is_empty())
        else {
            continue;
        };
        let used = size(&folder.join(&volume.name));
        total = total.saturating_add(used);
        let Some(text) = empty.size_limit.as_ref().map(|limit| limit.0.clone()) else { continue };
        let limit = object::quantity::Quantity::parse(&text).ok()?.value();
        if limit > 0 && used > limit {
            return Some(format!("Usage of EmptyDir volume {:?} exceeds the limit {text:?}. ", volume.name));
        }
    }
    let limit = limit(pod)?;
    let text = object::quantity::Quantity::new(limit, object::quantity::Format::BinarySi);
    (limit > 0 && total > limit)
        .then(|| format!("Pod ephemeral local storage usage exceeds the total limit of containers {text}. "))
}

/// Bytes on disk below a folder.
fn size(folder: &Path) -> i64 {
    i64::try_from(machine::folder_size(folder)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn the_oldest_logs_go() {
        let world = tempfile::tempdir().unwrap();
        let log = world.path().join("0.log");
        for number in 1..8 {
            fs::write(world.path().join(format!("0.log.2026010{number}-000000")), "").unwrap();
        }
        fs::write(&log, "").unwrap();
        fs::write(world.path().join("1.log"), "").unwrap();
        remove_oldest(&log).unwrap();
        let mut left: Vec<String> = fs::read_dir(world.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let want = [
            "0.log",
            "0.log.20260104-000000",
            "0.log.20260105-000000",
            "0.log.20260106-000000",
            "0.log.20260107-000000",
            "1.log",
        ];
        assert_eq!(left, want);
    }

    #[test]
    fn too_much_is_told_in_the_known_words() {
        let world = tempfile::tempdir().unwrap();
        fs::create_dir(world.path().join("v")).unwrap();
        fs::write(world.path().join("v/a"), vec![1; 100_000]).unwrap();
        let pod = |limit: &str| -> Pod {
            let volume = json!({"name": "v", "emptyDir": {"sizeLimit": limit}});
            value::from_value(json!({"spec": {"containers": [{"name": "c"}], "volumes": [volume]}})).unwrap()
        };
        let logs = world.path().join("none");
        let want = "Usage of EmptyDir volume \"v\" exceeds the limit \"50Ki\". ";
        assert_eq!(excess(&pod("50Ki"), world.path(), &logs).as_deref(), Some(want));
        assert_eq!(excess(&pod("1Mi"), world.path(), &logs), None);
    }
}

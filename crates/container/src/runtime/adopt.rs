//! What runs already when the server starts: pods with a living shim are taken over as they are; of what a crash or a
//! reboot left, containers that ended keep their exit codes, and the rest is cleared away.

use super::link::Link;
use super::record::{self, ContainerRecord, EndRecord, PodRecord, StartRecord};
use super::{Container, Inner, Pod, containers, lock, pods};
use crate::error::{Error, blocking};
use crate::rootfs;
use crate::spec::mounts;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::watch;

/// Adopts all pods that are there.
pub(super) async fn all(inner: &Arc<Inner>) -> Result<(), Error> {
    for folder in folders(&inner.config.run.join("containers")) {
        match record::read::<PodRecord>(&folder.join(record::POD)) {
            Some(record) => pod(inner, folder, record).await,
            // The server ended while it made the pod; nobody was told of it.
            None => {
                pods::end(&folder).await;
                clear(folder).await?;
            }
        }
    }
    clear_own_files(inner).await
}

async fn pod(inner: &Arc<Inner>, folder: PathBuf, record: PodRecord) {
    let alive = Link::to(&folder).is_ok();
    let pod = Arc::new(Pod { record, alive: AtomicBool::new(alive), stopping: AtomicBool::new(false), folder });
    lock(&inner.pods).insert(pod.record.config.uid.clone(), pod.clone());
    // First the ear, then the look at what was recorded: so no end is missed in between.
    let followed = alive && inner.follow(&pod).await.is_ok();
    for folder in folders(&pod.folder) {
        if let Some(record) = record::read::<ContainerRecord>(&folder.join(record::CONTAINER)) {
            container(inner, &pod, folder, record, followed).await;
        }
    }
}

async fn container(inner: &Arc<Inner>, pod: &Arc<Pod>, folder: PathBuf, record: ContainerRecord, alive: bool) {
    let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut status = containers::first_status(&id, &record);
    let start = record::read::<StartRecord>(&folder.join(record::START));
    let start = start.or_else(|| cut_short(&folder));
    if let Some(start) = &start {
        containers::apply_start(&mut status, start);
    }
    if let Some(end) = EndRecord::read(&folder) {
        containers::apply_end(&mut status, &end);
    }
    let runs = status.state == crate::status::State::Running;
    let status = watch::Sender::new(status);
    let container = Arc::new(Container {
        id: id.clone(),
        record,
        pod: pod.clone(),
        folder,
        status,
        turn: tokio::sync::Mutex::default(),
    });
    lock(&inner.containers).insert(id, container.clone());
    if runs && !alive {
        inner.lost(&container).await;
    } else if runs && let Some(end) = EndRecord::read(&container.folder) {
        // It ended while we looked, and the shim's word found no container.
        inner.ended(&container, end).await;
    }
}

/// The server ended during a start: if the OCI runtime got as far as a process, it goes on by itself.
fn cut_short(folder: &Path) -> Option<StartRecord> {
    let file = folder.join(crate::oci::PID);
    let at = file.metadata().and_then(|file| file.modified()).ok()?;
    let pid: u32 = std::fs::read_to_string(&file).ok()?.trim().parse().ok()?;
    let said = std::fs::read_to_string(folder.join(crate::oci::ERROR)).unwrap_or_default();
    let failed = !said.is_empty() || !Path::new(&format!("/proc/{pid}")).exists();
    let ended = folder.join(crate::shim::EXIT_RECORD).exists();
    let failure = (failed && !ended).then(|| format!("the server ended while it started: {said}"));
    Some(StartRecord { pid, at, failure })
}

async fn clear(folder: PathBuf) -> Result<(), Error> {
    blocking(move || {
        for inner in folders(&folder) {
            rootfs::unmount(&inner.join("rootfs"))?;
        }
        rootfs::unmount(&folder.join(mounts::SHM))?;
        rootfs::remove_folder(&folder)
    })
    .await
}

/// Writable files of containers that nobody knows any more.
async fn clear_own_files(inner: &Arc<Inner>) -> Result<(), Error> {
    for folder in folders(&inner.config.data.join("containers")) {
        let known = folder.file_name().and_then(|name| name.to_str()).is_some_and(|id| inner.container(id).is_ok());
        if !known {
            blocking(move || rootfs::remove_folder(&folder)).await?;
        }
    }
    Ok(())
}

/// Removes whatever is left in the run-time folder.
pub(super) async fn sweep(inner: &Arc<Inner>) -> Result<(), Error> {
    let root = inner.config.run.join("containers");
    for folder in folders(&root) {
        pods::end(&folder).await;
        clear(folder).await?;
    }
    clear_own_files(inner).await?;
    blocking(move || rootfs::remove_folder(&root)).await
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

//! Sandboxes: a folder, a shim with the pod's namespaces, shared memory.

use super::link::Link;
use super::record::{self, PodRecord};
use super::{Inner, Pod, Runtime, lock};
use crate::config::{BUILT_IN, PodConfig};
use crate::error::{Error, blocking};
use crate::reexec::{PAUSE, SHIM};
use crate::rootfs;
use crate::spec::mounts;
use crate::status::{Event, State};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

impl Runtime {
    /// Makes a pod's sandbox and starts its shim. One that is there already and lives is kept.
    pub async fn run_pod(&self, config: PodConfig) -> Result<(), Error> {
        let inner = &self.inner;
        if let Ok(pod) = inner.pod(&config.uid) {
            if pod.is_alive() {
                return Ok(());
            }
            self.remove_pod(&config.uid).await?;
        }
        if config.handler != BUILT_IN && !inner.config.handlers.contains_key(&config.handler) {
            return Err(Error::UnknownHandler { handler: config.handler });
        }
        let folder = inner.pod_folder(&config.uid)?;
        let made = self.make_pod(config, &folder).await;
        if made.is_err() {
            let _the_first_error_counts = remove_files(folder).await;
        }
        made
    }

    async fn make_pod(&self, config: PodConfig, folder: &Path) -> Result<(), Error> {
        let (for_files, into) = (config.clone(), folder.to_owned());
        blocking(move || make_files(&for_files, &into)).await?;
        let (shim, pause) = start_shim(&self.inner, &config, folder).await?;
        let record = PodRecord { config, created_at: SystemTime::now(), shim, pause };
        record::write(&folder.join(record::POD), &record)?;
        let pod = Arc::new(Pod {
            record,
            folder: folder.to_owned(),
            alive: AtomicBool::new(true),
            stopping: AtomicBool::new(false),
        });
        self.inner.follow(&pod).await?;
        lock(&self.inner.pods).insert(pod.record.config.uid.clone(), pod);
        Ok(())
    }

    /// Stops all containers of a pod. Nothing can be started in it afterwards.
    pub async fn stop_pod(&self, uid: &str, grace: Duration) -> Result<(), Error> {
        let Ok(pod) = self.inner.pod(uid) else { return Ok(()) };
        pod.stopping.store(true, Ordering::Release);
        let running = self.inner.containers_of(uid);
        let stops = running.iter().map(|one| self.stop(&one.id, None, grace));
        futures_util::future::try_join_all(stops).await.map(|_| ())
    }

    /// Removes a pod's containers and its sandbox; a missing one is no error.
    pub async fn remove_pod(&self, uid: &str) -> Result<(), Error> {
        let Ok(pod) = self.inner.pod(uid) else { return Ok(()) };
        pod.stopping.store(true, Ordering::Release);
        let containers = self.inner.containers_of(uid);
        futures_util::future::try_join_all(containers.iter().map(|one| self.remove(&one.id))).await?;
        self.inner.end_shim(&pod).await;
        remove_files(pod.folder.clone()).await?;
        let parent = pod.record.config.cgroup_parent.clone();
        let groups = self.inner.groups.clone();
        blocking(move || groups.remove(&parent)).await?;
        lock(&self.inner.pods).remove(uid);
        Ok(())
    }
}

impl Inner {
    /// The uid becomes the name of a folder, so it has to be one.
    pub(super) fn pod_folder(&self, uid: &str) -> Result<PathBuf, Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.';
        if uid.is_empty() || uid.starts_with('.') || !uid.bytes().all(fits) {
            let message = "a pod's uid has letters, digits, '-', '_' and '.'".to_owned();
            return Err(Error::Sandbox { uid: uid.to_owned(), message });
        }
        Ok(self.config.run.join("containers").join(uid))
    }

    /// Hears how the pod's containers end, from now until the shim ends.
    pub(super) async fn follow(self: &Arc<Inner>, pod: &Arc<Pod>) -> Result<(), Error> {
        let lost = |_| Error::PodLost { uid: pod.record.config.uid.clone() };
        let link = Link::to(&pod.folder).map_err(lost)?;
        link.ask(&["listen"], &[]).await.map_err(lost)?;
        let (inner, pod) = (self.clone(), pod.clone());
        self.tasks.spawn(async move {
            while let Ok(packet) = link.receive().await {
                if packet.word(0) == "exit"
                    && let Ok(container) = inner.container(packet.word(1))
                    && let Some(end) = record::EndRecord::from_words(packet.word(2), packet.word(3), packet.word(4))
                {
                    inner.ended(&container, end).await;
                }
            }
            inner.shim_gone(&pod).await;
        });
        Ok(())
    }

    /// Without its shim a container has no output, and nobody learns how it ends; so it is ended.
    async fn shim_gone(self: &Arc<Inner>, pod: &Arc<Pod>) {
        if !pod.alive.swap(false, Ordering::AcqRel) {
            // We ended it ourselves.
            return;
        }
        for container in self.containers_of(&pod.record.config.uid) {
            if container.status.borrow().state == State::Running {
                self.lost(&container).await;
            }
        }
        self.tell(Event::PodLost { pod: pod.record.config.uid.clone() });
    }

    /// Asks the shim to end, and waits until it has.
    async fn end_shim(&self, pod: &Pod) {
        pod.alive.store(false, Ordering::Release);
        end(&pod.folder).await;
        // The shim ends the shared process namespace with itself, but not if it was killed.
        if let Some(pause) = pod.record.pause {
            let name = std::fs::read(format!("/proc/{pause}/cmdline")).unwrap_or_default();
            if name.starts_with(PAUSE.as_bytes()) {
                let _gone = nix::sys::signal::kill(
                    nix::unistd::Pid::from_raw(pause.cast_signed()),
                    nix::sys::signal::Signal::SIGKILL,
                );
            }
        }
    }
}

/// Asks the shim of a pod's folder to end, if there is one, and waits until it has.
pub(super) async fn end(folder: &Path) {
    if let Ok(link) = Link::to(folder) {
        let _gone = link.send(&["end"], &[]).await;
        while link.receive().await.is_ok() {}
    }
}

fn make_files(config: &PodConfig, folder: &Path) -> Result<(), Error> {
    // Whatever a crash left.
    rootfs::unmount(&folder.join(mounts::SHM))?;
    rootfs::remove_folder(folder)?;
    std::fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, error))?;
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| Error::io("write", path, error))
    };
    if let Some(text) = &config.resolv_conf {
        file(mounts::RESOLV_CONF, text)?;
    }
    file(mounts::HOSTNAME, &format!("{}\n", config.hostname))?;
    if !config.host_ipc {
        rootfs::mount_shm(&folder.join(mounts::SHM))?;
    }
    Ok(())
}

async fn remove_files(folder: PathBuf) -> Result<(), Error> {
    blocking(move || {
        rootfs::unmount(&folder.join(mounts::SHM))?;
        rootfs::remove_folder(&folder)
    })
    .await
}

/// Starts the shim, and waits until it has set up; its process and that of a shared process namespace.
async fn start_shim(inner: &Inner, config: &PodConfig, folder: &Path) -> Result<(u32, Option<u32>), Error> {
    let failed = |message: String| Error::Sandbox { uid: config.uid.clone(), message };
    let log = folder.join("shim.log");
    let errors = std::fs::File::create(&log).map_err(|error| Error::io("make", log, error))?;
    let mut command = Command::new(&inner.config.executable);
    command.arg0(SHIM).arg(folder).args(wishes(config)).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).current_dir("/");
    let program = &inner.config.executable;
    let mut child = command.spawn().map_err(|error| Error::io("start the shim", program, error))?;
    let pid = child.id();
    let mut said = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut said).await.map_err(|error| failed(error.to_string()))?;
    }
    // It is our child until we end; somebody has to take its last word.
    inner.tasks.spawn(async move { child.wait().await });
    let pause = said.strip_prefix("ok ").and_then(|number| number.trim().parse::<u32>().ok());
    match (pid, pause) {
        (Some(pid), Some(pause)) => Ok((pid, (pause > 0).then_some(pause))),
        _ => Err(failed(if said.is_empty() { "its shim ended without a word".to_owned() } else { said })),
    }
}

fn wishes(config: &PodConfig) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(netns) = &config.netns {
        words.push(format!("netns={}", netns.display()));
        words.push(format!("hostname={}", config.hostname));
    }
    if !config.host_ipc {
        words.push("ipc".to_owned());
    }
    if config.share_pid && !config.host_pid {
        words.push("pid".to_owned());
    }
    words.extend(config.sysctls.iter().map(|(name, value)| format!("sysctl={name}={value}")));
    words
}

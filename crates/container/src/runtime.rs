//! The runtime: sandboxes and containers, by uid and id. Their processes belong to shims; what is here is a view of them
//! that can be lost and made again ([`Runtime::open`]).
//!
//! `pods` makes and removes sandboxes, `containers` containers, `sessions` is `exec` and `attach`, `adopt` finds what runs
//! when the server starts, `link` talks with shims, `record` is what lies on disk.

mod adopt;
mod containers;
mod link;
mod pods;
mod record;
mod sessions;

use crate::cgroups::Groups;
use crate::config::Config;
use crate::error::Error;
use crate::images::Images;
use crate::spec::host::Host;
use crate::status::{ContainerStatus, Event, PodStatus};
use futures_util::{StreamExt, TryStreamExt};
use record::{ContainerRecord, PodRecord};
pub use sessions::{Reader, Session, Writer};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

/// So many events may wait for a slow listener before it misses some.
const EVENTS: usize = 4096;

/// So many pods are removed side by side.
const REMOVED_AT_ONCE: usize = 16;

/// Pods and containers of one cluster on this machine. Clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    config: Config,
    host: Host,
    images: Images,
    groups: Arc<Groups>,
    pods: Mutex<HashMap<String, Arc<Pod>>>,
    containers: Mutex<HashMap<String, Arc<Container>>>,
    events: broadcast::Sender<Event>,
    tasks: TaskTracker,
}

/// A sandbox.
struct Pod {
    record: PodRecord,
    folder: PathBuf,
    /// Its shim answers.
    alive: AtomicBool,
    /// It is being stopped; nothing starts in it any more.
    stopping: AtomicBool,
}

/// A container.
struct Container {
    id: String,
    record: ContainerRecord,
    pod: Arc<Pod>,
    folder: PathBuf,
    status: watch::Sender<ContainerStatus>,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Runtime {
    /// Opens the runtime and adopts what runs.
    pub async fn open(config: Config) -> Result<Runtime, Error> {
        let images =
            Images::open(config.data.join("images"), config.data.join("containers"), config.registries.clone())?;
        for folder in [config.data.join("containers"), config.run.join("containers")] {
            std::fs::create_dir_all(&folder).map_err(|error| Error::io("make the folder", folder, error))?;
        }
        let inner = Inner {
            config,
            host: Host::look(),
            images,
            groups: Arc::new(Groups::detect()?),
            pods: Mutex::default(),
            containers: Mutex::default(),
            events: broadcast::channel(EVENTS).0,
            tasks: TaskTracker::new(),
        };
        let runtime = Runtime { inner: Arc::new(inner) };
        adopt::all(&runtime.inner).await?;
        Ok(runtime)
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.inner.images
    }

    /// What happens from now on. A listener that is too slow is told how much it missed, and has to look again.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// All sandboxes.
    pub fn pods(&self) -> Vec<PodStatus> {
        lock(&self.inner.pods).values().map(|pod| pod.status()).collect()
    }

    /// One sandbox.
    pub fn pod(&self, uid: &str) -> Result<PodStatus, Error> {
        Ok(self.inner.pod(uid)?.status())
    }

    /// All containers.
    pub fn list(&self) -> Vec<ContainerStatus> {
        lock(&self.inner.containers).values().map(|one| one.status.borrow().clone()).collect()
    }

    /// The containers of one pod.
    pub fn list_of(&self, uid: &str) -> Vec<ContainerStatus> {
        self.inner.containers_of(uid).iter().map(|one| one.status.borrow().clone()).collect()
    }

    /// One container.
    pub fn status(&self, id: &str) -> Result<ContainerStatus, Error> {
        Ok(self.inner.container(id)?.status.borrow().clone())
    }

    /// Stops and removes everything; afterwards nothing of ours is mounted, runs, or lies in the run-time folder.
    /// Images stay.
    pub async fn remove_all(&self) -> Result<(), Error> {
        let work = self.pods().into_iter().map(|pod| async move {
            self.stop_pod(&pod.config.uid, Duration::ZERO).await?;
            self.remove_pod(&pod.config.uid).await
        });
        futures_util::stream::iter(work).buffer_unordered(REMOVED_AT_ONCE).try_collect::<Vec<()>>().await?;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
        adopt::sweep(&self.inner).await
    }
}

impl Pod {
    fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    fn status(&self) -> PodStatus {
        PodStatus {
            config: self.record.config.clone(),
            created_at: self.record.created_at,
            ready: self.is_alive() && !self.stopping.load(Ordering::Acquire),
            shim: self.is_alive().then_some(self.record.shim),
        }
    }
}

impl Inner {
    fn pod(&self, uid: &str) -> Result<Arc<Pod>, Error> {
        lock(&self.pods).get(uid).cloned().ok_or_else(|| Error::PodNotFound { uid: uid.to_owned() })
    }

    fn container(&self, id: &str) -> Result<Arc<Container>, Error> {
        lock(&self.containers).get(id).cloned().ok_or_else(|| Error::ContainerNotFound { id: id.to_owned() })
    }

    fn containers_of(&self, uid: &str) -> Vec<Arc<Container>> {
        lock(&self.containers).values().filter(|one| one.record.config.pod == uid).cloned().collect()
    }

    fn tell(&self, event: Event) {
        let _nobody_listens = self.events.send(event);
    }

    /// Where a container's writable files lie.
    fn own_files(&self, id: &str) -> PathBuf {
        self.config.data.join("containers").join(id)
    }
}

/// A panic elsewhere leaves these maps whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

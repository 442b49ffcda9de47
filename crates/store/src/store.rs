//! The store as its users see it.

mod load;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::backup::{self, Backup, BackupError};
use crate::engine::{Engine, OpenError, Sqlite};
use crate::entry::Attach;
use crate::folder::{Folder, database_path};
use crate::hub::{Hub, RevisionError};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::seal;
use crate::snapshot::Snapshot;
use crate::txn::{CommitError, Committed, Txn};
use crate::watcher::Watcher;
use crate::writer::{Job, Request, Writer, group};

/// A revisioned key space in a folder. Clones are handles to the same store.
///
/// When the last handle goes, the store is closed as by [`Store::close`], and the dropping thread waits for that.
pub struct Store<T>(Arc<Inner<T>>);

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        Store(Arc::clone(&self.0))
    }
}

struct Inner<T> {
    folder: PathBuf,
    hub: Arc<Hub<T>>,
    /// Jobs: callers -> writer.
    jobs_tx: Mutex<Option<Sender<Job<T>>>>,
    /// Places in the writer's queue.
    places: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<T: Attach> Store<T> {
    /// Transactions that may wait for the writer; further callers wait for a place.
    const QUEUE: usize = 8192;

    /// Opens the store in `folder`, or makes a new one where there is none.
    ///
    /// Reads and checks everything, which takes time in proportion to the database's size; call it where blocking is
    /// allowed.
    pub fn open(folder: impl AsRef<Path>, options: &Options) -> Result<Self, OpenError> {
        let held = Folder::take(folder.as_ref())?;
        let (database, marker) = (held.database()?, held.marker()?);
        let mut loader = load::Loader::new(options);
        let opened = Sqlite::open(&database, options, &mut |row, extent| loader.take(row, extent));
        let (mut engine, extent) = match (opened, loader.sealed.take()) {
            (Err(_), Some(detail)) => return Err(OpenError::Sealed { path: database, detail }),
            (opened, _) => opened?,
        };
        if marker.read() > extent.revision {
            let (acknowledged, marker) = (marker.read(), marker.path().to_owned());
            return Err(OpenError::Lost { path: database, found: extent.revision, acknowledged, marker });
        }
        let seal = seal::of(options.seal.as_ref());
        if loader.is_stale {
            let sealed = engine.reseal(&*seal);
            sealed.map_err(|source| OpenError::Database { path: database, source })?;
        }
        let hub = Arc::new(loader.finish(extent));
        let (jobs_tx, jobs) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&hub), Box::new(engine), seal, marker, jobs, held);
        let writer = writer.gathering(options.busy.clone());
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || writer.run());
        let thread = thread.map_err(|source| OpenError::Folder { path: folder.as_ref().to_owned(), source })?;
        Ok(Store(Arc::new(Inner {
            folder: folder.as_ref().to_owned(),
            hub,
            jobs_tx: Mutex::new(Some(jobs_tx)),
            places: Arc::new(Semaphore::new(Self::QUEUE)),
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Applies `txn`, all or nothing, and answers once it is on disk.
    ///
    /// A caller who stops waiting does not stop the write.
    pub async fn commit(&self, txn: Txn<T>) -> Result<Committed<T>, CommitError<T>> {
        let txn = group::prepare(txn)?;
        let permit = Arc::clone(&self.0.places).acquire_owned().await.map_err(|_| CommitError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.0.send(Job::Commit(Request { txn, reply, permit })).map_err(|_| CommitError::Closed)?;
        answer.await.unwrap_or(Err(CommitError::Closed))
    }

    /// The key space as it is now. Costs nothing and waits for nobody.
    pub fn snapshot(&self) -> Snapshot<T> {
        self.0.hub.snapshot()
    }

    /// The key space as it was at `revision`, if that lies in the kept history.
    ///
    /// Undoes the events since, at about a microsecond each; asking for the same revision again costs nothing.
    pub fn snapshot_at(&self, revision: u64) -> Result<Snapshot<T>, RevisionError> {
        self.0.hub.snapshot_at(revision)
    }

    /// The current revision.
    pub fn revision(&self) -> u64 {
        self.0.hub.snapshot().revision()
    }

    /// The oldest revision that can be listed or watched from.
    pub fn compacted_revision(&self) -> u64 {
        self.0.hub.floor()
    }

    /// Waits until `revision` has been reached; false if it has not been within `timeout`.
    pub async fn wait_for(&self, revision: u64, timeout: Duration) -> bool {
        let mut revisions = self.0.hub.revisions();
        let reached = revisions.wait_for(|&current| current >= revision);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// Follows all events after the revision `after` of keys that begin with `prefix`.
    ///
    /// A revision in the future is allowed: the events up to it are left out.
    pub fn watch(&self, prefix: &str, after: u64) -> Result<Watcher<T>, RevisionError> {
        let (_, topic) = self.0.hub.join(prefix, Some(after))?;
        Ok(Watcher::new(Arc::clone(&self.0.hub), topic, after))
    }

    /// The key space as it is now, and all events after it of keys that begin with `prefix`.
    pub fn list_and_watch(&self, prefix: &str) -> (Snapshot<T>, Watcher<T>) {
        let (snapshot, topic) = self.0.hub.join(prefix, None).expect("the current revision is never compacted");
        let after = snapshot.revision();
        (snapshot, Watcher::new(Arc::clone(&self.0.hub), topic, after))
    }

    /// Forgets the history up to `revision`, in memory and on disk. Live keys stay.
    ///
    /// History is also cut by age and size, see [`Options`].
    pub async fn compact(&self, revision: u64) -> Result<(), CommitError<T>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Job::Compact(revision, reply)).map_err(|_| CommitError::Closed)?;
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CommitError::failed(error)),
            Err(_) => Err(CommitError::Closed),
        }
    }

    /// Seals again what lies on disk otherwise than it would be written now, after keys have changed; tells how many
    /// values that were.
    pub async fn reseal(&self) -> Result<u64, CommitError<T>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Job::Reseal(reply)).map_err(|_| CommitError::Closed)?;
        match answer.await {
            Ok(Ok(sealed)) => Ok(sealed),
            Ok(Err(error)) => Err(CommitError::failed(Arc::new(error))),
            Err(_) => Err(CommitError::Closed),
        }
    }

    /// Writes a consistent copy of the database, while the store works on, to the new file `to`, and reads it back.
    ///
    /// [`restore`](crate::restore()) makes a store of it.
    pub async fn backup(&self, to: impl Into<PathBuf>) -> Result<Backup, BackupError> {
        let (from, to) = (database_path(&self.0.folder), to.into());
        let task = tokio::task::spawn_blocking(move || backup::write(&from, &to));
        task.await.unwrap_or(Err(BackupError::Stopped))
    }

    /// The store in numbers; those of the disk stay at zero once it is closed.
    pub async fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        self.0.hub.measure(&mut metrics);
        let (reply, answer) = oneshot::channel();
        match self.0.send(Job::Measure(metrics.clone(), reply)) {
            Ok(()) => answer.await.unwrap_or(metrics),
            Err(_) => metrics,
        }
    }

    /// Finishes the writes that are waiting, brings everything to its place on disk and ends all watches.
    ///
    /// Later writes are refused; reads of memory still work. The folder is free when this returns.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        let closed = tokio::task::spawn_blocking(move || inner.close());
        if closed.await.is_err() {
            tracing::error!("closing the store was interrupted");
        }
    }
}

impl<T> Inner<T> {
    fn send(&self, job: Job<T>) -> Result<(), Closed> {
        let jobs_tx = self.jobs_tx.lock().unwrap_or_else(PoisonError::into_inner);
        jobs_tx.as_ref().ok_or(Closed)?.send(job).map_err(|_| Closed)
    }

    /// Lets the writer finish what it has, and waits for it.
    fn close(&self) {
        self.places.close();
        self.jobs_tx.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer has panicked");
        }
        self.hub.close();
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The writer takes no more jobs.
struct Closed;

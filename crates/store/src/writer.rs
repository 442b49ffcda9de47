//! The one thread that writes.
//!
//! It takes all transactions that are waiting, and those that are about to come (`gathering`), decides them one after
//! the other against the live map (`group`), lets the engine make the outcome durable with one fsync, shows it to
//! readers, only then answers, and wakes the watchers. As it owns a transaction from the moment it is sent, a caller who
//! goes away cancels nothing half-way.

mod compaction;
mod gathering;
pub(crate) mod group;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use self::compaction::{Compaction, Reply};
pub(crate) use self::gathering::Busy;
use self::gathering::Gathering;
use self::group::{Group, Outcome, Prepared};
use crate::engine::{Engine, EngineError};
use crate::entry::Attach;
use crate::event::Event;
use crate::folder::{Folder, Marker};
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::seal::Seal;
use crate::snapshot::State;
use crate::txn::CommitError;

/// What the writer is asked to do: store -> writer.
pub(crate) enum Job<T> {
    /// Apply a transaction.
    Commit(Request<T>),
    /// Forget the history up to a revision; answered when the disk has forgotten it too.
    Compact(u64, Reply),
    /// Seal again what lies on disk otherwise than it would be written now.
    Reseal(oneshot::Sender<Result<u64, EngineError>>),
    /// Tell the engine's and the writer's numbers.
    Measure(Metrics, oneshot::Sender<Metrics>),
}

/// A transaction and who waits for it.
pub(crate) struct Request<T> {
    pub(crate) txn: Prepared<T>,
    pub(crate) reply: oneshot::Sender<Outcome<T>>,
    /// The place in the queue, given back with the answer.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The state of the thread.
pub(crate) struct Writer<T> {
    hub: Arc<Hub<T>>,
    engine: Box<dyn Engine>,
    seal: Arc<dyn Seal>,
    marker: Marker,
    jobs: Receiver<Job<T>>,
    _folder: Folder,
    compaction: Compaction,
    gathering: Gathering,
    counts: Counts,
    ticked_at: Instant,
}

/// A state, and the events that led to it.
type Shown<T> = (State<T>, Vec<Arc<Event<T>>>);

/// What the writer counts.
#[derive(Default)]
struct Counts {
    commits: u64,
    conflicts: u64,
    failures: u64,
    largest_group: u64,
    /// True since the last group failed.
    failing: bool,
}

impl<T: Attach> Writer<T> {
    /// Most transactions, and about the most bytes, that share one disk transaction.
    const GROUP_TXNS: usize = 4096;
    const GROUP_BYTES: usize = 8 << 20;
    /// How often history is cut by age.
    const TICK: Duration = Duration::from_secs(1);

    /// A writer that has not begun to work.
    pub(crate) fn new(
        hub: Arc<Hub<T>>,
        engine: Box<dyn Engine>,
        seal: Arc<dyn Seal>,
        marker: Marker,
        jobs: Receiver<Job<T>>,
        folder: Folder,
    ) -> Self {
        let (compaction, counts) = (Compaction::default(), Counts::default());
        let gathering = Gathering::new(None);
        let ticked_at = Instant::now();
        Writer { hub, engine, seal, marker, jobs, _folder: folder, compaction, gathering, counts, ticked_at }
    }

    /// The same, but that groups wait for more while `busy` says that more is to come.
    pub(crate) fn gathering(mut self, busy: Option<Busy>) -> Self {
        self.gathering = Gathering::new(busy);
        self
    }

    /// Works until the store is closed or dropped.
    pub(crate) fn run(mut self) {
        loop {
            let idle = match self.jobs.recv_timeout(self.compaction.patience(Self::TICK)) {
                Ok(job) => {
                    self.serve(job);
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.tidy(idle);
        }
    }

    /// Does one job; a transaction together with those that wait behind it.
    fn serve(&mut self, job: Job<T>) {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Commit(first) => next = self.commit_group(first),
                Job::Compact(revision, reply) => {
                    self.hub.compact(revision);
                    self.compaction.ask(reply);
                }
                Job::Reseal(reply) => {
                    let _ = reply.send(self.engine.reseal(&*self.seal));
                }
                Job::Measure(metrics, reply) => {
                    let _ = reply.send(self.measure(metrics));
                }
            }
        }
    }

    /// Applies `first` and the transactions behind it; returns the job that ended the group, if one did.
    fn commit_group(&mut self, first: Request<T>) -> Option<Job<T>> {
        let mut group = Group::new(&self.hub.snapshot());
        let mut waiting = Vec::new();
        let opened = Instant::now();
        let mut next = Some(Job::Commit(first));
        while let Some(Job::Commit(Request { txn, reply, permit })) = next {
            waiting.push((reply, permit, group.decide(txn)));
            let full = waiting.len() >= Self::GROUP_TXNS || group.bytes() >= Self::GROUP_BYTES;
            next = if full { None } else { self.next_of_group(opened) };
        }
        self.counts.largest_group = self.counts.largest_group.max(waiting.len() as u64);
        // Who waits for a transaction is answered before those who follow the key space.
        let hub = Arc::clone(&self.hub);
        let (_news, failure) = match self.make_durable(&mut group) {
            Ok(shown) => (shown.map(|(state, events)| hub.publish(state, events)), None),
            Err(error) => (None, Some(Arc::new(error))),
        };
        for (reply, permit, outcome) in waiting {
            let outcome = match &failure {
                Some(error) => Err(CommitError::failed(Arc::clone(error))),
                None => outcome,
            };
            self.counts.outcome(&outcome);
            drop(permit);
            let _ = reply.send(outcome);
        }
        next
    }

    /// What else belongs to the group that was opened then.
    fn next_of_group(&self, opened: Instant) -> Option<Job<T>> {
        loop {
            match self.jobs.try_recv() {
                Err(TryRecvError::Empty) if self.gathering.waits(opened) => {}
                next => return next.ok(),
            }
        }
    }

    /// Brings the group to disk; what is to be shown then, if it changes anything.
    fn make_durable(&mut self, group: &mut Group<T>) -> Result<Option<Shown<T>>, EngineError> {
        let (state, events) = group.finish();
        if events.is_empty() {
            return Ok(None);
        }
        let sealed = group::seal(&events, &*self.seal);
        let begun = Instant::now();
        let appended = sealed.and_then(|sealed| self.engine.append(&mut group::rows(&events, &sealed)));
        self.gathering.took(begun.elapsed());
        self.tell(appended.as_ref().err());
        appended?;
        if let Err(error) = self.marker.write(state.revision) {
            tracing::warn!(%error, "cannot mark the acknowledged revision");
        }
        self.compaction.pass(events.len());
        Ok(Some((state, events)))
    }

    /// Logs the first failure of a series, and its end.
    fn tell(&mut self, failure: Option<&EngineError>) {
        match (failure, self.counts.failing) {
            (Some(error), false) => {
                tracing::error!(error = error as &dyn std::error::Error, "writes to the store fail");
            }
            (None, true) => tracing::info!("writes to the store succeed again"),
            _ => {}
        }
        self.counts.failing = failure.is_some();
    }

    /// Cuts history that is too old, keeps the write-ahead log short, and lets the log follow the history.
    fn tidy(&mut self, idle: bool) {
        let now = Instant::now();
        if now.duration_since(self.ticked_at) >= Self::TICK {
            self.ticked_at = now;
            self.hub.tick(now);
        }
        self.engine.maintain();
        self.compaction.step(idle, &mut *self.engine, self.hub.floor());
    }

    fn measure(&self, mut metrics: Metrics) -> Metrics {
        metrics.commits = self.counts.commits;
        metrics.conflicts = self.counts.conflicts;
        metrics.failures = self.counts.failures;
        metrics.largest_group = self.counts.largest_group;
        self.engine.measure(&mut metrics);
        metrics
    }
}

/// However the thread ends, nobody waits for it any longer.
impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        if let Err(error) = self.engine.close() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the store did not close cleanly");
        }
        self.hub.close();
    }
}

impl Counts {
    fn outcome<T>(&mut self, outcome: &Outcome<T>) {
        match outcome {
            Ok(_) => self.commits += 1,
            Err(CommitError::Conflict { .. }) => self.conflicts += 1,
            Err(_) => self.failures += 1,
        }
    }
}

#[cfg(test)]
mod tests;

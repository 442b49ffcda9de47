//! The live key space in memory: the current snapshot, the window of history, and the watched prefixes.
//!
//! One lock guards the history and the topics; the writer holds it for as long as it takes to append a group's
//! events, readers of the past only to copy pointers. Reading the current snapshot takes no lock.

mod history;
mod ring;
mod topics;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use self::history::History;
pub(crate) use self::ring::{Limits, Ring};
use self::topics::Topics;
pub(crate) use self::topics::{Pending, Topic};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::snapshot::{Snapshot, State};

/// Why the store cannot show a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// It is older than what the store keeps.
    #[error("revision {asked} has been compacted, the oldest one kept is {oldest}")]
    Compacted {
        /// The revision asked for.
        asked: u64,
        /// The oldest revision that can be shown.
        oldest: u64,
    },
    /// It has not been reached.
    #[error("revision {asked} lies in the future, the current one is {current}")]
    Future {
        /// The revision asked for.
        asked: u64,
        /// The current revision.
        current: u64,
    },
}

/// What readers and watchers see.
pub(crate) struct Hub<T> {
    live: ArcSwap<State<T>>,
    past: Mutex<Past<T>>,
    /// The revision whose events have all reached their topics: writer -> bookmarks.
    delivered: AtomicU64,
    /// The current revision: writer -> those who wait for one.
    revision: watch::Sender<u64>,
}

struct Past<T> {
    ring: Ring<T>,
    history: History<T>,
    topics: Topics<T>,
    closed: bool,
}

impl<T> Hub<T> {
    /// A hub that shows `state` and remembers the events in `ring`.
    pub(crate) fn new(state: State<T>, ring: Ring<T>) -> Self {
        let revision = state.revision;
        let history = History::new(ring.limits().events);
        Hub {
            live: ArcSwap::from_pointee(state),
            past: Mutex::new(Past { ring, history, topics: Topics::new(), closed: false }),
            delivered: AtomicU64::new(revision),
            revision: watch::Sender::new(revision),
        }
    }

    /// The key space as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot<T> {
        Snapshot::new(self.live.load_full())
    }

    /// The key space as it was at `revision`.
    pub(crate) fn snapshot_at(&self, revision: u64) -> Result<Snapshot<T>, RevisionError> {
        let (newer, events) = {
            let past = self.lock();
            let live = self.live.load_full();
            if revision > live.revision {
                return Err(RevisionError::Future { asked: revision, current: live.revision });
            }
            past.ring.check(revision)?;
            let newer = past.history.at_or_after(revision).unwrap_or(live);
            let events = past.ring.between(revision, newer.revision);
            (newer, events)
        };
        if newer.revision == revision {
            return Ok(Snapshot::new(newer));
        }
        let state = Arc::new(history::undo(&newer, &events, revision));
        self.lock().history.keep(Arc::clone(&state));
        Ok(Snapshot::new(state))
    }

    /// Follows the current revision.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Shows `state`, which `events` led to. Those who follow are waked when the answer is dropped: whoever wrote need not
    /// wait behind them.
    pub(crate) fn publish(&self, state: State<T>, events: Vec<Arc<Event<T>>>) -> News<'_, T> {
        let revision = state.revision;
        let state = Arc::new(state);
        let mut past = self.lock();
        let old = self.live.swap(Arc::clone(&state));
        let touched = past.take_in(&state, events);
        self.delivered.store(revision, Ordering::Release);
        drop(past);
        drop(old);
        News { revision, touched, follow: &self.revision }
    }

    /// The revision up to which a watcher has seen everything once its topic has nothing more for it.
    ///
    /// It has to be read before the topic is found empty.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// Joins the topic of `prefix`, complete from `after` on, and shows the key space of that moment.
    pub(crate) fn join(&self, prefix: &str, after: Option<u64>) -> Result<(Snapshot<T>, Arc<Topic<T>>), RevisionError> {
        let mut past = self.lock();
        let live = Snapshot::new(self.live.load_full());
        let after = after.unwrap_or(live.revision());
        let Past { ring, topics, closed, .. } = &mut *past;
        ring.check(after)?;
        let topic = topics.join(prefix, after.min(live.revision()), ring);
        if *closed {
            topic.close();
        }
        Ok((live, topic))
    }

    /// Leaves what [`Hub::join`] joined.
    pub(crate) fn leave(&self, topic: &Topic<T>) {
        self.lock().topics.leave(topic);
    }

    /// Forgets the history up to `revision` (at most the current one).
    pub(crate) fn compact(&self, revision: u64) {
        let mut past = self.lock();
        let revision = revision.min(self.live.load().revision);
        past.ring.trim_to(revision);
        past.settle();
    }

    /// Forgets what has become too old, and frees what only topics still hold.
    pub(crate) fn tick(&self, now: Instant) {
        let mut past = self.lock();
        past.ring.trim(now);
        past.settle();
        let floor = past.ring.floor();
        past.topics.trim(floor);
    }

    /// The oldest revision that can be shown.
    pub(crate) fn floor(&self) -> u64 {
        self.lock().ring.floor()
    }

    /// Ends all watches, now and later.
    pub(crate) fn close(&self) {
        let mut past = self.lock();
        past.closed = true;
        past.topics.close();
    }

    /// Adds the hub's numbers.
    pub(crate) fn measure(&self, metrics: &mut Metrics) {
        let past = self.lock();
        let live = self.live.load();
        metrics.revision = live.revision;
        metrics.keys = live.map.len();
        metrics.compacted_revision = past.ring.floor();
        metrics.events = past.ring.len();
        metrics.event_bytes = past.ring.bytes();
        metrics.watchers = past.topics.watchers();
        metrics.watched_prefixes = past.topics.len();
    }

    fn lock(&self) -> MutexGuard<'_, Past<T>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was published, of which those who follow are told when it is dropped.
pub(crate) struct News<'a, T> {
    revision: u64,
    touched: Vec<Arc<Topic<T>>>,
    follow: &'a watch::Sender<u64>,
}

impl<T> Drop for News<'_, T> {
    fn drop(&mut self) {
        self.follow.send_replace(self.revision);
        self.touched.iter().for_each(|topic| topic.wake());
    }
}

impl<T> Past<T> {
    /// Remembers a group's events and the state they led to; returns the topics that have news.
    fn take_in(&mut self, state: &Arc<State<T>>, events: Vec<Arc<Event<T>>>) -> Vec<Arc<Topic<T>>> {
        self.history.pass(state, events.len());
        let mut touched = Vec::new();
        for event in events {
            self.topics.dispatch(&event, self.ring.floor(), &mut touched);
            self.ring.push(event);
        }
        self.ring.trim(Instant::now());
        self.settle();
        touched
    }

    /// Lets the kept snapshots follow the ring.
    fn settle(&mut self) {
        self.history.trim(self.ring.floor());
    }
}

#[cfg(test)]
mod tests;

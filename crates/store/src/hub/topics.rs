//! The watched prefixes: for each, one queue of events that all its watchers read with their own cursors.
//!
//! An event is put by pointer into the queue of each prefix that its key begins with, so a watcher is never woken for
//! what does not concern it, and a slow one holds nobody up: when its events have been cut off it finds that out.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::Ring;
use crate::event::Event;

/// All watched prefixes.
pub(super) struct Topics<T> {
    by_prefix: BTreeMap<Box<[u8]>, Watched<T>>,
    watchers: usize,
}

struct Watched<T> {
    topic: Arc<Topic<T>>,
    watchers: usize,
}

/// The events of one prefix.
pub(crate) struct Topic<T> {
    prefix: Box<str>,
    queue: Mutex<Queue<T>>,
    news: Notify,
}

struct Queue<T> {
    events: VecDeque<Arc<Event<T>>>,
    /// All events after this revision are here.
    floor: u64,
    closed: bool,
    /// Set while a group is published, so that the topic is woken once.
    touched: bool,
}

/// What a topic has for a watcher.
pub(crate) enum Pending<T> {
    /// The next events, at least one.
    Events(Vec<Arc<Event<T>>>),
    /// Nothing now.
    Nothing,
    /// The next events have been cut off; all after this revision are there.
    CutOff(u64),
    /// Nothing ever again.
    Closed,
}

// === impl Topics ===

impl<T> Topics<T> {
    pub(super) fn new() -> Self {
        Topics { by_prefix: BTreeMap::new(), watchers: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.by_prefix.len()
    }

    pub(super) fn watchers(&self) -> usize {
        self.watchers
    }

    /// Adds a watcher of `prefix` who wants the events after `after`, which `ring` still has.
    pub(super) fn join(&mut self, prefix: &str, after: u64, ring: &Ring<T>) -> Arc<Topic<T>> {
        self.watchers += 1;
        if let Some(watched) = self.by_prefix.get_mut(prefix.as_bytes()) {
            watched.watchers += 1;
            watched.topic.reach_back(after, ring);
            return Arc::clone(&watched.topic);
        }
        let topic = Arc::new(Topic::new(prefix, after, ring));
        self.by_prefix.insert(prefix.as_bytes().into(), Watched { topic: Arc::clone(&topic), watchers: 1 });
        topic
    }

    /// Takes a watcher of `topic` away.
    pub(super) fn leave(&mut self, topic: &Topic<T>) {
        self.watchers -= 1;
        if let Some(watched) = self.by_prefix.get_mut(topic.prefix.as_bytes()) {
            watched.watchers -= 1;
            if watched.watchers == 0 {
                self.by_prefix.remove(topic.prefix.as_bytes());
            }
        }
    }

    /// Queues `event` for all prefixes of its key; topics that it is the first news for are added to `touched`.
    pub(super) fn dispatch(&self, event: &Arc<Event<T>>, floor: u64, touched: &mut Vec<Arc<Topic<T>>>) {
        self.each_prefix_of(event.key().as_bytes(), |topic| {
            if topic.push(Arc::clone(event), floor) {
                touched.push(Arc::clone(topic));
            }
        });
    }

    /// Calls `visit` for each watched prefix of `key`, longest first.
    ///
    /// The greatest watched text that is not greater than the key is either a prefix of it, or shows how much of the
    /// key any smaller one can share with it; so the search takes about one look-up for each prefix found.
    fn each_prefix_of(&self, key: &[u8], mut visit: impl FnMut(&Arc<Topic<T>>)) {
        let mut upper = Bound::Included(key);
        while let Some((found, watched)) = self.by_prefix.range::<[u8], _>((Bound::Unbounded, upper)).next_back() {
            let shared = found.iter().zip(key).take_while(|(a, b)| a == b).count();
            if shared == found.len() {
                visit(&watched.topic);
                upper = Bound::Excluded(&key[..shared]);
            } else {
                upper = Bound::Included(&key[..shared]);
            }
        }
    }

    /// Cuts the queues at `floor`.
    pub(super) fn trim(&self, floor: u64) {
        for watched in self.by_prefix.values() {
            watched.topic.lock().trim(floor);
        }
    }

    pub(super) fn close(&self) {
        self.by_prefix.values().for_each(|watched| watched.topic.close());
    }
}

// === impl Topic ===

impl<T> Topic<T> {
    fn new(prefix: &str, after: u64, ring: &Ring<T>) -> Self {
        let events = ring.matching(prefix, after, u64::MAX).into();
        let queue = Queue { events, floor: after, closed: false, touched: false };
        Topic { prefix: prefix.into(), queue: Mutex::new(queue), news: Notify::new() }
    }

    /// Makes the queue complete from `after` on.
    fn reach_back(&self, after: u64, ring: &Ring<T>) {
        let mut queue = self.lock();
        if after < queue.floor {
            let older = ring.matching(&self.prefix, after, queue.floor);
            older.into_iter().rev().for_each(|event| queue.events.push_front(event));
            queue.floor = after;
        }
    }

    /// Queues `event`, cuts the queue at `floor`; true if the topic has to be woken.
    fn push(&self, event: Arc<Event<T>>, floor: u64) -> bool {
        let mut queue = self.lock();
        queue.trim(floor);
        queue.events.push_back(event);
        !std::mem::replace(&mut queue.touched, true)
    }

    /// The events after `after`, up to `until`: whole transactions, and no further one once there are `limit` events.
    pub(crate) fn take(&self, after: u64, until: u64, limit: usize) -> Pending<T> {
        let queue = self.lock();
        if after < queue.floor {
            return Pending::CutOff(queue.floor);
        }
        let from = queue.events.partition_point(|event| event.revision() <= after);
        let mut batch: Vec<Arc<Event<T>>> = Vec::new();
        for event in queue.events.range(from..) {
            let next = batch.last().is_none_or(|last| last.revision() != event.revision());
            if event.revision() > until || next && batch.len() >= limit {
                break;
            }
            batch.push(Arc::clone(event));
        }
        match batch.is_empty() {
            false => Pending::Events(batch),
            true if queue.closed => Pending::Closed,
            true => Pending::Nothing,
        }
    }

    /// The revision, `until` at most, up to which who has seen everything up to `after` misses nothing.
    pub(crate) fn seen_until(&self, after: u64, until: u64) -> u64 {
        let queue = self.lock();
        if after < queue.floor {
            return after;
        }
        let next = queue.events.partition_point(|event| event.revision() <= after);
        let next = queue.events.get(next).map_or(u64::MAX, |event| event.revision());
        until.min(next - 1).max(after)
    }

    /// Completes at the next news; it counts from when it is enabled or first polled.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    pub(super) fn wake(&self) {
        self.lock().touched = false;
        self.news.notify_waiters();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Queue<T> {
    /// Cuts the events up to `floor`. Who has seen those is not cut off, however old the last of them is.
    fn trim(&mut self, floor: u64) {
        while let Some(event) = self.events.front()
            && event.revision() <= floor
        {
            self.floor = event.revision();
            self.events.pop_front();
        }
    }
}

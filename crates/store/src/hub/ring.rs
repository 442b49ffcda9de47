//! The window of events that watches can start from and old snapshots are made of.
//!
//! The ring holds every event after its floor. It is cut from the old end, whole transactions at a time, when it
//! holds too many events, too many bytes, or events that are too old.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RevisionError;
use crate::event::Event;
use crate::options::Options;

/// How far the ring may grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) age: Duration,
}

impl From<&Options> for Limits {
    fn from(options: &Options) -> Self {
        Limits { events: options.history_events, bytes: options.history_bytes, age: options.history_age }
    }
}

/// Every event after a floor, in order.
pub(crate) struct Ring<T> {
    limits: Limits,
    events: VecDeque<Arc<Event<T>>>,
    /// All events after this revision are here.
    floor: u64,
    bytes: usize,
    /// When which revision was the newest, at most one a [`Ring::MARK_EVERY`].
    marks: VecDeque<(Instant, u64)>,
    /// How many events at the new end may hold frames, and the bytes of their values.
    warm: usize,
    warm_bytes: usize,
}

impl<T> Ring<T> {
    const MARK_EVERY: Duration = Duration::from_secs(1);
    /// Events that may hold frames, and how many bytes of values these may wrap.
    const WARM_EVENTS: usize = 1024;
    const WARM_BYTES: usize = 8 << 20;

    /// A ring without events that begins at `floor`.
    pub(crate) fn new(limits: Limits, floor: u64) -> Self {
        let (events, marks) = (VecDeque::new(), VecDeque::new());
        Ring { limits, events, floor, bytes: 0, marks, warm: 0, warm_bytes: 0 }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Refuses a revision whose successors are no longer all here.
    pub(super) fn check(&self, revision: u64) -> Result<(), RevisionError> {
        match revision >= self.floor {
            true => Ok(()),
            false => Err(RevisionError::Compacted { asked: revision, oldest: self.floor }),
        }
    }

    /// Adds the newest event.
    pub(crate) fn push(&mut self, event: Arc<Event<T>>) {
        self.bytes += event.weight();
        self.warm += 1;
        self.warm_bytes += event.entry.value.len();
        self.events.push_back(event);
        while self.warm > Self::WARM_EVENTS || (self.warm_bytes > Self::WARM_BYTES && self.warm > 1) {
            let coldest = &self.events[self.events.len() - self.warm];
            coldest.forget_frames();
            self.warm_bytes -= coldest.entry.value.len();
            self.warm -= 1;
        }
    }

    /// The events after `revision`, up to and including `until`.
    pub(super) fn between(&self, revision: u64, until: u64) -> Vec<Arc<Event<T>>> {
        let end = self.events.partition_point(|event| event.revision() <= until);
        self.events.range(self.position_after(revision).min(end)..end).cloned().collect()
    }

    /// The events after `revision`, up to and including `until`, whose keys begin with `prefix`.
    pub(super) fn matching(&self, prefix: &str, revision: u64, until: u64) -> Vec<Arc<Event<T>>> {
        let end = self.events.partition_point(|event| event.revision() <= until);
        let events = self.events.range(self.position_after(revision).min(end)..end);
        events.filter(|event| event.key().starts_with(prefix)).cloned().collect()
    }

    fn position_after(&self, revision: u64) -> usize {
        self.events.partition_point(|event| event.revision() <= revision)
    }

    /// Cuts what exceeds the limits.
    pub(crate) fn trim(&mut self, now: Instant) {
        self.mark(now);
        while let Some(&(at, revision)) = self.marks.front()
            && now.saturating_duration_since(at) > self.limits.age
        {
            self.marks.pop_front();
            self.trim_to(revision);
        }
        while self.events.len() > self.limits.events || self.bytes > self.limits.bytes {
            let Some(oldest) = self.events.front() else { break };
            self.trim_to(oldest.revision());
        }
    }

    /// Cuts all events up to and including `revision`.
    pub(crate) fn trim_to(&mut self, revision: u64) {
        while let Some(event) = self.events.front()
            && event.revision() <= revision
        {
            self.bytes -= event.weight();
            if self.warm == self.events.len() {
                self.warm -= 1;
                self.warm_bytes -= event.entry.value.len();
            }
            self.events.pop_front();
        }
        self.floor = self.floor.max(revision);
    }

    /// Remembers when the newest event was the newest.
    fn mark(&mut self, now: Instant) {
        let Some(newest) = self.events.back().map(|event| event.revision()) else { return };
        match self.marks.back() {
            Some(&(_, revision)) if revision == newest => {}
            Some(&(at, _)) if now.saturating_duration_since(at) < Self::MARK_EVERY => {}
            _ => self.marks.push_back((now, newest)),
        }
    }
}

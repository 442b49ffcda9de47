//! Snapshots of the past: a few are kept, the others are made from the next newer one by undoing events.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Event;
use crate::snapshot::State;

/// The kept snapshots, by revision.
///
/// Kept are one every so many events, so that undoing is short, and those that were asked for, because the pages of a
/// list ask for the same one again. A kept snapshot costs the part of the map that has changed since.
pub(super) struct History<T> {
    kept: BTreeMap<u64, Arc<State<T>>>,
    every: usize,
    passed: usize,
}

impl<T> History<T> {
    const MOST_KEPT: usize = 32;

    /// For a window of `events` events.
    pub(super) fn new(events: usize) -> Self {
        History { kept: BTreeMap::new(), every: (events / (Self::MOST_KEPT / 2)).max(256), passed: 0 }
    }

    /// Lets `state` pass by, `events` events behind the one before, and keeps it if it is time to.
    pub(super) fn pass(&mut self, state: &Arc<State<T>>, events: usize) {
        self.passed += events;
        if self.passed >= self.every {
            self.passed = 0;
            self.keep(Arc::clone(state));
        }
    }

    /// Keeps `state`; the oldest goes if there are too many.
    pub(super) fn keep(&mut self, state: Arc<State<T>>) {
        self.kept.insert(state.revision, state);
        if self.kept.len() > Self::MOST_KEPT {
            self.kept.pop_first();
        }
    }

    /// The oldest kept snapshot that is not older than `revision`.
    pub(super) fn at_or_after(&self, revision: u64) -> Option<Arc<State<T>>> {
        self.kept.range(revision..).next().map(|(_, state)| Arc::clone(state))
    }

    /// Drops what is older than `floor`.
    pub(super) fn trim(&mut self, floor: u64) {
        while let Some(oldest) = self.kept.first_entry()
            && *oldest.key() < floor
        {
            oldest.remove();
        }
    }
}

/// The state at `revision`, from a newer one and all `events` in between.
pub(super) fn undo<T>(newer: &State<T>, events: &[Arc<Event<T>>], revision: u64) -> State<T> {
    let mut map = newer.map.clone();
    for event in events.iter().rev() {
        match &event.previous {
            Some(previous) => map.insert(Arc::clone(&previous.key), Arc::clone(previous)),
            None => map.remove(event.key()),
        };
    }
    State { map, revision }
}

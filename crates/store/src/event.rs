//! What happened to one key, and the encoded frames that its watchers share.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::entry::Entry;

/// Number of frame slots an event has: as many encodings can be shared at a time.
pub const FRAMES: usize = 2;

/// A change of one key.
pub struct Event<T> {
    /// What was done.
    pub kind: EventKind,
    /// The new entry; for a deletion, the object as it was last, with the deletion's revision.
    pub entry: Arc<Entry<T>>,
    /// The entry that was live before.
    pub previous: Option<Arc<Entry<T>>>,
    frames: [Mutex<Option<Bytes>>; FRAMES],
    /// Set when the frames have been let go of, so that a watcher who comes late does not bring them back.
    cold: AtomicBool,
}

/// What was done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was written: created if the event has no previous entry, else replaced.
    Put,
    /// It was deleted.
    Delete,
}

impl<T> Event<T> {
    pub(crate) fn new(kind: EventKind, entry: Arc<Entry<T>>, previous: Option<Arc<Entry<T>>>) -> Self {
        Event { kind, entry, previous, frames: [const { Mutex::new(None) }; FRAMES], cold: AtomicBool::new(false) }
    }

    /// Revision of the transaction that did it; events of one transaction share it, in the order of its operations.
    pub fn revision(&self) -> u64 {
        self.entry.mod_revision
    }

    /// The key that changed.
    pub fn key(&self) -> &str {
        &self.entry.key
    }

    /// The encoding in `slot` (below [`FRAMES`]), which the first caller makes and all others share.
    ///
    /// A slot means one encoding to all callers. The store lets go of the frames of events that are no longer new; who
    /// comes so late makes one for himself.
    pub fn frame(&self, slot: usize, encode: impl FnOnce() -> Bytes) -> Bytes {
        if self.cold.load(Ordering::Acquire) {
            return encode();
        }
        let mut frame = self.frames[slot].lock().unwrap_or_else(PoisonError::into_inner);
        frame.get_or_insert_with(encode).clone()
    }

    /// Frees the memory of the frames.
    pub(crate) fn forget_frames(&self) {
        self.cold.store(true, Ordering::Release);
        for frame in &self.frames {
            frame.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Bytes that the event keeps in memory beyond the live key space, without its frames.
    pub(crate) fn weight(&self) -> usize {
        const PARTS: usize = size_of::<Event<()>>() + size_of::<Entry<()>>();
        let old = self.previous.as_ref().map_or(0, |entry| entry.value.len());
        let last = if self.kind == EventKind::Delete { self.entry.value.len() } else { 0 };
        PARTS + self.entry.key.len() + old + last
    }
}

impl<T> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("entry", &self.entry)
            .field("previous", &self.previous)
            .finish_non_exhaustive()
    }
}

//! Events that are too large for who gets them: cut to who, what and when, or left out.

use super::event::Event;
use bytes::Bytes;

/// How large events may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// One event: larger ones are cut, and left out if that is not enough.
    pub max_event: usize,
    /// Events that are handed over together.
    pub max_batch: usize,
}

impl Truncate {
    /// An event as it may be handed on; `None` if it is too large even when it is cut.
    pub(super) fn fit(self, event: &Event, line: &Bytes) -> Option<Bytes> {
        if line.len() <= self.max_event {
            return Some(line.clone());
        }
        event.encode_cut().filter(|cut| cut.len() <= self.max_event).map(Bytes::from)
    }
}

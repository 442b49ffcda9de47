//! What a store can be told when it is opened.

use std::sync::Arc;
use std::time::Duration;

use crate::seal::Seal;
use crate::writer::Busy;

/// How much history a store keeps and how large it may become.
///
/// History is what watches can start from and lists can be asked at. It is cut at whichever of its three bounds is
/// reached first; what is cut leaves memory at once and the disk a little later.
#[derive(Clone)]
pub struct Options {
    /// Most events kept.
    pub history_events: usize,
    /// Most bytes of replaced and deleted values kept in memory for the events.
    pub history_bytes: usize,
    /// How long an event is kept.
    pub history_age: Duration,
    /// Largest size of the database file in bytes; writes beyond it are refused as if the disk were full.
    pub max_database_bytes: Option<u64>,
    /// Databases up to this size in bytes are checked page by page when opened; larger ones row by row only.
    pub page_check_bytes: u64,
    /// Who seals values for the disk; nobody if it is `None`.
    pub seal: Option<Arc<dyn Seal>>,
    /// Tells whether all threads that prepare transactions are at work, so that it pays to let a disk transaction wait
    /// for more of them, for a few times as long as the disk takes; nothing waits if it is `None`.
    pub busy: Option<Busy>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            history_events: 100_000,
            history_bytes: 64 << 20,
            history_age: Duration::from_secs(300),
            max_database_bytes: None,
            page_check_bytes: 512 << 20,
            seal: None,
            busy: None,
        }
    }
}

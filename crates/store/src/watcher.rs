//! Following the events of a prefix.
//!
//! A watcher is a cursor into a queue that all watchers of the prefix share. It costs nothing while nothing happens,
//! copies no payload, and cannot hold up writers or other watchers: if it is too slow, the events that it has not
//! taken are cut off and it ends with an error.

use std::pin::pin;
use std::sync::Arc;

use crate::event::Event;
use crate::hub::{Hub, Pending, Topic};

/// Why a watch has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The watcher has been too slow: the events that it should get next are no longer kept.
    #[error("events after revision {seen} have been compacted, the oldest revision kept is {oldest}")]
    Compacted {
        /// The revision up to which the watcher has seen everything.
        seen: u64,
        /// The oldest revision that a watch can start from.
        oldest: u64,
    },
    /// The store has been closed, and all events have been taken.
    #[error("the store is closed")]
    Closed,
}

/// The events of all keys that begin with a prefix, in order.
pub struct Watcher<T> {
    hub: Arc<Hub<T>>,
    topic: Arc<Topic<T>>,
    seen: u64,
}

impl<T> Watcher<T> {
    /// Most events a batch holds, unless a single transaction has more.
    const BATCH: usize = 256;

    pub(crate) fn new(hub: Arc<Hub<T>>, topic: Arc<Topic<T>>, after: u64) -> Self {
        Watcher { hub, topic, seen: after }
    }

    /// The next events: at least one, whole transactions, oldest first.
    ///
    /// May be dropped and called again at any moment without losing events.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event<T>>>, WatchError> {
        let topic = Arc::clone(&self.topic);
        loop {
            let mut news = pin!(topic.news());
            news.as_mut().enable();
            let events = self.take()?;
            if !events.is_empty() {
                return Ok(events);
            }
            news.await;
        }
    }

    /// The events that are there already; none if there are none.
    pub fn take(&mut self) -> Result<Vec<Arc<Event<T>>>, WatchError> {
        let delivered = self.hub.delivered();
        match self.topic.take(self.seen, delivered, Self::BATCH) {
            Pending::Events(events) => {
                self.seen = events.last().map_or(self.seen, |event| event.revision());
                Ok(events)
            }
            Pending::Nothing => {
                self.seen = self.seen.max(delivered);
                Ok(Vec::new())
            }
            Pending::CutOff(oldest) => Err(WatchError::Compacted { seen: self.seen, oldest }),
            Pending::Closed => Err(WatchError::Closed),
        }
    }

    /// The revision up to which all events have been taken: what a bookmark may say.
    ///
    /// It follows the store, also while only other prefixes change.
    pub fn progress(&self) -> u64 {
        let delivered = self.hub.delivered();
        self.topic.seen_until(self.seen, delivered)
    }
}

impl<T> Drop for Watcher<T> {
    fn drop(&mut self) {
        self.hub.leave(&self.topic);
    }
}

//! How long a group stays open for transactions that have not come yet.
//!
//! Each group costs an fsync and a few changes of threads, whatever its size. While all threads that prepare
//! transactions are at work, more of them are to come, and the processors have something to do meanwhile; so the group
//! waits for them, for a few times as long as the disk takes. As soon as one of those threads has nothing to do, waiting would
//! gain nothing, and the group goes to disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tells whether all threads that prepare transactions are at work.
pub(crate) type Busy = Arc<dyn Fn() -> bool + Send + Sync>;

/// Decides how long groups stay open.
pub(super) struct Gathering {
    /// Nothing is waited for if nobody can tell.
    busy: Option<Busy>,
    /// How long the disk took for the last group.
    disk: Duration,
}

impl Gathering {
    /// What is slept at once. Transactions that come meanwhile wake nobody.
    const STEP: Duration = Duration::from_micros(400);
    /// Most that a group waits, in times of the disk, and at all.
    const TIMES: u32 = 4;
    const LONGEST: Duration = Duration::from_millis(4);

    pub(super) fn new(busy: Option<Busy>) -> Gathering {
        Gathering { busy, disk: Duration::ZERO }
    }

    /// Takes note of how long the disk took for a group.
    pub(super) fn took(&mut self, disk: Duration) {
        self.disk = disk;
    }

    /// Sleeps a little if it pays to wait for more than came since `opened`; false if it does not.
    pub(super) fn waits(&self, opened: Instant) -> bool {
        let longest = (self.disk * Self::TIMES).min(Self::LONGEST);
        let pays = opened.elapsed() < longest && self.busy.as_ref().is_some_and(|busy| busy());
        if pays {
            std::thread::sleep(Self::STEP);
        }
        pays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_waits_for_as_long_as_it_pays() {
        let now = Instant::now();
        let long_ago = now - Gathering::LONGEST;
        let gathering = |busy: Option<bool>| {
            let mut gathering = Gathering::new(busy.map(|busy| -> Busy { Arc::new(move || busy) }));
            gathering.took(Duration::from_secs(1));
            gathering
        };
        assert!(gathering(Some(true)).waits(Instant::now()));
        assert!(!gathering(Some(true)).waits(long_ago), "not longer than the longest wait");
        assert!(!gathering(Some(false)).waits(now), "somebody has nothing to do");
        assert!(!gathering(None).waits(now), "nobody can tell");
        assert!(!Gathering::new(Some(Arc::new(|| true))).waits(now), "the disk takes no time");
    }
}

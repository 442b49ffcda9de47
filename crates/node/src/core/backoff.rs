//! Waits that double: between starts of a container that fails, and between tries to pull an image.
//!
//! Time comes in from outside.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Waits by key.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    entries: HashMap<String, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wait: Duration,
    since: Instant,
}

impl Backoff {
    /// The first wait of containers and of images.
    pub(crate) const FIRST: Duration = Duration::from_secs(10);
    /// The longest wait of both.
    pub(crate) const LONGEST: Duration = Duration::from_secs(300);

    pub(crate) fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, entries: HashMap::new() }
    }

    /// The current wait of a key; zero if there is none.
    pub(crate) fn wait(&self, key: &str) -> Duration {
        self.entries.get(key).map_or(Duration::ZERO, |entry| entry.wait)
    }

    /// How long a key still has to wait at `now`, if what failed did so at `failed`.
    pub(crate) fn remaining(&self, key: &str, failed: Instant, now: Instant) -> Option<Duration> {
        let entry = self.entries.get(key)?;
        if self.has_recovered(entry, failed) {
            return None;
        }
        let waited = now.saturating_duration_since(failed);
        entry.wait.checked_sub(waited).filter(|left| !left.is_zero())
    }

    /// How long a key still has to wait after its last failure that was noted.
    pub(crate) fn remaining_since_note(&self, key: &str, now: Instant) -> Option<Duration> {
        let entry = self.entries.get(key)?;
        if self.has_recovered(entry, now) {
            return None;
        }
        entry.wait.checked_sub(now.saturating_duration_since(entry.since)).filter(|left| !left.is_zero())
    }

    /// Notes a failure at `failed`: the next wait is twice as long, or the first again after a long time without one.
    pub(crate) fn note(&mut self, key: &str, failed: Instant) {
        let (first, longest) = (self.first, self.longest);
        let known = self.entries.get(key).copied().filter(|entry| !self.has_recovered(entry, failed));
        let wait = known.map_or(first, |entry| (entry.wait * 2).min(longest));
        self.entries.insert(key.to_owned(), Entry { wait, since: failed });
    }

    /// Forgets a key.
    pub(crate) fn forget(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// Whether nothing failed for so long that the past does not count.
    fn has_recovered(&self, entry: &Entry, failed: Instant) -> bool {
        failed.saturating_duration_since(entry.since) > self.longest * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Backoff::FIRST, Backoff::LONGEST);
        let mut now = Instant::now();
        assert_eq!(backoff.remaining("a", now, now), None);
        for want in [10, 20, 40, 80, 160, 300, 300] {
            backoff.note("a", now);
            assert_eq!(backoff.wait("a"), Duration::from_secs(want));
            assert_eq!(backoff.remaining("a", now, now + Duration::from_secs(1)), Some(Duration::from_secs(want - 1)));
            now += Duration::from_secs(want);
            assert_eq!(backoff.remaining("a", now - Duration::from_secs(want), now), None);
        }
    }

    #[test]
    fn a_long_good_run_forgives() {
        let mut backoff = Backoff::new(Backoff::FIRST, Backoff::LONGEST);
        let now = Instant::now();
        backoff.note("a", now);
        backoff.note("a", now + Duration::from_secs(15));
        let late = now + Duration::from_secs(15 + 601);
        assert_eq!(backoff.remaining("a", late, late), None);
        backoff.note("a", late);
        assert_eq!(backoff.wait("a"), Duration::from_secs(10));
    }
}

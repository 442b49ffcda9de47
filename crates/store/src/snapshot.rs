//! The key space as it was at one revision.
//!
//! A snapshot costs one reference count; it stays as it is while writers go on, and keeps what it shows in memory
//! for as long as it is held.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::entry::Entry;

/// The persistent map that snapshots share.
pub(crate) type Map<T> = OrdMap<Arc<str>, Arc<Entry<T>>>;

/// A consistent view of all keys at one revision.
pub struct Snapshot<T>(Arc<State<T>>);

/// What a snapshot shows.
pub(crate) struct State<T> {
    pub(crate) map: Map<T>,
    pub(crate) revision: u64,
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Snapshot(Arc::clone(&self.0))
    }
}

impl<T> Snapshot<T> {
    pub(crate) fn new(state: Arc<State<T>>) -> Self {
        Snapshot(state)
    }

    pub(crate) fn map(&self) -> &Map<T> {
        &self.0.map
    }

    /// The revision that the snapshot shows.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// The entry of `key`.
    pub fn get(&self, key: &str) -> Option<&Arc<Entry<T>>> {
        self.0.map.get(key)
    }

    /// The entries whose keys begin with `prefix`, in key order; with `start_after`, only those behind that key.
    ///
    /// To go on later, without holding the iterator, ask again with the last key that was taken.
    pub fn range(&self, prefix: &str, start_after: Option<&str>) -> Range<'_, T> {
        let from = match start_after {
            Some(key) if key >= prefix => Bound::Excluded(key),
            _ => Bound::Included(prefix),
        };
        let end = end_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if let (Bound::Excluded(from), Bound::Excluded(to)) = (from, to)
            && from >= to
        {
            return Range { entries: None };
        }
        Range { entries: Some(self.0.map.range::<_, str>((from, to))) }
    }

    /// How many keys begin with `prefix`. Costs a few nanoseconds for each of them.
    pub fn count(&self, prefix: &str) -> usize {
        if prefix.is_empty() { self.len() } else { self.range(prefix, None).count() }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.map.len()
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.map.is_empty()
    }
}

/// Entries in key order, from [`Snapshot::range`].
pub struct Range<'a, T> {
    entries: Option<imbl::ordmap::RangedIter<'a, Arc<str>, Arc<Entry<T>>, imbl::shared_ptr::DefaultSharedPtr>>,
}

impl<'a, T> Iterator for Range<'a, T> {
    type Item = &'a Arc<Entry<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.as_mut()?.next().map(|(_, entry)| entry)
    }
}

impl<T> DoubleEndedIterator for Range<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.as_mut()?.next_back().map(|(_, entry)| entry)
    }
}

/// The smallest text that is greater than every text beginning with `prefix`; `None` if there is none.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests;

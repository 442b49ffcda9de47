//! Where in the list things stand, by the hash of what they are called.
//!
//! It holds no names: whoever looks compares with the resource itself. That keeps it small, and small is fast when there
//! are tens of thousands of resources.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

const NONE: u32 = u32::MAX;

/// Places by hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Names come from files, so who writes a file must not be able to choose hashes.
    state: RandomState,
    /// The newest link of each chain.
    heads: HashMap<u64, u32, BuildHasherDefault<Known>>,
    links: Vec<Link>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    place: u32,
    /// The link before this one.
    next: u32,
}

/// Hashes what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Index {
    pub(crate) fn with_capacity(places: usize) -> Self {
        let mut index = Self::default();
        index.heads.reserve(places);
        index.links.reserve(places);
        index
    }

    /// Adds a place.
    pub(crate) fn insert(&mut self, name: impl Hash, place: usize) {
        let hash = self.state.hash_one(name);
        let (place, link) = (place as u32, self.links.len() as u32);
        let next = match self.heads.entry(hash) {
            Entry::Occupied(mut head) => head.insert(link),
            Entry::Vacant(head) => {
                head.insert(link);
                NONE
            }
        };
        self.links.push(Link { place, next });
    }

    /// Takes a place out.
    pub(crate) fn remove(&mut self, name: impl Hash, place: usize) {
        let Entry::Occupied(mut head) = self.heads.entry(self.state.hash_one(name)) else { return };
        let (mut at, mut before) = (*head.get(), NONE);
        while let Some(link) = self.links.get(at as usize).copied() {
            if link.place as usize != place {
                (before, at) = (at, link.next);
                continue;
            }
            match self.links.get_mut(before as usize) {
                Some(before) => before.next = link.next,
                None if link.next == NONE => drop(head.remove()),
                None => drop(head.insert(link.next)),
            }
            return;
        }
    }

    /// The places that may have this name, the newest first; a place can occur more than once.
    pub(crate) fn candidates(&self, name: impl Hash) -> impl Iterator<Item = usize> + '_ {
        let mut at = self.heads.get(&self.state.hash_one(name)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let link = self.links.get(at as usize)?;
            at = link.next;
            Some(link.place as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_until_they_are_taken_out() {
        let mut index = Index::with_capacity(4);
        for (name, place) in [("a", 0), ("b", 1), ("a", 2), ("a", 3)] {
            index.insert(name, place);
        }
        let places = |index: &Index, name: &str| index.candidates(name).collect::<Vec<_>>();
        assert_eq!(places(&index, "a"), [3, 2, 0]);
        index.remove("a", 2);
        assert_eq!(places(&index, "a"), [3, 0]);
        index.remove("a", 3);
        index.remove("a", 3);
        assert_eq!(places(&index, "a"), [0]);
        index.remove("a", 0);
        assert_eq!(places(&index, "a"), Vec::<usize>::new());
        assert_eq!(places(&index, "b"), [1]);
        index.insert("a", 7);
        assert_eq!(places(&index, "a"), [7]);
    }
}

//! Keys with values, ordered by key.
//!
//! Up to [`MOST`] entries are a sorted list: a search compares lengths and looks at few keys, and the whole map is one
//! block of memory. A map that outgrows it becomes a tree and stays one, so that nothing is quadratic in what somebody
//! sends.

mod entry;
mod iter;

use crate::{Key, Value};
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::hash::{Hash, Hasher};
use std::{fmt, ops};

pub use entry::Entry;
pub use iter::{IntoIter, Iter, IterMut};

/// Most entries that are kept as a list.
const MOST: usize = 32;

/// A JSON map.
#[derive(Clone)]
pub struct Map(Form);

#[derive(Clone)]
enum Form {
    List(List),
    Tree(BTreeMap<Key, Value>),
}

/// Few entries.
#[derive(Clone, Default)]
struct List {
    /// Ordered by key.
    entries: Vec<(Key, Value)>,
    /// The [`mark`]s of all keys that are there (and of some that were): most searches are for what is not there.
    marks: u64,
}

impl List {
    const EMPTY: List = List { entries: Vec::new(), marks: 0 };

    #[inline]
    fn position(&self, key: &str) -> Option<usize> {
        if self.marks & mark(key) == 0 {
            return None;
        }
        self.entries.iter().position(|(known, _)| known.len() == key.len() && known.as_str() == key)
    }

    #[inline]
    fn find(&self, key: &str) -> Option<&(Key, Value)> {
        self.position(key).and_then(|at| self.entries.get(at))
    }

    fn find_mut(&mut self, key: &str) -> Option<&mut (Key, Value)> {
        self.position(key).and_then(|at| self.entries.get_mut(at))
    }

    /// Where a key belongs that is not there. What is read and built mostly comes in order.
    fn place(&self, key: &str) -> usize {
        match self.entries.last() {
            Some((last, _)) if last.as_str() > key => self.entries.partition_point(|(known, _)| known.as_str() < key),
            _ => self.entries.len(),
        }
    }

    fn insert(&mut self, at: usize, key: Key, value: Value) {
        self.marks |= mark(&key);
        self.entries.insert(at, (key, value));
    }
}

/// One of 64 bits that a key has: few keys of one map share theirs.
#[inline]
fn mark(key: &str) -> u64 {
    let byte = |at: Option<&u8>| at.map_or(0, |byte| usize::from(*byte));
    let bytes = key.as_bytes();
    1 << ((bytes.len() ^ byte(bytes.first()) ^ (byte(bytes.last()) << 2)) & 63)
}

impl Map {
    /// An empty map.
    pub const fn new() -> Map {
        Map(Form::List(List::EMPTY))
    }

    /// An empty map with room for as many entries.
    pub fn with_capacity(entries: usize) -> Map {
        Map(Form::List(List { entries: Vec::with_capacity(entries.min(MOST)), marks: 0 }))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::List(list) => list.entries.len(),
            Form::Tree(tree) => tree.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        *self = Map::new();
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Form::List(list) => list.find(key).map(|(_, value)| value),
            Form::Tree(tree) => tree.get(key),
        }
    }

    /// The value of a key, to be changed.
    #[inline]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Form::List(list) => list.find_mut(key).map(|(_, value)| value),
            Form::Tree(tree) => tree.get_mut(key),
        }
    }

    /// A key as it is kept, with its value.
    pub fn get_key_value(&self, key: &str) -> Option<(&Key, &Value)> {
        match &self.0 {
            Form::List(list) => list.find(key).map(|(known, value)| (known, value)),
            Form::Tree(tree) => tree.get_key_value(key),
        }
    }

    /// True if the key is there.
    #[inline]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a key, and gives back what it had before.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) -> Option<Value> {
        self.put(key.into(), value)
    }

    fn put(&mut self, key: Key, value: Value) -> Option<Value> {
        let list = match &mut self.0 {
            Form::Tree(tree) => return tree.insert(key, value),
            Form::List(list) => list,
        };
        if let Some((_, old)) = list.find_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        if list.entries.len() < MOST {
            list.insert(list.place(&key), key, value);
        } else {
            let mut tree: BTreeMap<Key, Value> = std::mem::take(list).entries.into_iter().collect();
            tree.insert(key, value);
            self.0 = Form::Tree(tree);
        }
        None
    }

    /// Removes a key, and gives back its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// Removes a key, and gives back both.
    pub fn remove_entry(&mut self, key: &str) -> Option<(Key, Value)> {
        match &mut self.0 {
            Form::List(list) => {
                let at = list.position(key)?;
                Some(list.entries.remove(at))
            }
            Form::Tree(tree) => tree.remove_entry(key),
        }
    }

    /// Moves all entries of another map into this one.
    pub fn append(&mut self, other: &mut Map) {
        self.extend(std::mem::take(other));
    }

    /// Keeps only the entries that are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&Key, &mut Value) -> bool) {
        match &mut self.0 {
            Form::List(list) => list.entries.retain_mut(|(key, value)| wanted(key, value)),
            Form::Tree(tree) => tree.retain(wanted),
        }
    }

    /// The place of a key, to look at and to fill.
    pub fn entry(&mut self, key: impl Into<Key>) -> Entry<'_> {
        Entry::new(self, key.into())
    }

    /// All entries, in the order of the keys.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Form::List(list) => Iter::List(list.entries.iter()),
            Form::Tree(tree) => Iter::Tree(tree.iter()),
        }
    }

    /// All entries, values to be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        match &mut self.0 {
            Form::List(list) => IterMut::List(list.entries.iter_mut()),
            Form::Tree(tree) => IterMut::Tree(tree.iter_mut()),
        }
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> + ExactSizeIterator {
        self.iter_mut().map(|(_, value)| value)
    }

    /// All keys, taken out.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = Key> + ExactSizeIterator {
        self.into_iter().map(|(key, _)| key)
    }

    /// All values, taken out.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.into_iter().map(|(_, value)| value)
    }
}

impl Default for Map {
    fn default() -> Map {
        Map::new()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Map {}

impl Hash for Map {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

/// # Panics
/// If the key is not there.
impl ops::Index<&str> for Map {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or_else(|| panic!("there is no key {key:?}"))
    }
}

/// # Panics
/// If the key is not there.
impl ops::IndexMut<&str> for Map {
    fn index_mut(&mut self, key: &str) -> &mut Value {
        self.get_mut(key).unwrap_or_else(|| panic!("there is no key {key:?}"))
    }
}

impl<K: Into<Key>> Extend<(K, Value)> for Map {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| drop(self.put(key.into(), value)));
    }
}

impl<K: Into<Key>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Map {
        let entries = entries.into_iter();
        let mut map = Map::with_capacity(entries.size_hint().0);
        map.extend(entries);
        map
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Key, &'m Value);
    type IntoIter = Iter<'m>;

    fn into_iter(self) -> Iter<'m> {
        self.iter()
    }
}

impl<'m> IntoIterator for &'m mut Map {
    type Item = (&'m Key, &'m mut Value);
    type IntoIter = IterMut<'m>;

    fn into_iter(self) -> IterMut<'m> {
        self.iter_mut()
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        match self.0 {
            Form::List(list) => IntoIter::List(list.entries.into_iter()),
            Form::Tree(tree) => IntoIter::Tree(tree.into_iter()),
        }
    }
}

// The tree's iterators are named in `iter`.
type TreeIter<'m> = btree_map::Iter<'m, Key, Value>;
type TreeIterMut<'m> = btree_map::IterMut<'m, Key, Value>;
type TreeIntoIter = btree_map::IntoIter<Key, Value>;

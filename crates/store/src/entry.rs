//! One value of the key space, and what its reader attached to it.
//!
//! Entries are immutable and shared: the live map, the snapshots and the events all point to the same one.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// What a server keeps next to the bytes of a value: parsed once, when the value is written or loaded.
pub trait Attach: Sized + Send + Sync + 'static {
    /// Reads the facts out of `value`.
    ///
    /// On a write, `value` is the template before its revision is spliced in, so the facts must not depend on it.
    fn attach(key: &str, value: &[u8]) -> Self;
}

impl Attach for () {
    fn attach(_key: &str, _value: &[u8]) {}
}

/// A key's value as one transaction wrote it.
pub struct Entry<T> {
    /// The key, shared with the map and with the entry's successors.
    pub key: Arc<str>,
    /// The bytes as they lie on disk, with the revision spliced in.
    pub value: Bytes,
    /// Revision of the transaction that created the key (again, if it had been deleted).
    pub create_revision: u64,
    /// Revision of the transaction that wrote this entry.
    pub mod_revision: u64,
    /// What [`Attach`] made of the value.
    pub attached: T,
    /// Where the entry lies in the log.
    pub(crate) row: RowId,
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("value", &self.value)
            .field("create_revision", &self.create_revision)
            .field("mod_revision", &self.mod_revision)
            .finish_non_exhaustive()
    }
}

/// Number of a row of the log: the transaction's revision and the operation's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowId(u64);

impl RowId {
    /// Bits that hold the place in the transaction; the other 47 (SQLite's row ids are signed) hold the revision.
    const PLACE_BITS: u32 = 16;
    /// The largest revision a row id can hold.
    pub(crate) const MAX_REVISION: u64 = (1 << (63 - Self::PLACE_BITS)) - 1;
    /// Most operations a transaction can have.
    pub(crate) const MAX_PLACES: usize = 1 << Self::PLACE_BITS;

    pub(crate) fn new(revision: u64, place: usize) -> Self {
        debug_assert!(place < Self::MAX_PLACES && revision <= Self::MAX_REVISION);
        RowId(revision << Self::PLACE_BITS | place as u64)
    }

    /// The first row id that any transaction after `revision` can have.
    pub(crate) fn after(revision: u64) -> Self {
        RowId::new(revision + 1, 0)
    }

    pub(crate) fn revision(self) -> u64 {
        self.0 >> Self::PLACE_BITS
    }

    pub(crate) fn place(self) -> usize {
        (self.0 & (Self::MAX_PLACES as u64 - 1)) as usize
    }

    /// The id as SQLite has it.
    pub(crate) fn to_sql(self) -> i64 {
        self.0.cast_signed()
    }

    /// The id that SQLite has; `None` if it is none of ours.
    pub(crate) fn from_sql(id: i64) -> Option<Self> {
        u64::try_from(id).ok().map(RowId)
    }
}

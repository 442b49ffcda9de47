//! What a writer asks for and what it is answered.
//!
//! These are plain values; the decision whether a transaction's guards hold is taken in `writer`.

use std::fmt;
use std::sync::Arc;

use crate::engine::EngineError;
use crate::entry::{Entry, RowId};

/// Most operations one transaction can have.
pub const MAX_OPS: usize = RowId::MAX_PLACES;

/// Guards and operations that happen together at one revision, or not at all.
pub struct Txn<T> {
    /// What has to hold, in the order in which it is checked.
    pub guards: Vec<Guard>,
    /// What is to be done. A key may stand in one operation only.
    pub ops: Vec<Op<T>>,
}

impl<T> Txn<T> {
    /// A transaction that asks for nothing.
    pub fn new() -> Self {
        Txn { guards: Vec::new(), ops: Vec::new() }
    }

    /// Adds the condition that `key` is as `expect` says.
    pub fn guard(mut self, key: impl Into<String>, expect: Expect) -> Self {
        self.guards.push(Guard { key: key.into(), expect });
        self
    }

    /// Adds the writing of `key`; its facts are made by [`Attach`](crate::Attach).
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Template>) -> Self {
        self.ops.push(Op::Put { key: key.into(), value: value.into(), attached: None });
        self
    }

    /// Adds the writing of `key` by a caller who has made the facts already.
    pub fn put_attached(mut self, key: impl Into<String>, value: impl Into<Template>, attached: T) -> Self {
        self.ops.push(Op::Put { key: key.into(), value: value.into(), attached: Some(attached) });
        self
    }

    /// Adds the deletion of `key`, whose event shows `last` (or, without it, the value that was live).
    pub fn delete(mut self, key: impl Into<String>, last: Option<Template>) -> Self {
        self.ops.push(Op::Delete { key: key.into(), last });
        self
    }

    /// Creates `key`, which must not exist.
    pub fn create(key: impl Into<String>, value: impl Into<Template>) -> Self {
        let key = key.into();
        Txn::new().guard(key.clone(), Expect::Absent).put(key, value)
    }

    /// Replaces the entry of `key` that was written at `mod_revision`.
    pub fn update(key: impl Into<String>, mod_revision: u64, value: impl Into<Template>) -> Self {
        let key = key.into();
        Txn::new().guard(key.clone(), Expect::At(mod_revision)).put(key, value)
    }

    /// Deletes the entry of `key` that was written at `mod_revision`.
    pub fn remove(key: impl Into<String>, mod_revision: u64, last: Option<Template>) -> Self {
        let key = key.into();
        Txn::new().guard(key.clone(), Expect::At(mod_revision)).delete(key, last)
    }
}

impl<T> Default for Txn<T> {
    fn default() -> Self {
        Txn::new()
    }
}

/// A condition on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The key; it need not be one that the transaction writes.
    pub key: String,
    /// What is expected of it.
    pub expect: Expect,
}

/// What a guard expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key does not exist.
    Absent,
    /// The key exists, whatever its revision.
    Present,
    /// The key's entry was written at this revision.
    At(u64),
}

impl Expect {
    pub(crate) fn holds<T>(self, current: Option<&Entry<T>>) -> bool {
        match (self, current) {
            (Expect::Absent, current) => current.is_none(),
            (Expect::Present, current) => current.is_some(),
            (Expect::At(revision), current) => current.is_some_and(|entry| entry.mod_revision == revision),
        }
    }
}

/// One change of one key.
pub enum Op<T> {
    /// Writes the key, whether or not it exists.
    Put {
        /// The key.
        key: String,
        /// Its new value.
        value: Template,
        /// The value's facts, if the caller has them; else they are made by [`Attach`](crate::Attach).
        attached: Option<T>,
    },
    /// Deletes the key; does nothing if it does not exist.
    Delete {
        /// The key.
        key: String,
        /// The value that the event shows; without it, the value that was live.
        last: Option<Template>,
    },
}

impl<T> Op<T> {
    /// The key that the operation changes.
    pub fn key(&self) -> &str {
        match self {
            Op::Put { key, .. } | Op::Delete { key, .. } => key,
        }
    }

    pub(crate) fn template(&self) -> Option<&Template> {
        match self {
            Op::Put { value, .. } => Some(value),
            Op::Delete { last, .. } => last.as_ref(),
        }
    }
}

/// A value with a place for the revision that nobody knows yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The bytes, without the revision.
    pub json: Vec<u8>,
    /// Byte offset at which the decimal digits of the transaction's revision are spliced in.
    pub revision_at: Option<usize>,
}

impl Template {
    /// The bytes with `revision` in their place.
    pub(crate) fn fill(&self, revision: u64) -> Vec<u8> {
        let Some(at) = self.revision_at else { return self.json.clone() };
        let digits = revision.to_string();
        let mut bytes = Vec::with_capacity(self.json.len() + digits.len());
        bytes.extend_from_slice(&self.json[..at]);
        bytes.extend_from_slice(digits.as_bytes());
        bytes.extend_from_slice(&self.json[at..]);
        bytes
    }
}

impl From<Vec<u8>> for Template {
    fn from(json: Vec<u8>) -> Self {
        Template { json, revision_at: None }
    }
}

impl From<&str> for Template {
    fn from(json: &str) -> Self {
        json.as_bytes().to_vec().into()
    }
}

impl From<String> for Template {
    fn from(json: String) -> Self {
        json.into_bytes().into()
    }
}

/// What a transaction did.
#[derive(Debug)]
pub struct Committed<T> {
    /// The transaction's revision; the store's current one if the transaction changed nothing.
    pub revision: u64,
    /// For each operation: what it wrote, for a deletion what its event shows, `None` if there was nothing to delete.
    pub entries: Vec<Option<Arc<Entry<T>>>>,
}

/// Why a transaction was refused. Nothing of it was applied.
#[derive(thiserror::Error)]
pub enum CommitError<T> {
    /// A guard did not hold.
    #[error("{key} is not as expected")]
    Conflict {
        /// The key of the guard.
        key: String,
        /// What the guard expected.
        expect: Expect,
        /// The entry as it is.
        current: Option<Arc<Entry<T>>>,
    },
    /// The transaction could never be applied.
    #[error("transaction makes no sense")]
    Invalid(#[from] InvalidTxn),
    /// The disk, or the store's own limit, has no room. Reads and watches go on, and so do writes once there is room.
    #[error("cannot write: no space left for the store")]
    Full(#[source] Arc<EngineError>),
    /// The disk failed. If the machine stops before a later write succeeds, the transaction may be found applied.
    #[error("cannot write to the store")]
    Disk(#[source] Arc<EngineError>),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl<T> CommitError<T> {
    pub(crate) fn failed(error: Arc<EngineError>) -> Self {
        if error.is_full() { CommitError::Full(error) } else { CommitError::Disk(error) }
    }
}

impl<T> fmt::Debug for CommitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitError::Conflict { key, expect, current } => {
                f.debug_struct("Conflict").field("key", key).field("expect", expect).field("current", current).finish()
            }
            CommitError::Invalid(error) => f.debug_tuple("Invalid").field(error).finish(),
            CommitError::Full(error) => f.debug_tuple("Full").field(error).finish(),
            CommitError::Disk(error) => f.debug_tuple("Disk").field(error).finish(),
            CommitError::Closed => f.write_str("Closed"),
        }
    }
}

/// What is wrong with a transaction, whatever the state of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTxn {
    /// Two operations change the same key.
    #[error("{0} stands in two operations")]
    DuplicateKey(String),
    /// A key is empty.
    #[error("a key is empty")]
    EmptyKey,
    /// More than [`MAX_OPS`] operations.
    #[error("{0} operations are more than {MAX_OPS}")]
    TooManyOps(usize),
    /// [`Template::revision_at`] lies behind the end of the bytes.
    #[error("the revision's place {at} lies outside the {len} bytes of {key}")]
    RevisionPlace {
        /// The operation's key.
        key: String,
        /// The place asked for.
        at: usize,
        /// Number of bytes.
        len: usize,
    },
}

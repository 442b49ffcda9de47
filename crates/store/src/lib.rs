//! A revisioned, ordered key space on disk: what an API server keeps its objects in.
//!
//! Every transaction takes the next revision. Reads are snapshots of a persistent map in memory and never wait for
//! writers; writes are acknowledged after they are on disk; watches follow the events of a bounded window and are
//! told when what they ask for has fallen out of it. Keys are paths (`/pods/default/web`), values are bytes.
//!
//! The way of a write: [`Store::commit`] → `writer` (one thread, decides and groups) → `engine` (SQLite: one
//! transaction and one fsync a group) → `hub` (the new snapshot, the events) → the answer.
//!
//! Deliberately absent: HTTP, Kubernetes, and any understanding of a value. What a server wants to remember about a
//! value beside its bytes, it computes through [`Attach`]; who has keys seals values for the disk through [`Seal`].

mod backup;
mod engine;
mod entry;
mod event;
mod folder;
mod hub;
mod metrics;
mod options;
mod restore;
mod seal;
mod snapshot;
mod store;
mod txn;
mod watcher;
mod writer;

pub use backup::{Backup, BackupError, backup};
pub use engine::{EngineError, OpenError};
pub use entry::{Attach, Entry};
pub use event::{Event, EventKind, FRAMES};
pub use hub::RevisionError;
pub use metrics::Metrics;
pub use options::Options;
pub use restore::{REVISION_BUMP, RestoreError, Restored, restore};
pub use seal::Seal;
pub use snapshot::{Range, Snapshot};
pub use store::Store;
pub use txn::{CommitError, Committed, Expect, Guard, InvalidTxn, MAX_OPS, Op, Template, Txn};
pub use watcher::{WatchError, Watcher};

//! The store in numbers, for a metrics page.

/// Sizes and counts at one moment. Counts begin at zero when the store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Current revision.
    pub revision: u64,
    /// Oldest revision that can be listed or watched from.
    pub compacted_revision: u64,
    /// Live keys.
    pub keys: usize,
    /// Transactions that were applied.
    pub commits: u64,
    /// Transactions that were refused because a guard did not hold.
    pub conflicts: u64,
    /// Transactions that were refused because the disk failed or was full.
    pub failures: u64,
    /// Groups of transactions that shared one disk transaction.
    pub groups: u64,
    /// Most transactions that shared one.
    pub largest_group: u64,
    /// Calls that brought data safely to disk: groups and checkpoints.
    pub fsyncs: u64,
    /// Events that watches can start from.
    pub events: usize,
    /// Bytes that those events keep in memory.
    pub event_bytes: usize,
    /// Open watchers.
    pub watchers: usize,
    /// Different prefixes watched.
    pub watched_prefixes: usize,
    /// Rows of superseded revisions deleted from disk.
    pub compacted_rows: u64,
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
}

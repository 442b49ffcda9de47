//! What the writer asks of the place where revisions are kept for good.
//!
//! The engine is a log: the writer has decided already, in memory, what a group of transactions does and which
//! revisions it gets, and the engine makes the resulting rows durable, all or none. An engine for several servers
//! (etcd) appends under a compare on the leader's key, so that a writer who is no longer the leader gets an error
//! instead of a second history; followers feed their hub from the same rows.

mod sqlite;

use std::error::Error;
use std::io;
use std::path::PathBuf;

pub(crate) use self::sqlite::{Extent, Sqlite, copy, rebuild, verify};
use crate::entry::RowId;
use crate::event::EventKind;
use crate::metrics::Metrics;
use crate::seal::Seal;

/// A durable log of rows.
pub(crate) trait Engine: Send {
    /// Makes the rows of whole transactions durable, all or none. They come in the order of their ids.
    fn append(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>) -> Result<(), EngineError>;

    /// Deletes what nobody can ask for once `floor` is the oldest revision kept. Does a bounded part of it;
    /// true if more is left.
    fn compact(&mut self, floor: u64) -> Result<bool, EngineError>;

    /// Seals again what lies on disk otherwise than it would be written now; tells how many rows that were.
    fn reseal(&mut self, seal: &dyn Seal) -> Result<u64, EngineError>;

    /// Does what has to be done now and then between two groups.
    fn maintain(&mut self);

    /// Adds the engine's numbers.
    fn measure(&self, metrics: &mut Metrics);

    /// Brings everything to its place and lets go of it.
    fn close(&mut self) -> Result<(), EngineError>;
}

/// One change of one key, as the log has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: RowId,
    pub(crate) kind: EventKind,
    /// True if it is the last row of its transaction.
    pub(crate) last: bool,
    pub(crate) key: &'a str,
    pub(crate) create_revision: u64,
    /// The row that was the key's live one before.
    pub(crate) replaces: Option<RowId>,
    pub(crate) value: &'a [u8],
}

/// An engine could not do what it was asked. The message says what it was doing, the source why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct EngineError {
    doing: &'static str,
    full: bool,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl EngineError {
    pub(crate) fn new(doing: &'static str, full: bool, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        EngineError { doing, full, source: source.into() }
    }

    /// True if there was no room: the disk's, a quota's, or the limit set in the options.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use the store's folder {path}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process, or another store of this one, has the folder open.
    #[error("the store in {path} is in use by another process{}; stop that one first", by(*pid))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that has it, if it is known.
        pid: Option<u32>,
    },
    /// The file is a database, but none of ours.
    #[error("{path} is not a store of this program; move it away or choose another folder")]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// A newer version of the program wrote the file.
    #[error("{path} has format {found}, this version knows format {known}; use the version that wrote it")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's format.
        found: i64,
        /// The format that is known here.
        known: i64,
    },
    /// The file does not hold what was written to it.
    #[error(
        "the database {path} is damaged: {detail}; keep a copy of the folder, then restore the last backup into an \
         empty folder"
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it, and where.
        detail: String,
    },
    /// Values are sealed, and cannot be opened.
    #[error("cannot open the values in the database {path}: {detail}")]
    Sealed {
        /// The database file.
        path: PathBuf,
        /// Which value, and why not.
        detail: String,
    },
    /// Writes that were acknowledged are not there.
    #[error(
        "the database {path} ends at revision {found}, but revision {acknowledged} has been acknowledged: its end is \
         lost; restore the last backup into an empty folder, or delete {marker} to go on with what is left"
    )]
    Lost {
        /// The database file.
        path: PathBuf,
        /// The last revision found.
        found: u64,
        /// The last revision that was acknowledged.
        acknowledged: u64,
        /// The file that remembers the acknowledged revision.
        marker: PathBuf,
    },
    /// The database could not be read or prepared.
    #[error("cannot open the database {path}")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

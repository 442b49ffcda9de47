//! How the log lies in the database file: tables, flags, checksums, settings.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::super::{OpenError, Row};
use super::failed;
use crate::entry::RowId;
use crate::event::EventKind;
use crate::options::Options;

/// "haka" in the file's header.
const APPLICATION_ID: i64 = 0x6861_6b61;
/// The format that this version reads and writes.
const FORMAT: i64 = 1;

/// The tables, to the letter: a file whose text differs is damaged.
const TABLES: [(&str, &str); 2] = [
    (
        "log",
        "CREATE TABLE log (id INTEGER PRIMARY KEY, flags INTEGER NOT NULL, key TEXT NOT NULL, \
         created INTEGER NOT NULL, replaces INTEGER NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL) STRICT",
    ),
    (
        "meta",
        "CREATE TABLE meta (id INTEGER PRIMARY KEY, floor INTEGER NOT NULL, kept INTEGER NOT NULL, \
         crc INTEGER NOT NULL) STRICT",
    ),
];

/// What the rows cannot tell by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// The revision up to which the log is compacted: below, only live rows are left; above, all rows are there.
    pub(super) floor: u64,
    /// How many rows are left up to the floor.
    pub(super) kept: u64,
}

impl Meta {
    /// Of a store that nothing was ever written to: its first transaction is revision 2, as etcd's is.
    const NEW: Meta = Meta { floor: 1, kept: 0 };

    fn checksum(&self) -> u32 {
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.floor.to_le_bytes());
        sum.update(&self.kept.to_le_bytes());
        sum.finalize()
    }
}

/// Opens the database for the writer, creating the tables in an empty file.
pub(super) fn open(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let connection = connect(path).map_err(|error| unreadable(path, error))?;
    if is_empty(&connection, path)? {
        create(&connection, &Meta::NEW, |_| Ok(())).map_err(|error| unreadable(path, error))?;
    }
    recognise(&connection, path)?;
    limit(&connection, options).map_err(|error| unreadable(path, error))?;
    Ok(connection)
}

/// A connection with the settings that all of ours have.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_handler(Some(wait_a_little))?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; \
         PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 33554432; PRAGMA synchronous = FULL;",
    )?;
    Ok(connection)
}

/// Waits for another connection: ours are done soon, a stranger's is given ten seconds.
fn wait_a_little(times: i32) -> bool {
    std::thread::sleep(Duration::from_micros(200));
    times < 50_000
}

/// Makes the tables in an empty database and fills them, in one transaction.
pub(super) fn create(
    connection: &Connection,
    meta: &Meta,
    fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    let transaction = connection.unchecked_transaction()?;
    for (_, sql) in TABLES {
        transaction.execute_batch(sql)?;
    }
    write_meta(&transaction, meta)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    fill(&transaction)?;
    transaction.commit()
}

fn is_empty(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| unreadable(path, error))?;
    Ok(tables == 0 && pragma(connection, path, "application_id")? == 0)
}

/// Refuses files that are not ours, too new, or not as we made them.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let application = pragma(connection, path, "application_id")?;
    let format = pragma(connection, path, "user_version")?;
    let made = |name| {
        let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1";
        connection.query_row(sql, [name], |row| row.get::<_, String>(0)).optional()
    };
    let mut intact = 0;
    for (name, sql) in TABLES {
        intact += usize::from(made(name).map_err(|error| unreadable(path, error))?.as_deref() == Some(sql));
    }
    match (application == APPLICATION_ID, intact) {
        (false, 0) => Err(OpenError::Foreign { path: path.to_owned() }),
        (true, _) if format > FORMAT && format < 1 << 16 => {
            Err(OpenError::Newer { path: path.to_owned(), found: format, known: FORMAT })
        }
        (true, intact) if format == FORMAT && intact == TABLES.len() => Ok(()),
        _ => Err(damaged(path, "its header or the description of its tables has changed")),
    }
}

fn pragma(connection: &Connection, path: &Path, name: &str) -> Result<i64, OpenError> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| unreadable(path, error))
}

/// Sets what the options say, and that this is the writer's connection.
fn limit(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(mode, "the file system offers no shared memory, the store works without a write-ahead log");
    }
    if let Some(bytes) = options.max_database_bytes {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(512);
        connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))?;
    }
    Ok(())
}

pub(super) fn write_meta(connection: &Connection, meta: &Meta) -> rusqlite::Result<()> {
    let mut replace = connection.prepare_cached("REPLACE INTO meta (id, floor, kept, crc) VALUES (0, ?1, ?2, ?3)")?;
    replace.execute(params![meta.floor.cast_signed(), meta.kept.cast_signed(), meta.checksum()])?;
    Ok(())
}

pub(super) fn read_meta(connection: &Connection, path: &Path) -> Result<Meta, OpenError> {
    let row = connection
        .query_row("SELECT floor, kept, crc FROM meta", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .optional();
    let row = row.map_err(|error| unreadable(path, error))?;
    let meta = row.map(|(floor, kept, sum)| (Meta { floor: floor.cast_unsigned(), kept: kept.cast_unsigned() }, sum));
    match meta {
        Some((meta, sum)) if i64::from(meta.checksum()) == sum && meta.floor < RowId::MAX_REVISION => Ok(meta),
        _ => Err(damaged(path, "the record of its compaction is not as it was written")),
    }
}

/// The flags of a row: whether it deletes, and whether it ends its transaction.
pub(super) fn flags_of(kind: EventKind, last: bool) -> i64 {
    i64::from(kind == EventKind::Delete) | i64::from(last) << 1
}

/// What the flags say; `None` if they are none of ours.
pub(super) fn parse_flags(flags: i64) -> Option<(EventKind, bool)> {
    let kind = if flags & 1 == 0 { EventKind::Put } else { EventKind::Delete };
    (0..4).contains(&flags).then_some((kind, flags & 2 != 0))
}

/// The checksum over everything in a row.
pub(super) fn checksum(row: &Row<'_>) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&row.id.to_sql().to_le_bytes());
    sum.update(&flags_of(row.kind, row.last).to_le_bytes());
    sum.update(&row.create_revision.to_le_bytes());
    sum.update(&row.replaces.map_or(0, RowId::to_sql).to_le_bytes());
    sum.update(&(row.key.len() as u64).to_le_bytes());
    sum.update(row.key.as_bytes());
    sum.update(row.value);
    sum.finalize()
}

pub(super) fn damaged(path: &Path, detail: impl Into<String>) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), detail: detail.into() }
}

/// Tells damage from other reasons why a database cannot be read.
///
/// The statements are ours and fit the tables that we make, and the file has been opened for writing before; so what
/// is none of the system's failures is the file's fault, whatever words SQLite has for it.
pub(super) fn unreadable(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => OpenError::Database { path: path.to_owned(), source: failed("opening the database", error) },
        _ => damaged(path, error.to_string()),
    }
}

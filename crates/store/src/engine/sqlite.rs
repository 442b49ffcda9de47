//! The log in SQLite: one append-only table of revisions, durable at each commit.
//!
//! The writer's connection never checkpoints by itself (a commit that does so takes 12 to 22 ms); a thread beside it
//! does the bulk of that work, and the writer the short rest when the write-ahead log would grow too long.

mod backup;
mod checkpoint;
mod load;
mod reseal;
mod schema;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, params};

pub(crate) use self::backup::{copy, rebuild, verify};
use self::checkpoint::Checkpointer;
pub(crate) use self::load::Extent;
use self::schema::{Meta, checksum, flags_of};
use super::{Engine, EngineError, OpenError, Row};
use crate::entry::RowId;
use crate::event::EventKind;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::seal::Seal;

/// A database that is open for writing.
pub(crate) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    meta: Meta,
    checkpointer: Checkpointer,
    /// Estimate of the bytes in the write-ahead log that the checkpointer has not been told of.
    unannounced: usize,
    /// Estimate of the bytes in the write-ahead log since the writer last helped to copy it.
    uncopied: usize,
    checkpointed_at: Instant,
    groups: u64,
    compacted_rows: u64,
}

/// Calls back with the rows of the log, in order; what it refuses is damage.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Row<'_>, Extent) -> Result<(), String>;

const INSERT: &str =
    "INSERT INTO log (id, flags, key, created, replaces, crc, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DELETE: &str = "DELETE FROM log WHERE id = ?1";
const PASSED: &str = "SELECT id, flags, replaces FROM log WHERE id >= ?1 AND id < ?2 ORDER BY id";

impl Sqlite {
    /// Rows of superseded revisions that one step of compaction passes.
    const COMPACT_ROWS: usize = 512;
    /// Bytes appended before the checkpointer is told.
    const CHECKPOINT_BYTES: usize = 2 << 20;
    /// Bytes appended after which the writer copies even if the thread has not come so far as to ask.
    const LONGEST_LOG: usize = 24 << 20;
    /// How long a little in the write-ahead log may stay there.
    const CHECKPOINT_AGE: Duration = Duration::from_secs(60);

    /// Opens or creates the database `path`, checks it, and shows all its rows to `visit`.
    pub(crate) fn open(path: &Path, options: &Options, visit: Visit<'_>) -> Result<(Self, Extent), OpenError> {
        let connection = schema::open(path, options)?;
        let (meta, extent) = load::rows(&connection, path, options, visit)?;
        let checkpointer = Checkpointer::start(path).map_err(|error| schema::unreadable(path, error))?;
        let sqlite = Sqlite {
            connection,
            path: path.to_owned(),
            meta,
            checkpointer,
            unannounced: 0,
            uncopied: 0,
            checkpointed_at: Instant::now(),
            groups: 0,
            compacted_rows: 0,
        };
        Ok((sqlite, extent))
    }

    /// Runs `work` in a transaction; on failure nothing of it remains.
    fn transact<R>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<R, EngineError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(|error| failed("undoing a failed write", error))?;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(|error| failed(doing, error))?;
        let result = work(&transaction).and_then(|result| transaction.commit().map(|()| result));
        result.map_err(|error| failed(doing, error))
    }

    fn log_grows(&mut self, bytes: usize) {
        self.unannounced += bytes;
        self.uncopied += bytes;
    }

    fn announce(&mut self) {
        if self.unannounced > 0 {
            self.unannounced = 0;
            self.checkpointed_at = Instant::now();
            self.checkpointer.wake();
        }
    }
}

impl Engine for Sqlite {
    fn append(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>) -> Result<(), EngineError> {
        let written = self.transact("writing to the log", |connection| {
            let mut written = 0;
            for row in rows {
                insert(connection, &row)?;
                written += 64 + row.key.len() + row.value.len();
            }
            Ok(written)
        })?;
        self.groups += 1;
        self.log_grows(written + 4096);
        if self.unannounced > Self::CHECKPOINT_BYTES {
            self.announce();
        }
        Ok(())
    }

    fn compact(&mut self, floor: u64) -> Result<bool, EngineError> {
        let mut meta = self.meta;
        if floor <= meta.floor {
            return Ok(false);
        }
        let deleted = self.transact("compacting the log", |connection| compact(connection, &mut meta, floor))?;
        self.meta = meta;
        self.compacted_rows += deleted;
        self.log_grows(4096 * (1 + deleted as usize / 4));
        Ok(meta.floor < floor)
    }

    fn reseal(&mut self, seal: &dyn Seal) -> Result<u64, EngineError> {
        self.reseal_all(seal)
    }

    fn maintain(&mut self) {
        if self.checkpointed_at.elapsed() > Self::CHECKPOINT_AGE {
            self.announce();
        }
        if self.checkpointer.asks_for_help() || self.uncopied > Self::LONGEST_LOG {
            self.uncopied = 0;
            self.checkpointer.finish(&self.connection);
        }
    }

    fn measure(&self, metrics: &mut Metrics) {
        let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        metrics.groups = self.groups;
        metrics.fsyncs = self.groups + 2 * self.checkpointer.count();
        metrics.compacted_rows = self.compacted_rows;
        metrics.database_bytes = size(self.path.clone());
        metrics.wal_bytes = size(wal_path(&self.path));
    }

    fn close(&mut self) -> Result<(), EngineError> {
        self.checkpointer.stop();
        let closed = checkpoint::run(&self.connection, checkpoint::Mode::Truncate);
        closed.map(drop).map_err(|error| failed("checkpointing at close", error))
    }
}

fn insert(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<()> {
    let flags = flags_of(row.kind, row.last);
    let created = row.create_revision.cast_signed();
    let replaces = row.replaces.map_or(0, RowId::to_sql);
    let mut insert = connection.prepare_cached(INSERT)?;
    insert.execute(params![row.id.to_sql(), flags, row.key, created, replaces, checksum(row), row.value])?;
    Ok(())
}

/// Deletes the rows that the next transactions after `meta.floor` superseded, up to `floor` at most.
fn compact(connection: &Connection, meta: &mut Meta, floor: u64) -> rusqlite::Result<u64> {
    let mut doomed = Vec::new();
    let mut passed = 0;
    let mut reached = floor;
    {
        let mut rows = connection.prepare_cached(PASSED)?;
        let mut rows = rows.query([RowId::after(meta.floor).to_sql(), RowId::after(floor).to_sql()])?;
        while let Some(row) = rows.next()? {
            let (id, flags, replaces): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (kind, last) = schema::parse_flags(flags).unwrap_or((EventKind::Put, true));
            passed += 1;
            doomed.extend((replaces != 0).then_some(replaces));
            doomed.extend((kind == EventKind::Delete).then_some(id));
            if last && passed >= Sqlite::COMPACT_ROWS {
                reached = RowId::from_sql(id).map_or(floor, RowId::revision);
                break;
            }
        }
    }
    let mut delete = connection.prepare_cached(DELETE)?;
    let mut deleted = 0;
    for id in doomed {
        deleted += delete.execute([id])? as u64;
    }
    meta.floor = reached;
    meta.kept = (meta.kept + passed as u64).saturating_sub(deleted);
    schema::write_meta(connection, meta)?;
    Ok(deleted)
}

/// Where SQLite keeps the write-ahead log of the database `path`.
fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Says what could not be done, and whether it was for want of room.
fn failed(doing: &'static str, error: rusqlite::Error) -> EngineError {
    let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
    EngineError::new(doing, full, error)
}

#[cfg(test)]
mod tests;

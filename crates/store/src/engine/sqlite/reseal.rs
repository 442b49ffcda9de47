//! Sealing again what lies on disk otherwise than it would be written now.
//!
//! Rows keep their ids and revisions; only their values change, live ones and those of the history alike. What lay
//! there before is gone at the end: the database is written anew, since its pages keep what was moved out of them, and
//! the write-ahead log is emptied.

use rusqlite::{Connection, params};

use super::super::{EngineError, Row};
use super::schema::checksum;
use super::{Sqlite, checkpoint, failed, load};
use crate::seal::{HEAD, Seal};

/// Rows that are sealed in one transaction.
const BATCH: usize = 256;
const STALE: &str = "SELECT id, key, substr(value, 1, ?2) FROM log WHERE id > ?1 ORDER BY id";
const ROW: &str = "SELECT id, flags, key, created, replaces, crc, value FROM log WHERE id = ?1";
const UPDATE: &str = "UPDATE log SET value = ?2, crc = ?3 WHERE id = ?1";
const DOING: &str = "sealing values again";

impl Sqlite {
    pub(super) fn reseal_all(&mut self, seal: &dyn Seal) -> Result<u64, EngineError> {
        let mut sealed = 0;
        let mut after = 0;
        loop {
            let stale = stale(&self.connection, seal, after).map_err(|error| failed(DOING, error))?;
            let Some(last) = stale.last() else { break };
            after = *last;
            let mut refused = None;
            let written = self.transact(DOING, |connection| {
                let mut written = 0;
                for id in &stale {
                    match seal_row(connection, seal, *id)? {
                        Ok(bytes) => written += bytes,
                        Err(why) => refused = Some(why),
                    }
                }
                Ok(written)
            })?;
            if let Some(why) = refused {
                return Err(EngineError::new(DOING, false, why));
            }
            sealed += stale.len() as u64;
            self.log_grows(written + 4096);
        }
        if sealed > 0 {
            self.forget_old_pages().map_err(|error| failed(DOING, error))?;
        }
        Ok(sealed)
    }

    /// Writes the database anew, by way of a file and not of memory, and empties the write-ahead log.
    fn forget_old_pages(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY")?;
        checkpoint::run(&self.connection, checkpoint::Mode::Truncate).map(drop)
    }
}

/// The next rows that lie otherwise than they would be written now.
fn stale(connection: &Connection, seal: &dyn Seal, after: i64) -> rusqlite::Result<Vec<i64>> {
    let mut select = connection.prepare_cached(STALE)?;
    let mut rows = select.query(params![after, HEAD as i64])?;
    let mut stale = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, head) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_blob()?);
        if !seal.is_current(key, head) {
            stale.push(row.get(0)?);
            if stale.len() == BATCH {
                break;
            }
        }
    }
    Ok(stale)
}

/// Seals one row again; how many bytes that wrote, or why it cannot be.
fn seal_row(connection: &Connection, seal: &dyn Seal, id: i64) -> rusqlite::Result<Result<usize, String>> {
    let mut select = connection.prepare_cached(ROW)?;
    let mut rows = select.query([id])?;
    let Some(found) = rows.next()? else { return Ok(Ok(0)) };
    let Some(row) = load::parse(found) else { return Ok(Err(format!("row {id} is not as it was written"))) };
    let value = match seal.open(row.key, row.value) {
        Ok(opened) => opened.unwrap_or_else(|| row.value.to_vec()),
        Err(why) => return Ok(Err(format!("{}: {why}", row.key))),
    };
    let stored = match seal.seal(row.key, &value) {
        Ok(sealed) => sealed.unwrap_or(value),
        Err(error) => return Ok(Err(format!("{}: {error}", row.key))),
    };
    let sum = checksum(&Row { value: &stored, ..row });
    connection.prepare_cached(UPDATE)?.execute(params![id, stored, sum])?;
    Ok(Ok(stored.len() + 64))
}

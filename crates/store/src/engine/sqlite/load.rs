//! Reading the whole log when a store is opened, and not believing it.
//!
//! Each row carries a checksum. Up to the compaction's floor the rows are counted; after it every revision and every
//! operation must be there. So a page that fell out of the tree is noticed even where SQLite itself sees no damage.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::{OpenError, Row};
use super::Visit;
use super::schema::{self, Meta, damaged, parse_flags, unreadable};
use crate::entry::RowId;
use crate::options::Options;

/// What revisions the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The revision up to which it is compacted.
    pub(crate) floor: u64,
    /// The last revision handed out.
    pub(crate) revision: u64,
}

/// Shows all rows to `visit`, checking each and their sequence.
pub(super) fn rows(
    connection: &Connection,
    path: &Path,
    options: &Options,
    visit: Visit<'_>,
) -> Result<(Meta, Extent), OpenError> {
    check_pages(connection, path, options)?;
    let meta = schema::read_meta(connection, path)?;
    let mut sequence = Sequence::new(meta);
    let mut select = connection
        .prepare("SELECT id, flags, key, created, replaces, crc, value FROM log ORDER BY id")
        .map_err(|error| unreadable(path, error))?;
    let mut rows = select.query([]).map_err(|error| unreadable(path, error))?;
    while let Some(found) = rows.next().map_err(|error| unreadable(path, error))? {
        let row = parse(found).ok_or_else(|| damaged(path, at(found, "is not as it was written")))?;
        sequence.pass(&row).map_err(|what| damaged(path, at(found, &what)))?;
        visit(row, sequence.extent).map_err(|what| damaged(path, at(found, &what)))?;
    }
    let extent = sequence.end().map_err(|what| damaged(path, what))?;
    Ok((meta, extent))
}

/// Lets SQLite look at the structure of all pages, if there are not too many.
fn check_pages(connection: &Connection, path: &Path, options: &Options) -> Result<(), OpenError> {
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    if size > options.page_check_bytes {
        return Ok(());
    }
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| unreadable(path, error))?;
    if found == "ok" { Ok(()) } else { Err(damaged(path, found.replace('\n', " "))) }
}

/// The row, if it has the right shape and checksum.
pub(super) fn parse<'a>(found: &'a rusqlite::Row<'_>) -> Option<Row<'a>> {
    let int = |column| found.get_ref(column).ok()?.as_i64().ok();
    let (kind, last) = parse_flags(int(1)?)?;
    let ValueRef::Text(key) = found.get_ref(2).ok()? else { return None };
    let ValueRef::Blob(value) = found.get_ref(6).ok()? else { return None };
    let row = Row {
        id: RowId::from_sql(int(0)?)?,
        kind,
        last,
        key: std::str::from_utf8(key).ok()?,
        create_revision: u64::try_from(int(3)?).ok()?,
        replaces: match int(4)? {
            0 => None,
            id => Some(RowId::from_sql(id)?),
        },
        value,
    };
    (i64::from(schema::checksum(&row)) == int(5)?).then_some(row)
}

fn at(found: &rusqlite::Row<'_>, what: &str) -> String {
    let id = found.get_ref(0).ok().and_then(|id| id.as_i64().ok()).and_then(RowId::from_sql);
    match id {
        Some(id) => format!("operation {} of revision {} {what}", id.place(), id.revision()),
        None => format!("a row {what}"),
    }
}

/// Follows the rows and knows which one has to come next.
struct Sequence {
    meta: Meta,
    extent: Extent,
    kept: u64,
    /// The row that has to be next in a transaction that has begun.
    expected: Option<RowId>,
}

impl Sequence {
    fn new(meta: Meta) -> Self {
        Sequence { meta, extent: Extent { floor: meta.floor, revision: meta.floor }, kept: 0, expected: None }
    }

    fn pass(&mut self, row: &Row<'_>) -> Result<(), String> {
        if row.id.revision() <= self.meta.floor {
            self.kept += 1;
            return Ok(());
        }
        let expected = self.expected.unwrap_or(RowId::after(self.extent.revision));
        if row.id != expected {
            let (place, revision) = (expected.place(), expected.revision());
            return Err(format!("comes where operation {place} of revision {revision} is missing"));
        }
        self.extent.revision = row.id.revision();
        self.expected = (!row.last).then(|| RowId::new(row.id.revision(), row.id.place() + 1));
        Ok(())
    }

    fn end(self) -> Result<Extent, String> {
        if let Some(missing) = self.expected {
            return Err(format!("operation {} of revision {} is missing", missing.place(), missing.revision()));
        }
        if self.kept != self.meta.kept {
            return Err(format!("it has {} compacted rows, {} were written", self.kept, self.meta.kept));
        }
        Ok(self.extent)
    }
}

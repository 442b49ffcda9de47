//! Copying a database while it is written to, and making a new one out of a copy.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::super::{EngineError, OpenError, Row};
use super::schema::{self, Meta, unreadable};
use super::{Visit, failed, insert, load};
use crate::entry::RowId;
use crate::event::EventKind;
use crate::options::Options;

/// Copies the database `from`, as it is at one moment, into the empty file `to`, and waits for the disk.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), EngineError> {
    copy_pages(from, to).map_err(|error| failed("copying the database", error))
}

fn copy_pages(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = schema::connect(from)?;
    let mut target = Connection::open(to)?;
    target.execute_batch("PRAGMA synchronous = FULL")?;
    let all_at_once = i32::MAX;
    rusqlite::backup::Backup::new(&source, &mut target)?.run_to_completion(all_at_once, Duration::ZERO, None)?;
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    target.close().map_err(|(_, error)| error)
}

/// A live row on its way from one database to another.
struct Kept {
    id: RowId,
    create_revision: u64,
    value: Vec<u8>,
}

/// Fills the empty file `to` with what is live in the database `from`, whose revisions it continues `bump` higher.
///
/// Returns the new database's revision and the number of its keys.
pub(crate) fn rebuild(from: &Path, to: &Path, bump: u64) -> Result<(u64, usize), OpenError> {
    let (live, revision) = read(from)?;
    let revision = revision.saturating_add(bump).min(RowId::MAX_REVISION - 1);
    let mut rows: Vec<(&String, &Kept)> = live.iter().collect();
    rows.sort_by_key(|(_, kept)| kept.id);
    let meta = Meta { floor: revision, kept: rows.len() as u64 };
    let target = schema::connect(to).map_err(|error| unreadable(to, error))?;
    let filled = schema::create(&target, &meta, |transaction| {
        rows.iter().try_for_each(|(key, kept)| {
            let Kept { id, create_revision, value } = kept;
            let (kind, last, replaces) = (EventKind::Put, true, None);
            insert(transaction, &Row { id: *id, kind, last, key, create_revision: *create_revision, replaces, value })
        })
    });
    filled.map_err(|error| unreadable(to, error))?;
    target.close().map_err(|(_, error)| unreadable(to, error))?;
    Ok((revision, live.len()))
}

/// Checks a copy as a database is checked when it is opened; returns its revision.
pub(crate) fn verify(copy: &Path) -> Result<u64, OpenError> {
    visit(copy, &mut |_, _| Ok(()))
}

/// The live rows of a copy, and its revision.
fn read(from: &Path) -> Result<(BTreeMap<String, Kept>, u64), OpenError> {
    let mut live = BTreeMap::new();
    let revision = visit(from, &mut |row, _| {
        match row.kind {
            EventKind::Put => {
                let kept = Kept { id: row.id, create_revision: row.create_revision, value: row.value.to_vec() };
                live.insert(row.key.to_owned(), kept);
            }
            EventKind::Delete => {
                live.remove(row.key);
            }
        }
        Ok(())
    })?;
    Ok((live, revision))
}

fn visit(copy: &Path, each: Visit<'_>) -> Result<u64, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(copy, flags).map_err(|error| unreadable(copy, error))?;
    schema::recognise(&source, copy)?;
    let options = Options { page_check_bytes: u64::MAX, ..Options::default() };
    let (_, extent) = load::rows(&source, copy, &options, each)?;
    Ok(extent.revision)
}

//! What stands in the file after appending and compacting.

use super::*;

struct World {
    sqlite: Sqlite,
    folder: tempfile::TempDir,
}

fn open() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (sqlite, extent) = Sqlite::open(&path, &Options::default(), &mut |_, _| Ok(())).unwrap();
    assert_eq!(extent, Extent { floor: 1, revision: 1 });
    World { sqlite, folder }
}

/// "2.0 /a", "3.1! -/a <2.0": revision and place, "!" if more follow in the transaction, the key, what it replaces.
fn row(text: &str) -> Row<'_> {
    fn id(text: &str) -> RowId {
        let (revision, place) = text.split_once('.').unwrap();
        RowId::new(revision.parse().unwrap(), place.parse().unwrap())
    }
    let mut words = text.split(' ');
    let place = words.next().unwrap();
    let key = words.next().unwrap();
    Row {
        id: id(place.trim_end_matches('!')),
        kind: if key.starts_with('-') { EventKind::Delete } else { EventKind::Put },
        last: !place.ends_with('!'),
        key: key.trim_start_matches('-'),
        create_revision: 2,
        replaces: words.next().map(|word| id(&word[1..])),
        value: text.as_bytes(),
    }
}

impl World {
    fn append(&mut self, rows: &[&str]) {
        self.sqlite.append(&mut rows.iter().map(|text| row(text))).unwrap();
    }

    /// Closes and opens again: what the rows are then, or what is wrong with them.
    fn reopen(mut self) -> (World, Result<(Extent, Vec<String>), String>) {
        self.sqlite.close().unwrap();
        let World { sqlite, folder } = self;
        drop(sqlite);
        let path = folder.path().join("state.db");
        let mut rows = Vec::new();
        let opened = Sqlite::open(&path, &Options::default(), &mut |row, _| {
            rows.push(String::from_utf8(row.value.to_vec()).unwrap());
            Ok(())
        });
        match opened {
            Ok((sqlite, extent)) => (World { sqlite, folder }, Ok((extent, rows))),
            Err(error) => (World { sqlite: open().sqlite, folder }, Err(error.to_string())),
        }
    }

    fn execute(&self, sql: &str) {
        assert!(self.sqlite.connection.execute(sql, []).unwrap() > 0, "{sql}");
    }
}

const ROWS: [&str; 7] = ["2.0! /a", "2.1! /b", "2.2 /c", "3.0 /a <2.0", "4.0! -/b <2.1", "4.1 /c <2.2", "5.0 /a <3.0"];

#[test]
fn compaction_leaves_what_is_live_at_the_floor_and_all_after_it() {
    let check = |floor, want: &[&str]| {
        let mut world = open();
        world.append(&ROWS);
        assert!(!world.sqlite.compact(floor).unwrap());
        assert!(!world.sqlite.compact(floor).unwrap(), "again does nothing");
        let (mut world, rows) = world.reopen();
        assert_eq!(rows, Ok((Extent { floor, revision: 5 }, want.iter().map(|row| (*row).to_owned()).collect())));
        world.append(&["6.0 /d"]);
        world.reopen().1.unwrap();
    };
    check(1, &ROWS);
    check(2, &ROWS);
    check(3, &ROWS[1..]);
    check(4, &[ROWS[3], ROWS[5], ROWS[6]]);
    check(5, &[ROWS[5], ROWS[6]]);
}

#[test]
fn compaction_goes_by_steps_and_ends_each_at_a_transaction() {
    let mut world = open();
    let texts: Vec<String> = (2..2000).map(|revision| format!("{revision}.0 /a{}", replaced(revision))).collect();
    world.append(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut steps = 1;
    while world.sqlite.compact(1999).unwrap() {
        steps += 1;
    }
    assert_eq!((steps, world.sqlite.compacted_rows), (4, 1997));
    let (_, rows) = world.reopen();
    assert_eq!(rows.unwrap().1, ["1999.0 /a <1998.0"]);
}

fn replaced(revision: u64) -> String {
    if revision == 2 { String::new() } else { format!(" <{}.0", revision - 1) }
}

#[test]
fn what_is_missing_or_changed_is_named() {
    let check = |sql: &str, want: &str| {
        let mut world = open();
        world.append(&ROWS);
        world.sqlite.compact(3).unwrap();
        world.execute(sql);
        let error = world.reopen().1.unwrap_err();
        assert!(error.contains(want), "{error}");
        assert!(error.contains("restore the last backup"), "{error}");
    };
    check("DELETE FROM log WHERE id = 4 << 16", "revision 4 comes where operation 0 of revision 4 is missing");
    check(
        "DELETE FROM log WHERE id = (4 << 16) + 1",
        "operation 0 of revision 5 comes where operation 1 of revision 4",
    );
    check("DELETE FROM log WHERE id >= (4 << 16) + 1", "operation 1 of revision 4 is missing");
    check("DELETE FROM log WHERE id = (2 << 16) + 2", "it has 2 compacted rows, 3 were written");
    check("UPDATE log SET value = x'00' WHERE id = 5 << 16", "operation 0 of revision 5 is not as it was written");
    check("UPDATE log SET key = '/x' WHERE id = 3 << 16", "operation 0 of revision 3 is not as it was written");
    check("UPDATE log SET created = 3 WHERE id = 5 << 16", "operation 0 of revision 5 is not as it was written");
    check("UPDATE meta SET floor = 4", "the record of its compaction is not as it was written");
    check("DELETE FROM meta", "the record of its compaction is not as it was written");
}

#[test]
fn a_commit_waits_for_the_disk_and_never_for_a_checkpoint() {
    let world = open();
    let check = |pragma: &str, want: &str| {
        let found = world.sqlite.connection.pragma_query_value(None, pragma, |row| row.get(0));
        let found = match found.unwrap() {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, want, "{pragma}");
    };
    check("synchronous", "2");
    check("journal_mode", "wal");
    check("wal_autocheckpoint", "0");
    check("trusted_schema", "0");
}

#[test]
fn the_write_ahead_log_starts_over() {
    let mut world = open();
    let value = "x".repeat(4000);
    for group in 0..100 {
        let texts: Vec<String> = (2..120).map(|number| format!("{}.0 /{value}", group * 118 + number)).collect();
        world.append(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        world.sqlite.maintain();
    }
    let mut metrics = Metrics::default();
    world.sqlite.measure(&mut metrics);
    assert!(metrics.database_bytes > 32 << 20, "{metrics:?}");
    assert!(metrics.wal_bytes <= 32 << 20, "{metrics:?}");
    world.sqlite.close().unwrap();
    world.sqlite.measure(&mut metrics);
    assert_eq!(metrics.wal_bytes, 0);
}

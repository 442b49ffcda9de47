//! Ranges and their ends.

use bytes::Bytes;

use super::*;
use crate::entry::RowId;

fn snapshot(keys: &[&str]) -> Snapshot<()> {
    let entry = |key: &&str| {
        let key: Arc<str> = (*key).into();
        let entry = Entry {
            key: Arc::clone(&key),
            value: Bytes::new(),
            create_revision: 1,
            mod_revision: 1,
            attached: (),
            row: RowId::new(1, 0),
        };
        (key, Arc::new(entry))
    };
    Snapshot::new(Arc::new(State { map: keys.iter().map(entry).collect(), revision: 1 }))
}

#[track_caller]
fn check(prefix: &str, start_after: Option<&str>, want: &[&str]) {
    let keys = ["/a/1", "/a/2", "/a/3", "/a0", "/b/1", "/é/1", "/\u{10ffff}"];
    let snapshot = snapshot(&keys);
    let got: Vec<&str> = snapshot.range(prefix, start_after).map(|entry| &*entry.key).collect();
    assert_eq!(got, want);
    let back: Vec<&str> = snapshot.range(prefix, start_after).rev().map(|entry| &*entry.key).collect();
    assert_eq!(back, want.iter().rev().copied().collect::<Vec<_>>());
    if start_after.is_none() {
        assert_eq!(snapshot.count(prefix), want.len());
    }
}

#[test]
fn a_range_holds_what_begins_with_its_prefix() {
    check("/a/", None, &["/a/1", "/a/2", "/a/3"]);
    check("/a", None, &["/a/1", "/a/2", "/a/3", "/a0"]);
    check("/é/", None, &["/é/1"]);
    check("/\u{10ffff}", None, &["/\u{10ffff}"]);
    check("/none/", None, &[]);
    check("", None, &["/a/1", "/a/2", "/a/3", "/a0", "/b/1", "/é/1", "/\u{10ffff}"]);
}

#[test]
fn a_range_goes_on_behind_a_key() {
    check("/a/", Some("/a/1"), &["/a/2", "/a/3"]);
    check("/a/", Some("/a/1x"), &["/a/2", "/a/3"]);
    check("/a/", Some("/a/3"), &[]);
    check("/a/", Some("/b/1"), &[]);
    check("/b/", Some("/a/1"), &["/b/1"]);
    check("/a/", Some("/a0"), &[]);
}

#[test]
fn the_end_of_a_prefix_skips_what_is_no_character() {
    assert_eq!(end_of_prefix("/a/").as_deref(), Some("/a0"));
    assert_eq!(end_of_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
    assert_eq!(end_of_prefix("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(end_of_prefix("\u{10ffff}"), None);
}

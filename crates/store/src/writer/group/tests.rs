//! Decisions in memory.

use super::*;
use crate::txn::Expect;

fn group() -> Group<()> {
    Group::new(&Snapshot::new(Arc::new(State { map: Map::new(), revision: 7 })))
}

fn decide(group: &mut Group<()>, txn: Txn<()>) -> Outcome<()> {
    group.decide(prepare(txn).unwrap())
}

#[test]
fn a_transaction_sees_what_the_ones_before_it_in_the_group_did() {
    let mut group = group();
    assert_eq!(decide(&mut group, Txn::create("/a", "1")).unwrap().revision, 8);
    let second = decide(&mut group, Txn::create("/a", "2"));
    assert!(matches!(second, Err(CommitError::Conflict { current: Some(entry), .. }) if entry.mod_revision == 8));
    assert_eq!(decide(&mut group, Txn::update("/a", 8, "3")).unwrap().revision, 9);
    let (state, events) = group.finish();
    assert_eq!((state.revision, events.len()), (9, 2));
    assert_eq!(&state.map.get("/a").unwrap().value[..], b"3");
    assert_eq!(state.map.get("/a").unwrap().create_revision, 8);
}

#[test]
fn the_rows_tell_what_they_replace_and_where_a_transaction_ends() {
    let mut group = group();
    decide(&mut group, Txn::new().put("/a", "1").put("/b", "1").delete("/none", None)).unwrap();
    decide(&mut group, Txn::new().delete("/a", None).put("/b", "2")).unwrap();
    let (_, events) = group.finish();
    let told: Vec<_> = rows(&events, &[])
        .map(|row| {
            let replaces = row.replaces.map(|row| (row.revision(), row.place()));
            (row.key, (row.id.revision(), row.id.place()), row.kind, row.last, replaces)
        })
        .collect();
    let want = [
        ("/a", (8, 0), EventKind::Put, false, None),
        ("/b", (8, 1), EventKind::Put, true, None),
        ("/a", (9, 0), EventKind::Delete, false, Some((8, 0))),
        ("/b", (9, 1), EventKind::Put, true, Some((8, 1))),
    ];
    assert_eq!(told, want);
}

#[test]
fn a_key_that_is_created_again_begins_anew() {
    let mut group = group();
    decide(&mut group, Txn::create("/a", "1")).unwrap();
    let deleted = decide(&mut group, Txn::remove("/a", 8, None)).unwrap();
    let last = deleted.entries[0].as_ref().unwrap();
    assert_eq!((last.create_revision, last.mod_revision, &last.value[..]), (8, 9, &b"1"[..]));
    let again = decide(&mut group, Txn::create("/a", "2")).unwrap();
    assert_eq!(again.entries[0].as_ref().unwrap().create_revision, 10);
}

#[test]
fn a_template_is_filled_at_its_place() {
    let check = |json: &str, revision_at, want: &str| {
        let template = Template { json: json.into(), revision_at };
        assert_eq!(template.fill(1234), want.as_bytes());
    };
    check("ab", None, "ab");
    check("ab", Some(0), "1234ab");
    check("ab", Some(1), "a1234b");
    check("ab", Some(2), "ab1234");
}

#[test]
fn facts_are_made_once_from_the_template() {
    #[derive(Debug, PartialEq)]
    struct Length(usize);
    impl Attach for Length {
        fn attach(_key: &str, value: &[u8]) -> Self {
            Length(value.len())
        }
    }
    let mut group = Group::new(&Snapshot::new(Arc::new(State { map: Map::<Length>::new(), revision: 1 })));
    let template = Template { json: b"four".to_vec(), revision_at: Some(0) };
    let txn =
        Txn::new().put("/a", template.clone()).put_attached("/b", template.clone(), Length(99)).delete("/c", None);
    let done = group.decide(prepare(txn).unwrap()).unwrap();
    let facts: Vec<_> = done.entries.iter().map(|entry| entry.as_ref().map(|entry| entry.attached.0)).collect();
    assert_eq!(facts, [Some(4), Some(99), None]);
    let done = group.decide(prepare(Txn::remove("/a", 2, None).guard("/b", Expect::Present)).unwrap()).unwrap();
    assert_eq!(done.entries[0].as_ref().unwrap().attached, Length(5));
}

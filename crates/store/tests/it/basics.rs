//! Writing, reading, watching, reopening: one thing at a time.

use std::time::Duration;

use store::{CommitError, EventKind, Expect, InvalidTxn, Options, RevisionError, Store, Template, Txn, WatchError};

/// A store in a folder of its own.
struct World {
    store: Store<()>,
    folder: tempfile::TempDir,
}

fn open() -> World {
    let folder = tempfile::tempdir().unwrap();
    World { store: Store::open(folder.path().join("data"), &Options::default()).unwrap(), folder }
}

impl World {
    async fn reopen(self) -> World {
        self.store.close().await;
        let folder = self.folder;
        World { store: Store::open(folder.path().join("data"), &Options::default()).unwrap(), folder }
    }

    async fn put(&self, key: &str, value: &str) -> u64 {
        self.store.commit(Txn::new().put(key, value)).await.unwrap().revision
    }

    fn read(&self, key: &str) -> Option<String> {
        self.store.snapshot().get(key).map(|entry| String::from_utf8(entry.value.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn what_was_written_is_there_and_still_is_after_reopening() {
    let world = open();
    let created = world.store.commit(Txn::create("/a", "1")).await.unwrap();
    assert_eq!(created.revision, 2, "the first revision is 2, as etcd's");
    let updated = world.store.commit(Txn::update("/a", created.revision, "2")).await.unwrap();
    world.put("/b", "x").await;
    world.store.commit(Txn::remove("/b", 4, None)).await.unwrap();

    for world in [world] {
        let world = world.reopen().await;
        let snapshot = world.store.snapshot();
        let entry = snapshot.get("/a").unwrap();
        assert_eq!((entry.create_revision, entry.mod_revision), (created.revision, updated.revision));
        assert_eq!(world.read("/a").as_deref(), Some("2"));
        assert_eq!(world.read("/b"), None);
        assert_eq!(snapshot.revision(), 5);
    }
}

#[tokio::test]
async fn the_revision_is_spliced_in_on_disk_too() {
    let world = open();
    let value = Template { json: br#"{"v":""}"#.to_vec(), revision_at: Some(6) };
    world.store.commit(Txn::create("/a", value)).await.unwrap();
    let world = world.reopen().await;
    assert_eq!(world.read("/a").as_deref(), Some(r#"{"v":"2"}"#));
}

#[tokio::test]
async fn a_guard_that_does_not_hold_refuses_everything_and_shows_what_is() {
    let world = open();
    world.put("/a", "1").await;
    let txn = Txn::new().guard("/none", Expect::Absent).guard("/a", Expect::At(1)).put("/b", "2").put("/a", "2");
    match world.store.commit(txn).await {
        Err(CommitError::Conflict { key, expect: Expect::At(1), current: Some(entry) }) => {
            assert_eq!((key.as_str(), &entry.value[..]), ("/a", &b"1"[..]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((world.read("/b"), world.store.revision()), (None, 2));
    let absent = world.store.commit(Txn::new().guard("/b", Expect::Present).put("/b", "2")).await;
    assert!(matches!(absent, Err(CommitError::Conflict { current: None, .. })));
}

#[tokio::test]
async fn a_transaction_that_changes_nothing_takes_no_revision() {
    let world = open();
    let done = world.store.commit(Txn::new().delete("/none", None)).await.unwrap();
    assert_eq!((done.revision, done.entries.len(), world.store.revision()), (1, 1, 1));
    assert!(done.entries[0].is_none());
}

#[tokio::test]
async fn transactions_that_make_no_sense_are_refused() {
    let world = open();
    let check = async |txn, want| match world.store.commit(txn).await {
        Err(CommitError::Invalid(found)) => assert_eq!(found, want),
        other => panic!("{other:?}"),
    };
    check(Txn::new().put("", "x"), InvalidTxn::EmptyKey).await;
    check(Txn::new().put("/a", "x").delete("/a", None), InvalidTxn::DuplicateKey("/a".into())).await;
    let outside = Template { json: b"{}".to_vec(), revision_at: Some(3) };
    check(Txn::create("/a", outside), InvalidTxn::RevisionPlace { key: "/a".into(), at: 3, len: 2 }).await;
}

#[tokio::test]
async fn a_watch_tells_what_happened_in_order() {
    let world = open();
    world.put("/a/1", "old").await;
    let mut watcher = world.store.watch("/a/", 2).unwrap();
    world.put("/b/1", "elsewhere").await;
    world.store.commit(Txn::new().put("/a/2", "x").put("/a/1", "new")).await.unwrap();
    let last = Template { json: b"last ".to_vec(), revision_at: Some(5) };
    world.store.commit(Txn::new().delete("/a/1", Some(last))).await.unwrap();

    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(watcher.next().await.unwrap());
    }
    let told: Vec<_> = seen
        .iter()
        .map(|event| {
            let previous = event.previous.as_ref().map(|entry| entry.value.to_vec());
            (event.kind, event.key(), event.revision(), event.entry.value.to_vec(), previous)
        })
        .collect();
    let want = [
        (EventKind::Put, "/a/2", 4, b"x".to_vec(), None),
        (EventKind::Put, "/a/1", 4, b"new".to_vec(), Some(b"old".to_vec())),
        (EventKind::Delete, "/a/1", 5, b"last 5".to_vec(), Some(b"new".to_vec())),
    ];
    assert_eq!(told, want);
    assert!(watcher.take().unwrap().is_empty());
    world.put("/c", "").await;
    assert_eq!(watcher.progress(), 6, "a bookmark follows what other prefixes do");
    world.put("/a/3", "").await;
    assert_eq!(watcher.progress(), 6, "but not past what was not taken yet");
}

#[tokio::test]
async fn history_outlives_a_restart_and_ends_with_compaction() {
    let world = open();
    for value in ["1", "2", "3"] {
        world.put("/a", value).await;
    }
    let world = world.reopen().await;
    let old = world.store.snapshot_at(3).unwrap();
    assert_eq!(&old.get("/a").unwrap().value[..], b"2");
    assert_eq!(world.store.watch("/", 2).unwrap().take().unwrap().len(), 2);

    world.store.compact(3).await.unwrap();
    let gone = RevisionError::Compacted { asked: 2, oldest: 3 };
    assert_eq!(world.store.snapshot_at(2).err(), Some(gone));
    assert_eq!(world.store.watch("/", 2).err(), Some(gone));
    assert_eq!(world.store.snapshot_at(9).err(), Some(RevisionError::Future { asked: 9, current: 4 }));

    let world = world.reopen().await;
    assert_eq!(world.store.compacted_revision(), 3);
    assert_eq!(world.read("/a").as_deref(), Some("3"));
    assert_eq!(world.store.metrics().await.events, 1);
}

#[tokio::test]
async fn pages_of_a_list_show_one_moment_while_writers_go_on() {
    let world = open();
    for number in 0..30 {
        world.put(&format!("/a/{number:02}"), "old").await;
    }
    let moment = world.store.revision();
    let (mut keys, mut last) = (Vec::new(), None::<String>);
    for page in 0..4 {
        let snapshot = world.store.snapshot_at(moment).unwrap();
        for entry in snapshot.range("/a/", last.as_deref()).take(10) {
            assert_eq!(&entry.value[..], b"old");
            keys.push(entry.key.to_string());
        }
        last = keys.last().cloned();
        assert_eq!(snapshot.range("/a/", last.as_deref()).count(), 30 - keys.len(), "what remains");
        world.put(&format!("/a/{page}5"), "new").await;
        world.put(&format!("/a/{page}5x"), "new").await;
        world.store.commit(Txn::new().delete(format!("/a/{page}7"), None)).await.unwrap();
    }
    assert_eq!(keys, (0..30).map(|number| format!("/a/{number:02}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn waiting_for_a_revision_ends_with_it_or_with_patience() {
    let world = open();
    assert!(world.store.wait_for(1, Duration::ZERO).await);
    assert!(!world.store.wait_for(2, Duration::from_millis(1)).await);
    let waiting = world.store.wait_for(2, Duration::from_secs(60));
    let (reached, _) = tokio::join!(waiting, world.put("/a", "1"));
    assert!(reached);
}

#[tokio::test]
async fn after_close_writes_are_refused_and_watches_end() {
    let world = open();
    let mut watcher = world.store.watch("/", 1).unwrap();
    world.put("/a", "1").await;
    world.store.close().await;
    assert!(matches!(world.store.commit(Txn::create("/b", "1")).await, Err(CommitError::Closed)));
    assert_eq!(watcher.next().await.unwrap().len(), 1);
    assert_eq!(watcher.next().await.err(), Some(WatchError::Closed));
    assert_eq!(world.read("/a").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_backup_restores_to_a_higher_revision() {
    let world = open();
    world.put("/a", "1").await;
    world.put("/gone", "1").await;
    world.store.commit(Txn::new().delete("/gone", None)).await.unwrap();
    world.put("/a", "2").await;
    let (copy, folder) = (world.folder.path().join("copy"), world.folder.path().join("restored"));
    let backup = world.store.backup(&copy).await.unwrap();
    assert_eq!((backup.revision, backup.bytes), (5, std::fs::metadata(&copy).unwrap().len()));
    assert!(world.store.backup(&copy).await.is_err(), "a backup overwrites nothing");

    let restored = store::restore(&copy, &folder).unwrap();
    assert_eq!((restored.revision, restored.keys), (5 + store::REVISION_BUMP, 1));
    let store: Store<()> = Store::open(&folder, &Options::default()).unwrap();
    let entry = store.snapshot().get("/a").cloned().unwrap();
    assert_eq!((entry.mod_revision, &entry.value[..]), (5, &b"2"[..]));
    assert!(matches!(store.watch("/", 5), Err(RevisionError::Compacted { .. })));
    let next = store.commit(Txn::update("/a", 5, "3")).await.unwrap();
    assert_eq!(next.revision, restored.revision + 1);
    assert!(store::restore(&copy, &folder).is_err(), "a restore overwrites nothing");
}

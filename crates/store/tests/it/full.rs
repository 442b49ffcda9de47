//! No room: writes are refused with a clear error, reads and watches go on, and writes do again once there is room.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use store::{CommitError, Options, Store, Txn};

use crate::model::shown;

/// Writes the next number under `key` until the store is full; returns the last number it acknowledged.
async fn fill(store: &Store<()>, key: &str, from: usize) -> usize {
    for number in from.. {
        assert!(number < from + 20_000, "the store does not get full");
        match store.commit(Txn::new().put(key, format!("{number} {}", "x".repeat(4000)))).await {
            Ok(_) => {}
            Err(CommitError::Full(source)) => {
                assert!(source.is_full() && source.source().is_some());
                return number - 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    unreachable!()
}

fn number(store: &Store<()>, key: &str) -> usize {
    let value = store.snapshot().get(key).unwrap().value.clone();
    String::from_utf8(value.to_vec()).unwrap().split(' ').next().unwrap().parse().unwrap()
}

/// Fills the store, and looks at everything that has to go on; returns the last number acknowledged.
async fn check_full(store: &Store<()>) -> usize {
    let before = store.revision();
    let mut watcher = store.watch("/a", before).unwrap();
    let last = fill(store, "/a", 1).await;
    let end = store.revision();
    assert_eq!(end, before + last as u64, "a refused write takes no revision");
    assert_eq!(number(store, "/a"), last);
    assert_eq!(store.snapshot_at(end - 1).unwrap().revision(), end - 1);
    let mut seen = 0;
    while watcher.progress() < end {
        seen += watcher.take().unwrap().len();
    }
    assert_eq!(seen, last);
    assert!(store.metrics().await.failures > 0);
    last
}

#[tokio::test]
async fn a_store_at_its_limit_refuses_writes_until_it_is_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_database_bytes: Some(1 << 20), ..Options::default() };
    let store: Store<()> = Store::open(folder.path(), &options).unwrap();
    let last = check_full(&store).await;
    store.compact(store.revision()).await.unwrap();
    let state = shown(&store.snapshot());
    let more = fill(&store, "/b", 1).await;
    assert!(more > 100, "compaction has made room for {more}");
    store.close().await;
    drop(store);

    let store: Store<()> = Store::open(folder.path(), &Options::default()).unwrap();
    assert_eq!((number(&store, "/a"), number(&store, "/b")), (last, more));
    assert_eq!(shown(&store.snapshot())["/a"], state["/a"]);
    store.commit(Txn::create("/c", "a higher limit makes room too")).await.unwrap();
}

const CHILD: &str = "HAKATA_STORE_FULL_CHILD";

/// On a file system of two megabytes, in a mount namespace of the child's own, which goes with it.
#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(on_a_small_disk(Path::new(&folder)));
    }
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]).args(arguments);
        command
    };
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=2m tmpfs '{}'", folder.path().display());
    let can = unshare(&[&mount]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|done| done.success());
    if !can {
        println!("skipped: mounting a small file system needs root and unshare(1)");
        return;
    }
    let test = "full::a_full_disk_refuses_writes_until_there_is_room";
    let script = format!("{mount} && exec \"$0\" --exact {test} --nocapture");
    let itself = std::env::current_exe().unwrap();
    let done = unshare(&[&script, itself.to_str().unwrap()]).env(CHILD, folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn on_a_small_disk(folder: &Path) {
    let (data, ballast) = (folder.join("data"), folder.join("ballast"));
    fs::write(&ballast, vec![0; 700_000]).unwrap();
    let store: Store<()> = Store::open(&data, &Options::default()).unwrap();
    let last = check_full(&store).await;
    let refused = store.commit(Txn::create("/small", "x".repeat(100_000))).await;
    assert!(matches!(refused, Err(CommitError::Full(_))), "{refused:?}");

    fs::remove_file(&ballast).unwrap();
    store.commit(Txn::create("/b", "there is room")).await.unwrap();
    let last = fill(&store, "/a", last + 1).await;
    let state = shown(&store.snapshot());
    store.close().await;
    drop(store);

    let store: Store<()> = Store::open(&data, &Options::default()).unwrap();
    assert_eq!(number(&store, "/a"), last);
    assert_eq!(shown(&store.snapshot()), state);
}

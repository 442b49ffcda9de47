//! Damaged files: either a store opens and shows exactly what was written, or it says what is wrong and what to do.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use store::{OpenError, Options, Store, Txn};

use crate::model::{State, shown};
use crate::random::{Random, seed};

/// What a store has to show.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    state: State,
    revision: u64,
    compacted: u64,
}

/// Opens the store; `None` if it refuses with an error that helps.
fn open(folder: &Path) -> Option<Shown> {
    match Store::<()>::open(folder, &Options::default()) {
        Ok(store) => Some(Shown {
            state: shown(&store.snapshot()),
            revision: store.revision(),
            compacted: store.compacted_revision(),
        }),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("state.db"), "the file is named: {text}");
            let helps = ["restore the last backup", "not a store of this program", "use the version that wrote it"];
            assert!(helps.iter().any(|help| text.contains(help)), "it says what to do: {error:?}");
            None
        }
    }
}

/// A store with live, replaced, deleted and compacted rows; closed, or left as a killed process leaves it.
async fn make(folder: &Path, clean: bool) -> PathBuf {
    let data = folder.join("data");
    let store: Store<()> = Store::open(&data, &Options::default()).unwrap();
    for number in 0..300 {
        let txn = Txn::new().put(format!("/{}", number % 40), format!("{number} {}", "x".repeat(number % 90 * 20)));
        store.commit(txn).await.unwrap();
        if number % 7 == 0 {
            store.commit(Txn::new().delete(format!("/{}", number % 30), None)).await.unwrap();
        }
        if number == 200 {
            store.compact(store.revision() - 50).await.unwrap();
        }
    }
    if clean {
        store.close().await;
        return data;
    }
    let killed = folder.join("killed");
    copy(&data, &killed);
    killed
}

fn copy(from: &Path, to: &Path) {
    fs::remove_dir_all(to).ok();
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Damages copies of `file` in `times` ways; returns how many were refused.
fn check(pristine: &Path, file: &str, times: usize, damage: &mut dyn FnMut(&File, u64)) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    copy(pristine, &data);
    let want = open(&data).expect("nothing is damaged yet");
    let mut refused = 0;
    for _ in 0..times {
        copy(pristine, &data);
        let file = File::options().read(true).write(true).open(data.join(file)).unwrap();
        damage(&file, file.metadata().unwrap().len());
        match open(&data) {
            Some(shown) => assert!(shown == want, "the damage went unnoticed, revision {}", shown.revision),
            None => refused += 1,
        }
    }
    refused
}

fn flip(random: &mut Random, file: &File, len: u64) {
    let at = random.next() % len;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    byte[0] ^= 1 << random.below(8);
    file.write_all_at(&byte, at).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_noticed_or_does_no_harm() {
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let pristine = make(folder.path(), true).await;
    let refused = check(&pristine, "state.db", 150, &mut |file, len| flip(&mut random, file, len));
    assert!(refused > 50, "{refused} of 150");
    // Most of what steers the file stands at its begin.
    check(&pristine, "state.db", 150, &mut |file, _| flip(&mut random, file, 600));
}

#[tokio::test]
async fn a_shortened_file_is_noticed() {
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let pristine = make(folder.path(), true).await;
    let refused = check(&pristine, "state.db", 40, &mut |file, len| file.set_len(random.next() % len).unwrap());
    assert_eq!(refused, 40);
    assert_eq!(check(&pristine, "state.db", 1, &mut |file, _| file.set_len(0).unwrap()), 1);
}

#[tokio::test]
async fn a_damaged_write_ahead_log_is_noticed_or_does_no_harm() {
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let pristine = make(folder.path(), false).await;
    let refused = check(&pristine, "state.db-wal", 60, &mut |file, len| flip(&mut random, file, len));
    assert!(refused > 20, "{refused} of 60");
    let refused = check(&pristine, "state.db-wal", 20, &mut |file, len| file.set_len(random.next() % len).unwrap());
    assert_eq!(refused, 20);
}

#[tokio::test]
async fn a_lost_end_can_be_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let data = make(folder.path(), false).await;
    File::options().write(true).open(data.join("state.db-wal")).unwrap().set_len(100_000).unwrap();
    let Err(OpenError::Lost { marker, found, acknowledged, .. }) = Store::<()>::open(&data, &Options::default()) else {
        panic!("it should have been noticed");
    };
    assert!(found < acknowledged);
    fs::remove_file(marker).unwrap();
    assert_eq!(open(&data).unwrap().revision, found);
}

#[test]
fn other_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8], want: &str| {
        fs::write(folder.path().join("state.db"), bytes).unwrap();
        let error = Store::<()>::open(folder.path(), &Options::default()).err().unwrap().to_string();
        assert!(error.contains(want), "{error}");
    };
    check(&b"hello world\n".repeat(100), "is damaged");
    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    check(&fs::read(&other).unwrap(), "is not a store of this program");

    let mine = folder.path().join("mine");
    drop(Store::<()>::open(&mine, &Options::default()).unwrap());
    rusqlite::Connection::open(mine.join("state.db")).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let error = Store::<()>::open(&mine, &Options::default()).err().unwrap().to_string();
    assert!(error.contains("has format 2, this version knows format 1"), "{error}");
}

#[test]
fn one_process_at_a_time_and_no_other_user() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a/b");
    let store = Store::<()>::open(&data, &Options::default()).unwrap();
    let error = Store::<()>::open(&data, &Options::default()).err().unwrap().to_string();
    assert!(error.contains(data.to_str().unwrap()), "{error}");
    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");

    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    drop(store);
    Store::<()>::open(&data, &Options::default()).unwrap();
}

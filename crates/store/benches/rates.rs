//! How fast the store is on this machine, next to a plain upserted SQLite table in the same run.
//!
//! `cargo bench -p store` prints one line for each measurement; `-- SECONDS` changes how long each write measurement
//! takes (4 by default). The folder is made in `HAKATA_BENCH_DIR`, else in the system's temporary folder: it should
//! lie on a real disk, since a write waits for one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and stops at the first error")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store::{Options, Store, Template, Txn};
use tokio::task::JoinSet;

/// About the size of a small object.
const VALUE: usize = 1024;
/// Into how many turns a write measurement is cut.
const TURNS: u32 = 8;
/// Objects in the lists.
const OBJECTS: usize = 100_000;
/// Tells a child of this program which store to weigh.
const WEIGH: &str = "HAKATA_BENCH_WEIGH";

#[tokio::main]
async fn main() {
    if let Some(folder) = std::env::var_os(WEIGH) {
        return weigh(&folder);
    }
    let seconds = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(4);
    let time = Duration::from_secs(seconds);
    let parent = std::env::var_os("HAKATA_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(parent).unwrap();
    for writers in [1, 16, 64] {
        let (mut ours, mut plain) = (Rate::default(), Rate::default());
        // By turns, because a disk has better and worse moments.
        for turn in 0..TURNS {
            let place = |name| folder.path().join(format!("{name}-{writers}-{turn}"));
            ours.add(writes(&place("store"), writers, time / TURNS).await);
            plain.add(plain_upserts(&place("plain"), writers, time / TURNS));
        }
        println!("{:<36} {ours}", format!("store, {writers} writers"));
        println!("{:<36} {plain}", format!("plain upsert table, {writers} threads"));
        println!("{:<36} {:>9.1}×", "  ratio", ours.rate() / plain.rate());
    }
    reads(&folder.path().join("reads")).await;
}

/// Writes a second, and how long single ones took.
#[derive(Default)]
struct Rate {
    times: Vec<Duration>,
    elapsed: Duration,
    note: String,
}

impl Rate {
    fn add(&mut self, turn: Rate) {
        self.times.extend(turn.times);
        self.elapsed += turn.elapsed;
        self.note = turn.note;
    }

    fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        write!(f, "{:>9.0}/s  median {:>9.2?}  p99 {:>9.2?}  {}", self.rate(), at(0.5), at(0.99), self.note)
    }
}

fn key(number: u64) -> String {
    format!("/registry/pods/namespace-{}/pod-{number:08}", number % 100)
}

fn value() -> Template {
    Template { json: vec![b'x'; VALUE], revision_at: Some(100) }
}

/// Each writer creates new keys, one after the other.
async fn writes(folder: &Path, writers: usize, time: Duration) -> Rate {
    let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
    let numbers = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let (store, numbers) = (store.clone(), Arc::clone(&numbers));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while begun.elapsed() < time {
                let before = Instant::now();
                let key = key(numbers.fetch_add(1, Ordering::Relaxed));
                store.commit(Txn::create(key, value())).await.unwrap();
                times.push(before.elapsed());
            }
            times
        });
    }
    let times = tasks.join_all().await.concat();
    let elapsed = begun.elapsed();
    let metrics = store.metrics().await;
    let note = format!(
        "{:.1} a group, WAL {} MB, database {} MB",
        metrics.commits as f64 / metrics.groups as f64,
        metrics.wal_bytes >> 20,
        metrics.database_bytes >> 20
    );
    store.close().await;
    Rate { times, elapsed, note }
}

/// Threads upsert into a keyed table, each write a transaction of its own, with SQLite's own checkpoints.
fn plain_upserts(file: &Path, threads: usize, time: Duration) -> Rate {
    let database = rusqlite::Connection::open(file).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE objects (key TEXT PRIMARY KEY, revision INTEGER, value BLOB) WITHOUT ROWID;",
        )
        .unwrap();
    let database = Mutex::new(database);
    let numbers = AtomicU64::new(0);
    let value = vec![b'x'; VALUE];
    let begun = Instant::now();
    let work = || {
        let mut times = Vec::new();
        while begun.elapsed() < time {
            let before = Instant::now();
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let database = database.lock().unwrap();
            let mut upsert = database
                .prepare_cached(
                    "INSERT INTO objects VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value",
                )
                .unwrap();
            upsert.execute((key(number), number.cast_signed(), &value)).unwrap();
            times.push(before.elapsed());
        }
        times
    };
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    Rate { times, elapsed: begun.elapsed(), note: String::new() }
}

/// Lists, counts, old snapshots, memory, fan-out and opening, over many objects.
async fn reads(folder: &Path) {
    let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
    let mut tasks = JoinSet::new();
    for first in 0..64 {
        let store = store.clone();
        tasks.spawn(async move {
            for number in (first..OBJECTS as u64).step_by(64) {
                store.commit(Txn::create(key(number), value())).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let (half, last) = (store.revision() - OBJECTS as u64 / 2, store.revision());

    measure("snapshot", 1_000_000, || store.snapshot().revision());
    measure("get", 1_000_000, || store.snapshot().get("/registry/pods/namespace-7/pod-00000007").is_some());
    let list = || store.snapshot().range("/registry/", None).map(|entry| entry.value.len()).sum::<usize>();
    measure("list of 100,000, adding up sizes", 20, list);
    measure("count of 100,000", 20, || store.snapshot().count("/registry/"));
    measure("snapshot 50,000 events ago, first", 1, || store.snapshot_at(half).unwrap().revision());
    measure("the same again", 1000, || store.snapshot_at(half).unwrap().revision());
    measure("watch 100 events back, then drop", 1000, || store.watch("/registry/", last - 100).unwrap().take().is_ok());
    fan_out(&store).await;

    store.close().await;
    drop(store);
    let begun = Instant::now();
    let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
    println!("{:<36} {:>12.2?}", "open with 100,000", begun.elapsed());
    store.compact(store.revision()).await.unwrap();
    store.close().await;
    let child = std::process::Command::new(std::env::current_exe().unwrap()).env(WEIGH, folder).status();
    assert!(child.unwrap().success());
}

/// In a process of its own, where no other memory is in the way: what the open store of [`reads`] weighs.
fn weigh(folder: &OsStr) {
    let empty = tempfile::tempdir().unwrap();
    let _warm: Store<()> = Store::open(empty.path(), &Options::default()).unwrap();
    let before = resident();
    let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
    let each = (resident() - before) as usize / store.snapshot().len();
    let beyond = each - VALUE - key(0).len();
    println!("{:<36} {beyond:>12} bytes, page cache and all", "memory beyond key and value, an entry");
}

/// Thousands of watchers of one prefix, and as many of others that are never concerned.
async fn fan_out(store: &Store<()>) {
    const WATCHERS: usize = 5000;
    const EVENTS: usize = 20;
    let after = store.revision();
    let mut tasks = JoinSet::new();
    for number in 0..WATCHERS {
        let mut elsewhere = store.watch(&format!("/elsewhere/{number}/"), after).unwrap();
        let mut watcher = store.watch("/fan/", after).unwrap();
        tasks.spawn(async move {
            let mut seen = 0;
            while seen < EVENTS {
                seen += watcher.next().await.unwrap().len();
            }
            elsewhere.take().unwrap().len()
        });
    }
    let begun = Instant::now();
    for number in 0..EVENTS {
        store.commit(Txn::create(format!("/fan/{number}"), value())).await.unwrap();
    }
    tasks.join_all().await;
    let each = begun.elapsed() / (WATCHERS * EVENTS) as u32;
    println!("{:<36} {each:>12.2?} an event and watcher", "fan-out of 20 events to 5,000");
}

fn measure<R>(what: &str, times: u32, mut work: impl FnMut() -> R) {
    let begun = Instant::now();
    for _ in 0..times {
        std::hint::black_box(work());
    }
    println!("{what:<36} {:>12.2?}", begun.elapsed() / times);
}

/// Resident memory of the process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

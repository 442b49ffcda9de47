//! The model: transactions are applied one after the other to a plain map, and everything is kept.
//!
//! Random writers work on the store at once; what each was answered is put in the order of the revisions and applied
//! to the model. Then every snapshot, every watch and every guard's outcome must be what the model says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::{CommitError, EventKind, Expect, Options, RevisionError, Snapshot, Store, Template, Txn, Watcher};
use tokio::task::JoinSet;

use crate::random::{Random, seed};

/// A live entry as the model has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) value: String,
    pub(crate) create_revision: u64,
    pub(crate) mod_revision: u64,
}

/// One change: the key, and the value written; `None` is a deletion.
pub(crate) type Change = (String, Option<String>);

pub(crate) type State = BTreeMap<String, Live>;

/// Applies one transaction to a state.
pub(crate) fn apply(state: &mut State, revision: u64, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => {
                let create_revision = state.get(key).map_or(revision, |live| live.create_revision);
                state.insert(key.clone(), Live { value: value.clone(), create_revision, mod_revision: revision });
            }
            None => {
                state.remove(key);
            }
        }
    }
}

/// What a snapshot of the store shows, in the model's terms.
pub(crate) fn shown(snapshot: &Snapshot<()>) -> State {
    let live = |entry: &Arc<store::Entry<()>>| Live {
        value: String::from_utf8(entry.value.to_vec()).unwrap(),
        create_revision: entry.create_revision,
        mod_revision: entry.mod_revision,
    };
    snapshot.range("", None).map(|entry| (entry.key.to_string(), live(entry))).collect()
}

/// A transaction of a writer: what it expects and what it changes.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) expects: Vec<(String, Expect)>,
    pub(crate) changes: Vec<Change>,
}

impl Attempt {
    /// A random one, mostly guarded by what the store shows now, so that most succeed and some do not.
    pub(crate) fn random(random: &mut Random, snapshot: &Snapshot<()>, mark: &str) -> Attempt {
        let count = if random.once_in(4) { 1 + random.below(4) } else { 1 };
        let mut attempt = Attempt { expects: Vec::new(), changes: Vec::new() };
        let mut keys: Vec<String> = (0..count).map(|_| format!("/{}/{}", random.below(3), random.below(12))).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let current = snapshot.get(&key).map(|entry| entry.mod_revision);
            match (random.below(8), current) {
                (0, _) => {}
                (_, Some(revision)) => attempt.expects.push((key.clone(), Expect::At(revision))),
                (_, None) => attempt.expects.push((key.clone(), Expect::Absent)),
            }
            let delete = current.is_some() && random.once_in(3);
            let padding = "x".repeat(if random.once_in(50) { 20_000 } else { random.below(300) });
            attempt.changes.push((key, (!delete).then(|| format!("{mark} {padding}"))));
        }
        attempt
    }

    pub(crate) fn txn(&self) -> Txn<()> {
        let mut txn = Txn::new();
        for (key, expect) in &self.expects {
            txn = txn.guard(key.as_str(), *expect);
        }
        for (key, value) in &self.changes {
            txn = match value {
                Some(value) => txn.put(key.as_str(), value.as_str()),
                None => txn.delete(key.as_str(), Some(Template::from("last"))),
            };
        }
        txn
    }
}

/// What the store answered, by revision; those that changed nothing are left out.
type Log = Arc<Mutex<BTreeMap<u64, Attempt>>>;

const WRITERS: usize = 8;
const EACH: usize = 150;

/// One writer's work; it takes snapshots on the way.
async fn write(store: Store<()>, log: Log, mut random: Random, name: usize) -> Vec<Snapshot<()>> {
    let mut snapshots = Vec::new();
    for number in 0..EACH {
        let snapshot = store.snapshot();
        let attempt = Attempt::random(&mut random, &snapshot, &format!("{name}.{number}"));
        if random.once_in(10) {
            snapshots.push(snapshot);
        }
        let before = store.revision();
        match store.commit(attempt.txn()).await {
            Ok(done) if done.entries.iter().any(Option::is_some) => {
                assert!(done.revision > before, "a revision is new");
                let changed = done.entries.iter().zip(&attempt.changes).filter(|(entry, _)| entry.is_some());
                let changes = changed.map(|(_, change)| change.clone()).collect();
                let taken = log.lock().unwrap().insert(done.revision, Attempt { changes, ..attempt });
                assert!(taken.is_none(), "two transactions have revision {}", done.revision);
            }
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    snapshots
}

/// Follows a prefix until it has seen `last`, and checks the order of what it sees.
async fn follow(mut watcher: Watcher<()>, store: Store<()>, end: Arc<tokio::sync::Notify>) -> Vec<(u64, Change)> {
    let mut seen: Vec<(u64, Change)> = Vec::new();
    loop {
        let ended = tokio::select! {
            events = watcher.next() => { record(&mut seen, &events.unwrap()); false }
            () = end.notified() => true,
        };
        if ended {
            end.notify_one();
            let last = store.revision();
            while watcher.progress() < last {
                record(&mut seen, &watcher.take().unwrap());
            }
            return seen;
        }
    }
}

fn record(seen: &mut Vec<(u64, Change)>, events: &[Arc<store::Event<()>>]) {
    for event in events {
        let value = String::from_utf8(event.entry.value.to_vec()).unwrap();
        let value = (event.kind == EventKind::Put).then_some(value);
        assert!(seen.last().is_none_or(|(revision, _)| *revision <= event.revision()), "revisions go up");
        assert!(event.previous.as_ref().is_none_or(|previous| previous.mod_revision < event.revision()));
        seen.push((event.revision(), (event.key().to_owned(), value)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_what_the_model_says() {
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let store: Store<()> = Store::open(folder.path(), &Options::default()).unwrap();
    let log = Log::default();
    let end = Arc::new(tokio::sync::Notify::new());

    let mut followers = JoinSet::new();
    for prefix in ["", "/1/", "/1/1", "/2/3", "/none/"] {
        let (watcher, store, end) = (store.watch(prefix, 1).unwrap(), store.clone(), Arc::clone(&end));
        followers.spawn(async move { (prefix, follow(watcher, store, end).await) });
    }
    let mut writers = JoinSet::new();
    for name in 0..WRITERS {
        writers.spawn(write(store.clone(), Arc::clone(&log), Random::new(random.next()), name));
    }
    let snapshots = writers.join_all().await.concat();
    end.notify_one();
    let seen = followers.join_all().await;

    let log = std::mem::take(&mut *log.lock().unwrap());
    let states = check_log(&log);
    assert_eq!(store.revision(), *states.last_key_value().unwrap().0);
    for (prefix, seen) in seen {
        check_watch(prefix, &seen, &log);
    }
    for snapshot in &snapshots {
        assert_eq!(shown(snapshot), states[&snapshot.revision()], "revision {}", snapshot.revision());
    }
    check_past(&store, &states, &mut random);

    store.close().await;
    drop(store);
    let store: Store<()> = Store::open(folder.path(), &Options::default()).unwrap();
    check_past(&store, &states, &mut random);
    check_compaction(store, folder.path(), &states).await;
}

/// Revisions have no gap, and each transaction's guards held in the state before it. Returns all states.
fn check_log(log: &BTreeMap<u64, Attempt>) -> BTreeMap<u64, State> {
    let mut state = State::new();
    let mut states = BTreeMap::from([(1, state.clone())]);
    for (number, (&revision, attempt)) in log.iter().enumerate() {
        assert_eq!(revision, number as u64 + 2);
        for (key, expect) in &attempt.expects {
            let current = state.get(key).map(|live| live.mod_revision);
            let held = match expect {
                Expect::Absent => current.is_none(),
                Expect::Present => current.is_some(),
                Expect::At(revision) => current == Some(*revision),
            };
            assert!(held, "{key} was not {expect:?} before revision {revision}");
        }
        apply(&mut state, revision, &attempt.changes);
        states.insert(revision, state.clone());
    }
    states
}

fn check_watch(prefix: &str, seen: &[(u64, Change)], log: &BTreeMap<u64, Attempt>) {
    let all =
        log.iter().flat_map(|(revision, attempt)| attempt.changes.iter().map(|change| (*revision, change.clone())));
    let want: Vec<_> = all.filter(|(_, (key, _))| key.starts_with(prefix)).collect();
    assert_eq!(seen, want, "a watch of {prefix:?}");
}

/// Any revision can be listed, in any order.
fn check_past(store: &Store<()>, states: &BTreeMap<u64, State>, random: &mut Random) {
    for _ in 0..60 {
        let revision = 1 + random.below(states.len()) as u64;
        assert_eq!(shown(&store.snapshot_at(revision).unwrap()), states[&revision], "revision {revision}");
    }
}

/// After compaction the present is the same, and the past begins where it was asked to.
async fn check_compaction(store: Store<()>, folder: &std::path::Path, states: &BTreeMap<u64, State>) {
    let last = store.revision();
    let floor = last - 20;
    store.compact(floor).await.unwrap();
    let gone = RevisionError::Compacted { asked: floor - 1, oldest: floor };
    assert_eq!(store.snapshot_at(floor - 1).err(), Some(gone));
    let metrics = store.metrics().await;
    store.close().await;
    drop(store);
    let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
    for revision in floor..=last {
        assert_eq!(shown(&store.snapshot_at(revision).unwrap()), states[&revision]);
    }
    assert!(metrics.compacted_rows > 0);
    assert!(store.wait_for(last, Duration::ZERO).await);
}

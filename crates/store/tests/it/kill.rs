//! `kill -9` at any moment, again and again: nothing acknowledged is missing, nothing refused is there, revisions
//! never go back.
//!
//! The test runs itself as a child that writes with many writers and keeps a journal of what it asks for and what it
//! is answered (what a process has written to a file outlives its being killed). The parent kills it, opens what it
//! left, and compares with the model. Rounds: `HAKATA_SOAK_ROUNDS`, 25 without it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store::{CommitError, EventKind, Options, Store};

use crate::model::{Attempt, Change, State, apply, shown};
use crate::random::{Random, seed};

const CHILD: &str = "HAKATA_STORE_KILL_CHILD";
const WRITERS: usize = 8;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_refused_is_there() {
    if let Some(world) = std::env::var_os(CHILD) {
        return be_killed(Path::new(&world));
    }
    let rounds = std::env::var("HAKATA_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25);
    let mut random = Random::new(seed());
    let folder = tempfile::tempdir().unwrap();
    let mut model = Model { revision: 1, state: State::new() };
    let (mut acknowledged, mut adopted) = (0, 0);
    for round in 0..rounds {
        let world = World::new(folder.path(), round);
        let child = world.spawn(random.next());
        world.kill(child, &mut random);
        let journal = Journal::read(&world.journal);
        acknowledged += journal.done.len();
        adopted += model.check(&world.left_behind(), journal);
    }
    println!("{rounds} rounds, {acknowledged} writes acknowledged, {adopted} done but not answered");
    assert!(rounds < 5 || acknowledged > 0);
}

/// One round's files.
struct World {
    folder: PathBuf,
    data: PathBuf,
    journal: PathBuf,
    round: usize,
}

impl World {
    fn new(folder: &Path, round: usize) -> World {
        let (data, journal) = (folder.join("data"), folder.join("journal"));
        fs::write(&journal, b"").unwrap();
        World { folder: folder.to_owned(), data, journal, round }
    }

    fn spawn(&self, seed: u64) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::nothing_acknowledged_is_lost_and_nothing_refused_is_there", "--nocapture"])
            .env(CHILD, &self.folder)
            .env("HAKATA_SEED", seed.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Kills the child at once, while it opens, or somewhere in its work.
    fn kill(&self, mut child: Child, random: &mut Random) {
        let working = !random.once_in(5);
        let begun = Instant::now();
        while working && fs::metadata(&self.journal).unwrap().len() < 1000 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the child does not begin");
            assert!(child.try_wait().unwrap().is_none(), "the child has ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(random.next() % 100_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The folder to look at: mostly a copy, so that the next child finds what the killed one left.
    fn left_behind(&self) -> PathBuf {
        if self.round % 5 == 4 {
            return self.data.clone();
        }
        let copy = self.folder.join(format!("copy-{}", self.round));
        fs::create_dir_all(&copy).unwrap();
        fs::create_dir_all(&self.data).unwrap();
        for file in fs::read_dir(&self.data).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        copy
    }
}

/// What the store has to show.
struct Model {
    revision: u64,
    state: State,
}

impl Model {
    /// Compares the store in `folder` with what its writers were told; returns how many writes were done unanswered.
    fn check(&mut self, folder: &Path, mut journal: Journal) -> usize {
        let store: Store<()> = Store::open(folder, &Options::default()).unwrap();
        let end = store.revision();
        let told = journal.done.last_key_value().map_or(self.revision, |(revision, _)| *revision);
        assert!(end >= told, "revision {told} was acknowledged, the store ends at {end}");
        let mut events = events_after(&store, store.compacted_revision().max(self.revision));
        let mut adopted = 0;
        for revision in self.revision + 1..=end {
            let found = events.remove(&revision);
            let changes = match (journal.done.remove(&revision), found) {
                (Some(told), None) => told,
                (Some(told), Some(found)) => {
                    assert_eq!(told, found, "revision {revision}");
                    told
                }
                (None, Some(found)) => {
                    adopted += 1;
                    journal.adopt(&self.state, revision, found)
                }
                (None, None) => panic!("revision {revision} was compacted, but nobody was told of it"),
            };
            apply(&mut self.state, revision, &changes);
        }
        self.revision = end;
        assert_eq!(shown(&store.snapshot()), self.state);
        adopted
    }
}

fn events_after(store: &Store<()>, revision: u64) -> BTreeMap<u64, Vec<Change>> {
    let mut watcher = store.watch("", revision).unwrap();
    let mut found: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
    while watcher.progress() < store.revision() {
        for event in watcher.take().unwrap() {
            let value = String::from_utf8(event.entry.value.to_vec()).unwrap();
            let change = (event.key().to_owned(), (event.kind == EventKind::Put).then_some(value));
            found.entry(event.revision()).or_default().push(change);
        }
    }
    found
}

/// What one child asked for and was told.
#[derive(Default)]
struct Journal {
    done: BTreeMap<u64, Vec<Change>>,
    unanswered: BTreeMap<String, Vec<Change>>,
}

impl Journal {
    fn read(path: &Path) -> Journal {
        let text = fs::read_to_string(path).unwrap();
        let mut journal = Journal::default();
        // The last line may have been cut by the kill: then it is not yet said.
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let mut fields = line.split('\t');
            let (what, name) = (fields.next().unwrap(), fields.next().unwrap().to_owned());
            match what {
                "ask" => {
                    let changes = fields.map(parse).collect();
                    journal.unanswered.insert(name, changes);
                }
                "refused" => drop(journal.unanswered.remove(&name)),
                "done" => {
                    let revision = fields.next().unwrap().parse().unwrap();
                    let asked = journal.unanswered.remove(&name).unwrap();
                    let effects = fields.next().unwrap().chars();
                    let changes: Vec<_> =
                        asked.into_iter().zip(effects).filter(|(_, effect)| *effect == '1').map(|(c, _)| c).collect();
                    if !changes.is_empty() {
                        journal.done.insert(revision, changes);
                    }
                }
                other => panic!("{other}"),
            }
        }
        journal
    }

    /// Takes out the unanswered transaction that did `found`; there must be one.
    fn adopt(&mut self, state: &State, revision: u64, found: Vec<Change>) -> Vec<Change> {
        let effect = |changes: &[Change]| -> Vec<Change> {
            changes.iter().filter(|(key, value)| value.is_some() || state.contains_key(key)).cloned().collect()
        };
        let name = self.unanswered.iter().find(|(_, changes)| effect(changes) == found).map(|(name, _)| name.clone());
        let name =
            name.unwrap_or_else(|| panic!("revision {revision} does what was refused or never asked: {found:?}"));
        self.unanswered.remove(&name);
        found
    }
}

fn parse(field: &str) -> Change {
    match field.split_once('=').unwrap() {
        (key, "-") => (key.to_owned(), None),
        (key, value) => (key.to_owned(), Some(value[1..].to_owned())),
    }
}

fn print((key, value): &Change) -> String {
    match value {
        None => format!("{key}=-"),
        Some(value) => format!("{key}=+{value}"),
    }
}

// === The child ===

/// Writes until somebody ends the process.
fn be_killed(world: &Path) {
    let journal = Arc::new(Mutex::new(OpenOptions::new().append(true).open(world.join("journal")).unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut random = Random::new(seed());
    runtime.block_on(async {
        let store: Store<()> = Store::open(world.join("data"), &Options::default()).unwrap();
        let writers =
            (0..WRITERS).map(|name| write(store.clone(), Arc::clone(&journal), Random::new(random.next()), name));
        let writers: Vec<_> = writers.map(tokio::spawn).collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
    panic!("nobody has killed the child");
}

async fn write(store: Store<()>, journal: Arc<Mutex<File>>, mut random: Random, name: usize) {
    let say = |line: String| journal.lock().unwrap().write_all(line.as_bytes()).unwrap();
    let begun = Instant::now();
    for number in 0.. {
        if begun.elapsed() > Duration::from_secs(60) {
            return;
        }
        // Far enough behind that no unanswered write is compacted before the parent has seen it.
        if name == 0 && random.once_in(50) {
            store.compact(store.revision().saturating_sub(100)).await.unwrap();
        }
        let name = format!("{name}.{number}.{}", std::process::id());
        let attempt = Attempt::random(&mut random, &store.snapshot(), &name);
        let asked: Vec<String> = attempt.changes.iter().map(print).collect();
        say(format!("ask\t{name}\t{}\n", asked.join("\t")));
        match store.commit(attempt.txn()).await {
            Ok(done) => {
                let effects: String =
                    done.entries.iter().map(|entry| if entry.is_some() { '1' } else { '0' }).collect();
                say(format!("done\t{name}\t{}\t{effects}\n", done.revision));
            }
            Err(CommitError::Conflict { .. }) => say(format!("refused\t{name}\n")),
            Err(error) => panic!("{error:?}"),
        }
    }
}

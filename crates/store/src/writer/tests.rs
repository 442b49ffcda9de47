//! The writer over an engine that can be told to fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use tokio::sync::Semaphore;

use super::*;
use crate::engine::Row;
use crate::hub::{Limits, Ring};
use crate::options::Options;
use crate::snapshot::{Map, State};
use crate::txn::Txn;

/// What the engine was asked, and whether it fails.
#[derive(Clone, Default)]
struct Disk {
    groups: Arc<Mutex<Vec<Vec<String>>>>,
    broken: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
}

impl Engine for Disk {
    fn append(&mut self, rows: &mut dyn Iterator<Item = Row<'_>>) -> Result<(), EngineError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(EngineError::new("writing", self.full.load(Ordering::SeqCst), "the cable is out"));
        }
        if self.slow.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.groups.lock().unwrap().push(rows.map(|row| format!("{} {}", row.id.revision(), row.key)).collect());
        Ok(())
    }

    fn compact(&mut self, _floor: u64) -> Result<bool, EngineError> {
        if self.broken.load(Ordering::SeqCst) { Err(EngineError::new("compacting", false, "no")) } else { Ok(false) }
    }

    fn reseal(&mut self, _seal: &dyn Seal) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn maintain(&mut self) {}

    fn measure(&self, _metrics: &mut Metrics) {}

    fn close(&mut self) -> Result<(), EngineError> {
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

struct World {
    hub: Arc<Hub<()>>,
    disk: Disk,
    jobs_tx: Sender<Job<()>>,
    writer: Option<Writer<()>>,
    _folder: tempfile::TempDir,
}

/// A writer that does not work yet, so that what is sent becomes one group.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::take(folder.path()).unwrap();
    let marker = held.marker().unwrap();
    let ring = Ring::new(Limits::from(&Options::default()), 1);
    let hub = Arc::new(Hub::new(State { map: Map::new(), revision: 1 }, ring));
    let (disk, (jobs_tx, jobs)) = (Disk::default(), mpsc::channel());
    let writer = Writer::new(Arc::clone(&hub), Box::new(disk.clone()), crate::seal::of(None), marker, jobs, held);
    World { hub, disk, jobs_tx, writer: Some(writer), _folder: folder }
}

fn send(jobs_tx: &Sender<Job<()>>, txn: Txn<()>) -> oneshot::Receiver<Outcome<()>> {
    let (reply, answer) = oneshot::channel();
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let txn = group::prepare(txn).unwrap();
    jobs_tx.send(Job::Commit(Request { txn, reply, permit })).unwrap();
    answer
}

impl World {
    fn send(&self, txn: Txn<()>) -> oneshot::Receiver<Outcome<()>> {
        send(&self.jobs_tx, txn)
    }

    fn work(&mut self) -> JoinHandle<()> {
        let writer = self.writer.take().unwrap();
        std::thread::spawn(move || writer.run())
    }

    fn groups(&self) -> Vec<Vec<String>> {
        self.disk.groups.lock().unwrap().clone()
    }
}

#[test]
fn those_who_wait_together_share_one_append() {
    let mut world = world();
    let answers: Vec<_> = ["/a", "/b", "/a", "/c"].map(|key| world.send(Txn::create(key, "x"))).into();
    world.work();
    let told: Vec<_> =
        answers.into_iter().map(|answer| answer.blocking_recv().unwrap().map(|done| done.revision).ok()).collect();
    assert_eq!(told, [Some(2), Some(3), None, Some(4)]);
    assert_eq!(world.groups(), [["2 /a", "3 /b", "4 /c"]]);
}

#[test]
fn a_group_waits_while_everybody_is_at_work() {
    let mut world = world();
    world.disk.slow.store(true, Ordering::SeqCst);
    let asked = Arc::new(Mutex::new(0));
    let (busy, jobs_tx) = (asked.clone(), world.jobs_tx.clone());
    let busy: Busy = Arc::new(move || {
        let mut asked = busy.lock().unwrap();
        *asked += 1;
        if *asked == 1 {
            send(&jobs_tx, Txn::create("/c", "x"));
        }
        *asked == 1
    });
    world.writer = world.writer.map(|writer| writer.gathering(Some(busy)));
    world.work();
    // Nobody knows yet how long the disk takes.
    world.send(Txn::create("/a", "x")).blocking_recv().unwrap().unwrap();
    assert_eq!(*asked.lock().unwrap(), 0);
    world.send(Txn::create("/b", "x")).blocking_recv().unwrap().unwrap();
    assert_eq!(world.groups(), [vec!["2 /a"], vec!["3 /b", "4 /c"]]);
    assert_eq!(*asked.lock().unwrap(), 2, "it is asked again before the group goes to disk");
}

#[test]
fn when_a_group_fails_nothing_of_it_was_ever_there() {
    let mut world = world();
    world.disk.broken.store(true, Ordering::SeqCst);
    let answers: Vec<_> = (0..2).map(|_| world.send(Txn::create("/a", "x"))).collect();
    world.work();
    for answer in answers {
        // The second would be a conflict with the first, which does not exist.
        assert!(matches!(answer.blocking_recv().unwrap(), Err(CommitError::Disk(_))));
    }
    world.disk.full.store(true, Ordering::SeqCst);
    assert!(matches!(world.send(Txn::create("/a", "x")).blocking_recv().unwrap(), Err(CommitError::Full(_))));
    assert_eq!((world.hub.snapshot().revision(), world.hub.snapshot().len()), (1, 0));

    world.disk.broken.store(false, Ordering::SeqCst);
    assert_eq!(world.send(Txn::create("/a", "x")).blocking_recv().unwrap().unwrap().revision, 2);
    assert_eq!(world.groups(), [["2 /a"]]);
}

#[test]
fn a_caller_who_goes_away_cancels_nothing() {
    let mut world = world();
    drop(world.send(Txn::create("/a", "x")));
    let last = world.send(Txn::create("/b", "x"));
    world.work();
    assert_eq!(last.blocking_recv().unwrap().unwrap().revision, 3);
    assert!(world.hub.snapshot().get("/a").is_some());
}

#[test]
fn what_was_sent_before_the_end_is_still_done() {
    let mut world = world();
    let answers: Vec<_> = (0..10_000).map(|number| world.send(Txn::create(format!("/{number}"), "x"))).collect();
    let work = world.work();
    drop(world.jobs_tx);
    work.join().unwrap();
    assert!(answers.into_iter().all(|answer| answer.blocking_recv().unwrap().is_ok()));
    assert!(world.disk.closed.load(Ordering::SeqCst));
    let groups = world.disk.groups.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(groups, [4096, 4096, 1808], "a group has a bound");
}

#[test]
fn who_asks_for_compaction_is_told_when_it_fails() {
    let mut world = world();
    world.disk.broken.store(true, Ordering::SeqCst);
    let (reply, answer) = oneshot::channel();
    world.jobs_tx.send(Job::Compact(1, reply)).unwrap();
    world.work();
    assert!(answer.blocking_recv().unwrap().is_err());
    world.disk.broken.store(false, Ordering::SeqCst);
    let (reply, answer) = oneshot::channel();
    world.jobs_tx.send(Job::Compact(1, reply)).unwrap();
    assert!(answer.blocking_recv().unwrap().is_ok());
}

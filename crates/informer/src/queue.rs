//! Keys that wait for work: each once, none twice at a time, again later when it failed.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, warn};

/// What is worked on: `namespace/name`, or a name.
pub type Key = Arc<str>;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// From which failure in a row on a failure is worth a warning.
const WARN_FROM: u32 = 5;

/// What is to become of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until something happens.
    Done,
    /// To be looked at again after a while.
    After(Duration),
}

impl Next {
    /// The sooner of two.
    #[must_use]
    pub fn sooner(self, other: Next) -> Next {
        match (self, other) {
            (Next::After(a), Next::After(b)) => Next::After(a.min(b)),
            (Next::Done, next) | (next, Next::Done) => next,
        }
    }
}

/// Keys that wait for work.
pub struct Queue {
    name: &'static str,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Key>,
    /// Keys in `ready`, and keys that came while they were worked on.
    waiting: HashSet<Key>,
    working: HashSet<Key>,
    failures: HashMap<Key, u32>,
    /// When keys wake, and which.
    later: BTreeMap<(Instant, Key), ()>,
    /// When a key wakes.
    alarms: HashMap<Key, Instant>,
}

impl Queue {
    /// An empty queue; the name is for the log.
    pub fn new(name: &'static str) -> Arc<Queue> {
        Arc::new(Queue { name, state: Mutex::default(), wake: Notify::new() })
    }

    /// Has a key worked on, once, however often this is called before that.
    pub fn add(&self, key: impl Into<Key>) {
        self.state().add(key.into());
        self.wake.notify_one();
    }

    /// Has a key worked on after a while; the sooner of two wishes counts.
    pub fn add_after(&self, key: impl Into<Key>, pause: Duration) {
        self.state().set_alarm(key.into(), Instant::now() + pause);
        self.wake.notify_one();
    }

    /// Works on keys, `parallel` at a time, for ever. A key that fails is tried again, after a pause that grows.
    pub async fn run<W, R>(&self, parallel: usize, work: W)
    where
        W: Fn(Key) -> R,
        R: Future<Output = Result<Next, kube::Error>> + Send + 'static,
    {
        let mut running: JoinSet<Result<Next, kube::Error>> = JoinSet::new();
        let mut keys: HashMap<tokio::task::Id, Key> = HashMap::new();
        loop {
            while running.len() < parallel
                && let Some(key) = self.state().take()
            {
                let handle = running.spawn(work(key.clone()));
                keys.insert(handle.id(), key);
            }
            let alarm = self.state().next_alarm();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(alarm) => self.state().ring(Instant::now()),
                Some(done) = running.join_next_with_id() => {
                    let id = done.as_ref().map_or_else(|panic| panic.id(), |(id, _)| *id);
                    if let Some(key) = keys.remove(&id) {
                        self.finish(&key, done.map(|(_, result)| result));
                    }
                }
            }
        }
    }

    fn finish(&self, key: &Key, done: Result<Result<Next, kube::Error>, tokio::task::JoinError>) {
        let mut state = self.state();
        match done {
            Ok(Ok(next)) => {
                state.failures.remove(key);
                if let Next::After(pause) = next {
                    state.set_alarm(key.clone(), Instant::now() + pause);
                }
            }
            Ok(Err(error)) => {
                let (failures, pause) = state.fail(key);
                // That somebody else was quicker is no news.
                if crate::request::code(&error) != 409 && failures >= WARN_FROM {
                    warn!(queue = self.name, %key, %error, failures, "cannot reconcile; trying again");
                } else {
                    debug!(queue = self.name, %key, %error, failures, "cannot reconcile; trying again");
                }
                state.set_alarm(key.clone(), Instant::now() + pause);
            }
            Err(panic) => {
                let (_, pause) = state.fail(key);
                error!(queue = self.name, %key, %panic, "a reconciliation ended badly");
                state.set_alarm(key.clone(), Instant::now() + pause.max(Duration::from_secs(1)));
            }
        }
        state.done(key);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sleep_until(alarm: Option<Instant>) {
    match alarm {
        Some(alarm) => tokio::time::sleep_until(alarm).await,
        None => std::future::pending().await,
    }
}

impl State {
    fn add(&mut self, key: Key) {
        if self.waiting.insert(key.clone()) && !self.working.contains(&key) {
            self.ready.push_back(key);
        }
    }

    fn take(&mut self) -> Option<Key> {
        let key = self.ready.pop_front()?;
        self.waiting.remove(&key);
        self.working.insert(key.clone());
        Some(key)
    }

    fn done(&mut self, key: &Key) {
        self.working.remove(key);
        if self.waiting.contains(key) {
            self.ready.push_back(key.clone());
        }
    }

    fn fail(&mut self, key: &Key) -> (u32, Duration) {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures += 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << (*failures - 1).min(20));
        (*failures, pause.min(LONGEST_PAUSE))
    }

    fn set_alarm(&mut self, key: Key, at: Instant) {
        match self.alarms.get(&key) {
            Some(earlier) if *earlier <= at => return,
            Some(later) => drop(self.later.remove(&(*later, key.clone()))),
            None => {}
        }
        self.alarms.insert(key.clone(), at);
        self.later.insert((at, key), ());
    }

    fn next_alarm(&self) -> Option<Instant> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    fn ring(&mut self, now: Instant) {
        while let Some(entry) = self.later.first_entry()
            && entry.key().0 <= now
        {
            let ((_, key), ()) = entry.remove_entry();
            self.alarms.remove(&key);
            self.add(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn refused() -> kube::Error {
        kube::Error::LinesCodecMaxLineLengthExceeded
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_worked_on_alone_and_once_for_many_wishes() {
        let queue = Queue::new("test");
        let (begun_tx, mut begun) = mpsc::unbounded_channel();
        let go_on = Arc::new(Notify::new());
        let gate = go_on.clone();
        let runner = queue.clone();
        let task = tokio::spawn(async move {
            runner
                .run(4, move |key| {
                    let (begun, gate) = (begun_tx.clone(), gate.clone());
                    async move {
                        begun.send(key).unwrap();
                        gate.notified().await;
                        Ok(Next::Done)
                    }
                })
                .await;
        });
        queue.add("a");
        queue.add("a");
        assert_eq!(&*begun.recv().await.unwrap(), "a");
        queue.add("a");
        queue.add("a");
        queue.add("b");
        assert_eq!(&*begun.recv().await.unwrap(), "b", "another key need not wait");
        go_on.notify_waiters();
        assert_eq!(&*begun.recv().await.unwrap(), "a", "what came meanwhile is done afterwards");
        go_on.notify_waiters();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert!(begun.try_recv().is_err(), "and once");
        task.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_tried_again_and_wishes_for_later_kept() {
        let queue = Queue::new("test");
        let (seen_tx, mut seen) = mpsc::unbounded_channel();
        let runner = queue.clone();
        let start = Instant::now();
        let task = tokio::spawn(async move {
            let tries = Arc::new(std::sync::atomic::AtomicU32::new(0));
            runner
                .run(1, move |key| {
                    let (seen, tries) = (seen_tx.clone(), tries.clone());
                    async move {
                        seen.send((key, start.elapsed())).unwrap();
                        match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                            0 | 1 => Err(refused()),
                            2 => Ok(Next::After(Duration::from_secs(7))),
                            _ => Ok(Next::Done),
                        }
                    }
                })
                .await;
        });
        queue.add("a");
        let times: Vec<u64> = {
            let mut times = Vec::new();
            for _ in 0..4 {
                times.push(u64::try_from(seen.recv().await.unwrap().1.as_millis()).unwrap());
            }
            times
        };
        assert_eq!(times[0], 0);
        assert!((5..10).contains(&times[1]), "{times:?}");
        assert!((15..25).contains(&times[2]), "{times:?}");
        assert!((7015..7030).contains(&times[3]), "{times:?}");
        task.abort();
    }
}

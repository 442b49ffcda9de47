//! The window of history, the topics, and the snapshots in between, without any disk.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::entry::{Entry, RowId};
use crate::event::EventKind;
use crate::snapshot::Map;
use crate::watcher::{WatchError, Watcher};

const ROOMY: Limits = Limits { events: 1000, bytes: 1 << 20, age: Duration::from_secs(3600) };

/// A hub that a test publishes to.
struct World {
    hub: Arc<Hub<()>>,
    revision: u64,
}

impl World {
    fn new(limits: Limits) -> World {
        let hub = Hub::new(State { map: Map::new(), revision: 1 }, Ring::new(limits, 1));
        World { hub: Arc::new(hub), revision: 1 }
    }

    /// Publishes one transaction that writes `keys`, or deletes those with a "-" before.
    fn publish(&mut self, keys: &[&str]) {
        self.revision += 1;
        let mut map = self.hub.snapshot().map().clone();
        let events = keys.iter().enumerate().map(|(place, key)| {
            let (kind, key) = match key.strip_prefix('-') {
                Some(key) => (EventKind::Delete, key),
                None => (EventKind::Put, *key),
            };
            let entry = Arc::new(Entry {
                key: key.into(),
                value: Bytes::from(self.revision.to_string()),
                create_revision: self.revision,
                mod_revision: self.revision,
                attached: (),
                row: RowId::new(self.revision, place),
            });
            let previous = match kind {
                EventKind::Put => map.insert(key.into(), Arc::clone(&entry)),
                EventKind::Delete => map.remove(key),
            };
            Arc::new(Event::new(kind, entry, previous))
        });
        let events = events.collect();
        self.hub.publish(State { map, revision: self.revision }, events);
    }

    fn watch(&self, prefix: &str, after: u64) -> Watcher<()> {
        let (_, topic) = self.hub.join(prefix, Some(after)).unwrap();
        Watcher::new(Arc::clone(&self.hub), topic, after)
    }

    fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        self.hub.measure(&mut metrics);
        metrics
    }
}

/// The keys of all events that are there for the watcher.
fn drain(watcher: &mut Watcher<()>) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let events = watcher.take().unwrap();
        if events.is_empty() {
            return keys;
        }
        keys.extend(events.iter().map(|event| event.key().to_owned()));
    }
}

#[test]
fn each_watcher_gets_what_begins_with_its_prefix() {
    let mut world = World::new(ROOMY);
    let prefixes = ["", "/", "/a", "/a/", "/a/b", "/a/b/c", "/a/bc", "/b", "/a/b/", "z", "/a/\u{e9}"];
    let mut watchers: Vec<_> = prefixes.iter().map(|prefix| (prefix, world.watch(prefix, 1))).collect();
    let keys = ["/a/b/c", "/a/b", "/a/bc", "/a", "/b/1", "/a/\u{e8}", "/a/\u{e9}x", "/c"];
    for key in keys {
        world.publish(&[key]);
    }
    for (prefix, watcher) in &mut watchers {
        let want: Vec<_> = keys.iter().filter(|key| key.starts_with(**prefix)).copied().collect();
        assert_eq!(drain(watcher), want, "{prefix}");
    }
}

#[test]
fn a_watcher_that_begins_earlier_joins_one_that_began_later() {
    let mut world = World::new(ROOMY);
    for key in ["/a/1", "/b/1", "/a/2", "/a/3"] {
        world.publish(&[key]);
    }
    let check = |after, want: &[&str]| assert_eq!(drain(&mut world.watch("/a/", after)), want);
    let mut late = world.watch("/a/", 4);
    check(1, &["/a/1", "/a/2", "/a/3"]);
    check(3, &["/a/2", "/a/3"]);
    check(99, &[]);
    assert_eq!(drain(&mut late), ["/a/3"]);
    assert_eq!((world.metrics().watchers, world.metrics().watched_prefixes), (1, 1));
    drop(late);
    assert_eq!((world.metrics().watchers, world.metrics().watched_prefixes), (0, 0));
}

#[test]
fn a_batch_never_splits_a_transaction() {
    let mut world = World::new(ROOMY);
    let mut watcher = world.watch("/", 1);
    let keys: Vec<String> = (0..200).map(|number| format!("/{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for _ in 0..3 {
        world.publish(&keys);
    }
    let sizes: Vec<usize> = std::iter::repeat_with(|| watcher.take().unwrap().len()).take(3).collect();
    assert_eq!(sizes, [400, 200, 0]);
}

#[test]
fn history_is_cut_by_number_by_bytes_and_by_age_whole_transactions_at_a_time() {
    let mut world = World::new(Limits { events: 10, ..ROOMY });
    for _ in 0..8 {
        world.publish(&["/a", "/b", "/c"]);
    }
    assert_eq!((world.hub.floor(), world.metrics().events), (6, 9));

    let mut world = World::new(Limits { bytes: 2000, ..ROOMY });
    for _ in 0..100 {
        world.publish(&["/a"]);
    }
    let metrics = world.metrics();
    assert!(metrics.event_bytes <= 2000 && metrics.events > 2 && metrics.events < 50, "{metrics:?}");

    let mut world = World::new(Limits { age: Duration::from_secs(60), ..ROOMY });
    world.publish(&["/a"]);
    let now = Instant::now();
    world.hub.tick(now + Duration::from_secs(30));
    assert_eq!(world.hub.floor(), 1);
    world.hub.tick(now + Duration::from_secs(70));
    assert_eq!((world.hub.floor(), world.metrics().events, world.metrics().event_bytes), (2, 0, 0));
}

#[test]
fn who_is_too_slow_is_cut_off_and_who_has_missed_nothing_is_not() {
    let mut world = World::new(Limits { events: 5, ..ROOMY });
    world.publish(&["/quiet/1"]);
    let mut quiet = world.watch("/quiet/", 1);
    assert_eq!(drain(&mut quiet), ["/quiet/1"]);
    let (mut slow, mut idle) = (world.watch("/busy/", 2), world.watch("/quiet/", 1));
    for number in 0..20 {
        world.publish(&[&format!("/busy/{number}")]);
    }
    world.hub.tick(Instant::now());
    assert_eq!(slow.take().err(), Some(WatchError::Compacted { seen: 2, oldest: 17 }));
    assert_eq!(slow.progress(), 2);
    assert_eq!(idle.take().err(), Some(WatchError::Compacted { seen: 1, oldest: 2 }));
    assert_eq!(drain(&mut quiet), [""; 0]);
    assert_eq!(quiet.progress(), world.revision);
    assert!(world.hub.join("/busy/", Some(16)).is_err());
    assert_eq!(drain(&mut world.watch("/busy/", 17)).len(), 5);
}

#[test]
fn the_past_is_made_by_undoing() {
    let mut world = World::new(ROOMY);
    for keys in [["/a", "/b"], ["/a", "-/b"], ["-/a", "/b"], ["/c", "/b"]] {
        world.publish(&keys);
    }
    let check = |revision, want: &str| {
        let snapshot = world.hub.snapshot_at(revision).unwrap();
        let shown: Vec<_> =
            snapshot.range("", None).map(|entry| format!("{}@{}", entry.key, entry.mod_revision)).collect();
        assert_eq!(shown.join(" "), want);
    };
    for _ in 0..2 {
        check(5, "/b@5 /c@5");
        check(1, "");
        check(3, "/a@3");
        check(2, "/a@2 /b@2");
        check(4, "/b@4");
    }
}

#[test]
fn a_frame_is_made_once_and_let_go_of_when_its_event_is_no_longer_new() {
    let mut world = World::new(Limits { events: 10_000, ..ROOMY });
    let (mut one, mut other) = (world.watch("/", 1), world.watch("/", 1));
    world.publish(&["/a"]);
    let (event, same) = (one.take().unwrap().remove(0), other.take().unwrap().remove(0));
    assert_eq!(event.frame(0, || "made".into()), "made");
    assert_eq!(same.frame(0, || "again".into()), "made");
    assert_eq!(same.frame(1, || "other".into()), "other");
    for _ in 0..2000 {
        world.publish(&["/b"]);
    }
    assert_eq!(same.frame(0, || "late".into()), "late");
    assert_eq!(event.frame(0, || "later".into()), "later", "a late frame is not kept");
}

#[tokio::test]
async fn thousands_of_watchers_are_woken_by_what_concerns_them() {
    let mut world = World::new(ROOMY);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..2000 {
        let mut watcher = world.watch(&format!("/{}/", number % 500), 1);
        tasks.spawn(async move { watcher.next().await.map(|events| (number % 500, events[0].key().to_owned())) });
    }
    tokio::task::yield_now().await;
    for number in 0..500 {
        world.publish(&[&format!("/{number}/x")]);
    }
    let woken = tasks.join_all().await;
    assert!(woken.into_iter().all(|woken| woken.is_ok_and(|(number, key)| key == format!("/{number}/x"))));
    let mut last = world.watch("/", world.revision);
    world.hub.close();
    assert_eq!(last.next().await.err(), Some(WatchError::Closed));
    assert_eq!(world.watch("/", 1).take().unwrap().len(), 256, "what was there can still be read");
}

//! Keeps the index of roles and bindings as new as the store.
//!
//! A write of a role or binding is answered only after the index has it ([`Follower::caught_up`]), so that a client
//! that grants something may use it with its next request.

use super::Rbac;
use super::rbac::{Change, Kind};
use crate::lookup::Stored;
use crate::storage::{self, Facts, ObjectStore};
use std::sync::Arc;
use std::time::Duration;
use store::{Event, EventKind, Watcher};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const GROUP: &str = "rbac.authorization.k8s.io";
/// Longest time that a write waits for the index.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows the store's roles and bindings.
pub struct Follower {
    rbac: Arc<Rbac>,
    store: ObjectStore,
    /// Revision that the index has: follower -> writers of roles.
    seen_tx: watch::Sender<u64>,
}

impl Follower {
    /// An index of what is stored now, and who will follow it.
    pub fn new(store: &ObjectStore) -> (Arc<Rbac>, Arc<Follower>) {
        let rbac = Arc::new(Rbac::default());
        let follower = Follower { rbac: rbac.clone(), store: store.clone(), seen_tx: watch::Sender::new(0) };
        (rbac, Arc::new(follower))
    }

    /// Follows until stopped.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut watcher = self.load();
            let _ = stop.run_until_cancelled(self.follow(&mut watcher)).await;
        }
        // Nothing will come any more for which a write that is still under way could wait.
        self.seen_tx.send_replace(u64::MAX);
    }

    /// Reads everything; used at start and where the follower has been too slow.
    fn load(&self) -> Watcher<Facts> {
        let (snapshot, watcher) = self.store.list_and_watch(&format!("/{GROUP}/"));
        for kind in Kind::ALL {
            self.rbac.clear(kind);
            for entry in snapshot.range(&storage::prefix_of(GROUP, kind.resource(), ""), None) {
                self.rbac.apply(kind, Change::Put(&entry.attached.parsed(&entry.value)));
            }
        }
        self.seen_tx.send_replace(snapshot.revision());
        watcher
    }

    async fn follow(&self, watcher: &mut Watcher<Facts>) {
        while let Ok(events) = watcher.next().await {
            events.iter().for_each(|event| self.take(event));
            if let Some(last) = events.last() {
                self.seen_tx.send_replace(last.revision());
            }
        }
    }

    fn take(&self, event: &Event<Facts>) {
        let Some(kind) = event.key().split('/').nth(2).and_then(Kind::of_resource) else { return };
        let facts = &event.entry.attached;
        match event.kind {
            EventKind::Put => self.rbac.apply(kind, Change::Put(&facts.parsed(&event.entry.value))),
            EventKind::Delete => {
                self.rbac.apply(kind, Change::Remove { namespace: &facts.namespace, name: &facts.name });
            }
        }
    }

    /// Waits until the index has what was written at `revision`.
    pub(crate) async fn caught_up(&self, revision: u64) {
        let mut seen = self.seen_tx.subscribe();
        // Whoever waits in vain is told by the next request that the right is not there yet.
        let _ = tokio::time::timeout(PATIENCE, seen.wait_for(|&seen| seen >= revision)).await;
    }

    /// What decisions read the cluster through.
    pub fn cluster(&self) -> Stored {
        Stored(self.store.clone())
    }
}

//! Classifies requests and gives them seats, by the flow schemas and priority levels that are stored.

use super::levels::{Levels, Outcome, Place};
use super::schema::{self, Schema};
use super::{Asked, cost};
use crate::lookup::{Cluster, Stored};
use crate::request::{Info, Query};
use crate::storage::ObjectStore;
use ::http::{HeaderMap, HeaderName, HeaderValue};
use arc_swap::ArcSwap;
use kinds::UserInfo;
use object::{Status, Value};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const SCHEMA_HEADER: HeaderName = HeaderName::from_static("x-kubernetes-pf-flowschema-uid");
const LEVEL_HEADER: HeaderName = HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid");
const GROUP: &str = "flowcontrol.apiserver.k8s.io";
/// The schema that no cluster is without.
const EXEMPT: &str = "exempt";
/// Seats of the whole server: upstream's limits of reads and writes together.
const SEATS: u32 = 600;
/// How long a request may wait for a seat: upstream gives it a quarter of its minute.
const PATIENCE: Duration = Duration::from_secs(15);
/// Seconds after which a refused client may try again.
const RETRY_AFTER: u32 = 1;

/// Who runs when.
pub(crate) struct Control {
    store: ObjectStore,
    schemas: ArcSwap<Vec<Schema>>,
    levels: Arc<Shared>,
}

type Shared = Mutex<Levels<Waiter>>;

/// A request that waits.
struct Waiter {
    /// Server -> the request's task: its seat.
    seat_tx: oneshot::Sender<Seat>,
}

/// A request's place, which is free again when this is dropped.
pub(crate) struct Seat {
    levels: Option<Arc<Shared>>,
    place: Place,
    since: Instant,
}

/// Which schema and level a request belongs to, by uid, for the answer's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) schema: Arc<str>,
    pub(crate) level: Arc<str>,
}

impl Class {
    /// Tells the client.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, uid) in [(SCHEMA_HEADER, &self.schema), (LEVEL_HEADER, &self.level)] {
            if let Ok(uid) = HeaderValue::from_str(uid)
                && !uid.is_empty()
            {
                headers.insert(name, uid);
            }
        }
    }
}

/// What a level has done and does.
pub(crate) struct Counted {
    pub(crate) level: Arc<str>,
    pub(crate) seats: u32,
    pub(crate) taken: u32,
    pub(crate) waiting: usize,
    pub(crate) dispatched: u64,
    pub(crate) refused: u64,
}

impl Control {
    /// Control by what is stored now.
    pub(crate) fn new(store: &ObjectStore) -> Control {
        let levels = Arc::new(Mutex::new(Levels::new(SEATS)));
        let control = Control { store: store.clone(), schemas: ArcSwap::default(), levels };
        control.load();
        control
    }

    /// Follows the objects until stopped.
    pub(crate) async fn follow(&self, stop: CancellationToken) {
        loop {
            let (_, mut watcher) = self.store.list_and_watch(&format!("/{GROUP}/"));
            self.load();
            loop {
                match stop.run_until_cancelled(watcher.next()).await {
                    None => return,
                    Some(Ok(_)) => self.load(),
                    Some(Err(_)) => break,
                }
            }
        }
    }

    fn load(&self) {
        let stored = Stored(self.store.clone());
        let read = |resource| -> Vec<Arc<Value>> { stored.list(GROUP, resource, None) };
        let mut schemas = schema::in_order(&read("flowschemas"));
        let mut levels = self.lock();
        levels.configure(&read("prioritylevelconfigurations"));
        // As upstream does, pass over schemas whose level is not there.
        schemas.retain(|schema| levels.has(&schema.level));
        drop(levels);
        self.schemas.store(Arc::new(schemas));
        self.dispatch();
    }

    /// Which schema and level a request belongs to, and its seat once it has one.
    pub(crate) async fn admit(
        &self,
        user: &UserInfo,
        info: &Info,
        query: &Query,
    ) -> (Class, Result<Option<Seat>, Status>) {
        let asked = Asked { user, info };
        if info.is_long_running() && info.verb != "watch" {
            return (Class::default(), Ok(None));
        }
        let schemas = self.schemas.load();
        // Before a cluster's first objects are made there is nothing to go by.
        let is_early = is_administrator(user) && !schemas.iter().any(|schema| &*schema.name == EXEMPT);
        let found = schemas.iter().find(|schema| schema.matches(asked));
        let Some(schema) = found.filter(|_| !is_early) else {
            return (Class::default(), Ok(None));
        };
        let class = Class { schema: schema.uid.clone(), level: self.lock().uid(&schema.level) };
        let mut flow = DefaultHasher::new();
        (&schema.name, schema.distinguisher(asked)).hash(&mut flow);
        let width = cost::seats(&self.store, info, query);
        let seat = self.enter(&schema.level, width, flow.finish()).await;
        (class, seat.map(Some))
    }

    async fn enter(&self, level: &Arc<str>, width: u32, flow: u64) -> Result<Seat, Status> {
        let (seat_tx, seat_rx) = oneshot::channel();
        let is_there = |waiter: &Waiter| !waiter.seat_tx.is_closed();
        let outcome = self.lock().enter(level, width, flow, || Waiter { seat_tx }, is_there);
        match outcome {
            Outcome::Run(place) => Ok(Seat::new(&self.levels, place)),
            Outcome::Refuse(_) => Err(refused()),
            Outcome::Wait => match tokio::time::timeout(PATIENCE, seat_rx).await {
                Ok(Ok(seat)) => Ok(seat),
                _ => Err(refused()),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Levels<Waiter>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dispatch(&self) {
        dispatch(&self.levels);
    }

    /// What the levels have done and do.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        let levels = self.lock();
        let counted = levels.iter().map(|(name, level)| Counted {
            level: name.clone(),
            seats: level.own(),
            taken: level.taken,
            waiting: level.waiting(),
            dispatched: level.dispatched,
            refused: level.refused,
        });
        counted.collect()
    }
}

/// Gives free seats to those who wait.
fn dispatch(levels: &Arc<Shared>) {
    let mut locked = levels.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((waiter, place)) = locked.next() {
        if let Err(mut seat) = waiter.seat_tx.send(Seat::new(levels, place)) {
            // It has left. The lock is ours, so the seat must not take it again when it goes.
            seat.levels = None;
            locked.leave(&seat.place, 0.0);
        }
    }
}

impl Seat {
    fn new(levels: &Arc<Shared>, place: Place) -> Seat {
        Seat { levels: Some(levels.clone()), place, since: Instant::now() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(levels) = self.levels.take() else { return };
        let seconds = self.since.elapsed().as_secs_f64();
        levels.lock().unwrap_or_else(PoisonError::into_inner).leave(&self.place, seconds);
        dispatch(&levels);
    }
}

fn is_administrator(user: &UserInfo) -> bool {
    user.groups.iter().any(|group| group == "system:masters")
}

fn refused() -> Status {
    Status::too_many_requests("Too many requests, please try again later.", RETRY_AFTER)
}

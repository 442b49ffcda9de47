//! The garbage collector: deletes what has lost its owners; an owner that is to go orphans its dependents or waits for
//! them, as its finalizers say.
//!
//! A graph of uids is fed by the metadata of every resource that can be listed and deleted, custom ones included. Deciding stands in
//! [`graph`]; here is what is read and written. Whether an owner is really absent is always asked of the server before
//! something is deleted for it.

mod graph;

use crate::api::{self, Collection};
use crate::follow::{self, Change};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, join_all};
use futures_util::stream::FuturesUnordered;
use graph::{Graph, Node, Work};
use http::Method;
use informer::Informers;
use kube::Client;
use object::{Value, View, json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::{debug, warn};

/// How often something is tried again before it waits for its next event.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);
/// Pieces of work that may wait.
const QUEUE: usize = 4096;
/// When, after a resource was added, owners that nobody has told of are looked at again: one may have come and gone before
/// its resource was followed.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];
/// What adds resources and takes them away.
const SOURCES: [&str; 2] =
    ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/apiregistration.k8s.io/v1/apiservices"];

pub(crate) async fn run(informers: Informers) {
    let client = informers.client().clone();
    let collector = Collector { informers, client, collections: Mutex::default(), graph: Arc::default() };
    // work: events -> worker
    let (work_tx, mut work_rx) = mpsc::channel(QUEUE);
    let changed = Notify::new();
    let sources = SOURCES.map(|source| {
        follow::each_metadata(&collector.informers, source, |_| async {
            changed.notify_one();
            Ok(())
        })
    });
    let worker = async {
        while let Some(work) = work_rx.recv().await {
            collector.insist(work).await;
        }
    };
    tokio::join!(collector.follow_all(&changed, work_tx), join_all(sources), worker);
}

struct Collector {
    informers: Informers,
    client: Client,
    /// What is followed now.
    collections: Mutex<Vec<Collection>>,
    graph: Arc<Mutex<Graph>>,
}

impl Collector {
    fn graph(&self) -> std::sync::MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows every resource that there is, and looks again when definitions have changed.
    async fn follow_all(&self, changed: &Notify, work_tx: mpsc::Sender<Work>) {
        let mut running = FuturesUnordered::new();
        let mut followed: HashMap<String, AbortHandle> = HashMap::new();
        let mut looks: VecDeque<Instant> = VecDeque::new();
        loop {
            let (was_begun, mut is_more) = (!followed.is_empty(), false);
            match api::discover(&self.client).await {
                Ok(mut collections) => {
                    collections.retain(|c| c.can("list") && c.can("watch") && c.can("delete"));
                    followed.retain(|path, handle| {
                        let stays = collections.iter().any(|collection| collection.path() == *path);
                        if !stays {
                            handle.abort();
                        }
                        stays
                    });
                    for collection in &collections {
                        if let Entry::Vacant(entry) = followed.entry(collection.path()) {
                            let (handle, registration) = AbortHandle::new_pair();
                            let follow = self.follow(collection.clone(), work_tx.clone());
                            running.push(Abortable::new(follow, registration));
                            entry.insert(handle);
                            is_more = true;
                        }
                    }
                    *self.collections.lock().unwrap_or_else(PoisonError::into_inner) = collections;
                }
                Err(error) => {
                    debug!(%error, "cannot discover resources; trying again");
                    changed.notify_one();
                }
            }
            if was_begun && is_more {
                looks = LOOKS.iter().map(|pause| Instant::now() + *pause).collect();
            }
            self.wait_for_change(changed, &mut running, &mut looks, &work_tx).await;
        }
    }

    /// Waits for definitions to change, and meanwhile follows and looks again.
    async fn wait_for_change(
        &self,
        changed: &Notify,
        running: &mut FuturesUnordered<Abortable<impl Future<Output = ()>>>,
        looks: &mut VecDeque<Instant>,
        work_tx: &mpsc::Sender<Work>,
    ) {
        let looking = async {
            while let Some(moment) = looks.front() {
                tokio::time::sleep_until(*moment).await;
                looks.pop_front();
                let doubtful = self.graph().doubtful();
                for work in doubtful {
                    // The worker ends with this task.
                    let _ = work_tx.send(work).await;
                }
            }
            std::future::pending::<()>().await;
        };
        let next = async {
            changed.notified().await;
            // Several definitions mostly come together.
            tokio::time::sleep(PAUSE).await;
        };
        tokio::select! {
            () = next => {}
            () = looking => {}
            () = async { while running.next().await.is_some() {} std::future::pending::<()>().await } => {}
        }
    }

    async fn follow(&self, collection: Collection, work_tx: mpsc::Sender<Work>) {
        let (work_tx, collection) = (&work_tx, &collection);
        follow::each_metadata(&self.informers, &collection.path(), |change| async move {
            let work = match change {
                Change::Put(object) => self.graph().put(Node::read(object.meta(), collection)),
                Change::Gone(object) => self.graph().remove(object.uid()),
            };
            for piece in work {
                // The worker ends with this task.
                let _ = work_tx.send(piece).await;
            }
            Ok(())
        })
        .await;
    }

    async fn insist(&self, work: Work) {
        for attempt in 1..=TRIES {
            match self.perform(&work).await {
                Ok(()) => return,
                Err(error) if attempt == TRIES => warn!(%error, ?work, "garbage collection gives up for now"),
                Err(error) => debug!(%error, ?work, "garbage collection tries again"),
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
    }

    async fn perform(&self, work: &Work) -> Result<(), kube::Error> {
        match work {
            Work::CheckOwners(uid) => self.check_owners(uid).await,
            Work::Orphan(uid) => self.orphan(uid).await,
            Work::WaitForDependents(uid) => self.delete_dependents(uid).await,
        }
    }

    /// Deletes an object none of whose owners exist; takes absent owners out of one that has others.
    async fn check_owners(&self, uid: &str) -> Result<(), kube::Error> {
        let Some(node) = self.graph().get(uid) else { return Ok(()) };
        let Some(object) = api::find(&self.client, &node.path).await? else { return Ok(()) };
        let metadata = View::from(&object).get("metadata");
        if metadata.str("uid") != uid || metadata.get("ownerReferences").is_empty() {
            return Ok(());
        }
        let (mut solid, mut waiting, mut absent) = (0, 0, Vec::new());
        for owner in metadata.list("ownerReferences") {
            match self.owner(owner, metadata.str("namespace")).await? {
                None => absent.push(owner.str("uid").to_owned()),
                Some(live) if waits_for_dependents(View::from(&live)) => waiting += 1,
                Some(_) => solid += 1,
            }
        }
        if solid > 0 {
            return if absent.is_empty() { Ok(()) } else { self.disown(&node.path, &object, &absent).await };
        }
        if absent.is_empty() && waiting == 0 {
            return Ok(());
        }
        // The dependents of what an owner in the foreground waits for are waited for too.
        let has_dependents = waiting > 0 && self.graph().has_dependents(uid);
        let finalizers: Vec<&str> = metadata.strings("finalizers").collect();
        let policy = if finalizers.contains(&graph::ORPHAN) {
            "Orphan"
        } else if has_dependents || finalizers.contains(&graph::FOREGROUND) {
            "Foreground"
        } else {
            "Background"
        };
        self.delete(&node.path, metadata, policy).await
    }

    /// The live owner behind a reference, if it exists.
    async fn owner(&self, reference: View<'_>, namespace: &str) -> Result<Option<Value>, kube::Error> {
        let (group, _) = reference.str("apiVersion").rsplit_once('/').unwrap_or(("", ""));
        let known = {
            let collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
            collections.iter().find(|c| c.group == group && c.kind == reference.str("kind")).cloned()
        };
        // Who owns something of a kind that is not known here is not for us to judge.
        let Some(collection) = known else { return Ok(Some(Value::Null)) };
        let path = format!("{}/{}", collection.in_namespace(namespace), reference.str("name"));
        let found = api::find(&self.client, &path).await?;
        Ok(found.filter(|owner| View::from(owner).get("metadata").str("uid") == reference.str("uid")))
    }

    /// Takes an owner that goes out of its dependents, then lets it go.
    async fn orphan(&self, uid: &str) -> Result<(), kube::Error> {
        let (node, dependents) = {
            let graph = self.graph();
            (graph.get(uid), graph.dependents(uid))
        };
        let Some(node) = node else { return Ok(()) };
        for dependent in dependents {
            if let Some(object) = api::find(&self.client, &dependent.path).await? {
                self.disown(&dependent.path, &object, &[uid.to_owned()]).await?;
            }
        }
        self.remove_finalizer(&node.path, graph::ORPHAN).await
    }

    /// Deletes the dependents of an owner that waits for them, or lets it go if there are none that it waits for.
    async fn delete_dependents(&self, uid: &str) -> Result<(), kube::Error> {
        let (node, dependents) = {
            let graph = self.graph();
            (graph.get(uid), graph.dependents(uid))
        };
        let Some(node) = node else { return Ok(()) };
        let mut blocked = false;
        for dependent in &dependents {
            blocked |= dependent.blocks(uid);
            self.check_owners(&dependent.uid).await?;
        }
        if blocked { Ok(()) } else { self.remove_finalizer(&node.path, graph::FOREGROUND).await }
    }

    async fn disown(&self, path: &str, object: &Value, owners: &[String]) -> Result<(), kube::Error> {
        let metadata = View::from(object).get("metadata");
        let references = metadata.list("ownerReferences");
        let left: Vec<Value> = references
            .filter(|reference| !owners.iter().any(|uid| uid == reference.str("uid")))
            .map(View::to_value)
            .collect();
        let patch = json!({"metadata": {
            "uid": metadata.str("uid"), "resourceVersion": metadata.str("resourceVersion"), "ownerReferences": left,
        }});
        ignore_absent(api::send(&self.client, Method::PATCH, path, &patch).await)
    }

    async fn remove_finalizer(&self, path: &str, finalizer: &str) -> Result<(), kube::Error> {
        let Some(object) = api::find(&self.client, path).await? else { return Ok(()) };
        let metadata = View::from(&object).get("metadata");
        let left: Vec<&str> = metadata.strings("finalizers").filter(|name| *name != finalizer).collect();
        if left.len() == metadata.get("finalizers").len() {
            return Ok(());
        }
        let patch = json!({"metadata": {"resourceVersion": metadata.str("resourceVersion"), "finalizers": left}});
        ignore_absent(api::send(&self.client, Method::PATCH, path, &patch).await)
    }

    async fn delete(&self, path: &str, metadata: View<'_>, policy: &str) -> Result<(), kube::Error> {
        let options = json!({
            "propagationPolicy": policy,
            "preconditions": {"uid": metadata.str("uid"), "resourceVersion": metadata.str("resourceVersion")},
        });
        ignore_absent(api::send(&self.client, Method::DELETE, path, &options).await)
    }
}

fn waits_for_dependents(owner: View<'_>) -> bool {
    let metadata = owner.get("metadata");
    metadata.has("deletionTimestamp") && metadata.strings("finalizers").any(|name| name == graph::FOREGROUND)
}

fn ignore_absent(answer: Result<Value, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Err(error) if api::code(&error) == 404 => Ok(()),
        done => done.map(drop),
    }
}

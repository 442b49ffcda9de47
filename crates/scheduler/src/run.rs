//! The loop: hears of the cluster, places one pod after another, and has the rest done by tasks.
//!
//! All state belongs to the loop. Whether a pod that was placed really gets its node is found out by a task; until then
//! the pod counts as being there.

use crate::bind::{self, Binding};
use crate::cycle::{Placement, Placer};
use crate::diagnosis::Diagnosis;
use crate::model::pod::Pod;
use crate::plugins::Plugin;
use crate::preempt::{self, Budget, Candidate};
use crate::queue::{News, Queue, Waiting};
use crate::tell;
use crate::world::World;
use crate::{Settings, selectors};
use informer::{Cache, Change, Informers, Object, Recorder, Shared, kinds};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How many pods may be on their way to their nodes at once.
const MAX_BINDING: usize = 256;
/// After so many pods others get their turn on this thread.
const TURN: usize = 8;

/// What the loop hears of.
enum Event {
    Pod(Change),
    Node(Change),
    Namespace(Change),
    Claim(Change),
    Volume(Change),
    Class(Change),
}

/// What a task did.
enum Done {
    /// A pod got its node, or did not.
    Bound(Waiting, Result<(), String>),
    /// Something was told; nobody waits for it.
    Told,
}

/// Places pods until stopped.
pub async fn run(informers: Informers, settings: Settings, stop: CancellationToken) {
    // changes: caches -> the loop
    let (tx, events) = mpsc::unbounded_channel();
    let caches = Caches::open(&informers);
    caches.synced().await;
    caches.follow(&tx);
    let recorder = informers.recorder("default-scheduler");
    let scheduler = Scheduler {
        informers,
        recorder,
        settings,
        caches,
        world: World::default(),
        queue: Queue::default(),
        placer: Placer::new(informer::clock::now_nanos()),
        binding: HashMap::new(),
        has_seen_node: false,
        tasks: JoinSet::new(),
        start: Instant::now(),
    };
    stop.run_until_cancelled(scheduler.run(events)).await;
}

struct Caches {
    pods: Arc<Cache>,
    nodes: Arc<Cache>,
    namespaces: Arc<Cache>,
    claims: Arc<Cache>,
    volumes: Arc<Cache>,
    classes: Arc<Cache>,
    budgets: Arc<Cache>,
    owners: selectors::Owners,
}

impl Caches {
    fn open(informers: &Informers) -> Caches {
        Caches {
            pods: informers.cache(&kinds::PODS),
            nodes: informers.cache(&kinds::NODES),
            namespaces: informers.cache(&kinds::NAMESPACES),
            claims: informers.cache(&kinds::PERSISTENT_VOLUME_CLAIMS),
            volumes: informers.cache(&kinds::PERSISTENT_VOLUMES),
            classes: informers.cache(&kinds::STORAGE_CLASSES),
            budgets: informers.cache(&kinds::POD_DISRUPTION_BUDGETS),
            owners: selectors::Owners::open(informers),
        }
    }

    async fn synced(&self) {
        let own =
            [&self.pods, &self.nodes, &self.namespaces, &self.claims, &self.volumes, &self.classes, &self.budgets];
        for cache in own.into_iter().chain(self.owners.all()) {
            cache.synced().await;
        }
    }

    /// Nodes and volumes first: pods are placed by what is known.
    fn follow(&self, tx: &mpsc::UnboundedSender<Event>) {
        let wire = |cache: &Cache, wrap: fn(Change) -> Event| {
            let tx = tx.clone();
            // The loop ends with its receiver; then nobody needs to hear.
            cache.subscribe(move |change| drop(tx.send(wrap(change.clone()))));
        };
        wire(&self.namespaces, Event::Namespace);
        wire(&self.classes, Event::Class);
        wire(&self.volumes, Event::Volume);
        wire(&self.claims, Event::Claim);
        wire(&self.nodes, Event::Node);
        wire(&self.pods, Event::Pod);
    }
}

struct Scheduler {
    informers: Informers,
    recorder: Recorder,
    settings: Settings,
    caches: Caches,
    world: World,
    queue: Queue,
    placer: Placer,
    /// Pods on their way to their nodes, by uid.
    binding: HashMap<Box<str>, Arc<Pod>>,
    /// Whether there is or was a node. A control plane that never had one is left alone: nothing is said of its pods.
    has_seen_node: bool,
    tasks: JoinSet<Done>,
    start: Instant,
}

impl Scheduler {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        let mut turn = 0;
        loop {
            while let Ok(event) = events.try_recv() {
                self.hear(event);
            }
            while let Some(done) = self.tasks.try_join_next() {
                self.finish(done);
            }
            if self.may_place()
                && let Some(waiting) = self.queue.pop(self.now())
            {
                self.place(waiting);
                turn += 1;
                if turn % TURN == 0 {
                    tokio::task::yield_now().await;
                }
                continue;
            }
            let alarm = self.alarm();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.hear(event),
                    None => return,
                },
                Some(done) = self.tasks.join_next() => self.finish(done),
                () = sleep_until(alarm) => self.queue.flush(self.now()),
            }
        }
    }

    fn may_place(&self) -> bool {
        self.has_seen_node && self.binding.len() < MAX_BINDING
    }

    /// When to look again if nothing happens. While pods are on their way, their arrival is what happens.
    fn alarm(&self) -> Option<Instant> {
        let now = self.now();
        let next = self.queue.next_alarm(now)?;
        self.may_place().then(|| self.start + Duration::from_millis(next.max(now + 1)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Pod(change) => self.hear_of_pod(&change),
            Event::Node(change) => self.hear_of_node(&change),
            Event::Namespace(change) => match &change.new {
                Some(namespace) => {
                    let is_same = change.old.as_ref().is_some_and(|old| old.labels().same(namespace.labels()));
                    if !is_same {
                        self.world.put_namespace(namespace);
                        self.wake(News::Namespace);
                    }
                }
                None => self.world.remove_namespace(change.object().name()),
            },
            Event::Claim(change) => self.hear_of_storage(&change, |storage| &mut storage.claims),
            Event::Volume(change) => self.hear_of_storage(&change, |storage| &mut storage.volumes),
            Event::Class(change) => self.hear_of_storage(&change, |storage| &mut storage.classes),
        }
    }

    fn hear_of_storage(
        &mut self,
        change: &Change,
        part: fn(&mut crate::plugins::volumes::Storage) -> &mut HashMap<String, Shared>,
    ) {
        let key = change.object().key();
        match &change.new {
            Some(object) => drop(part(&mut self.world.storage).insert(key, object.clone())),
            None => drop(part(&mut self.world.storage).remove(&key)),
        }
        self.wake(News::Storage);
    }

    fn hear_of_node(&mut self, change: &Change) {
        let Some(node) = &change.new else { return self.world.remove_node(change.object().name()) };
        self.has_seen_node = true;
        let Some(old) = &change.old else {
            self.world.put_node(node);
            return self.wake(News::NodeCame);
        };
        let differs = |a: &Object, path: &[&str]| !old.view().at(path).same(a.view().at(path));
        let mut news = Vec::new();
        if differs(node, &["status", "allocatable"]) {
            news.push(News::NodeAmounts);
        }
        if differs(node, &["metadata", "labels"]) {
            news.push(News::NodeLabels);
        }
        if differs(node, &["spec", "taints"]) || differs(node, &["spec", "unschedulable"]) {
            news.push(News::NodeTaints);
        }
        // Most updates of nodes are signs of life.
        if !news.is_empty() || differs(node, &["status", "images"]) {
            self.world.put_node(node);
        }
        news.into_iter().for_each(|news| self.wake(news));
    }

    fn hear_of_pod(&mut self, change: &Change) {
        let object = change.object();
        let has_ended = matches!(object.status().str("phase"), "Succeeded" | "Failed");
        if change.new.is_none() || has_ended {
            self.queue.remove(object.uid());
            self.world.forget_nominated(object.uid());
            if self.world.remove_pod(object.uid()).is_some() {
                self.wake(News::PodWent);
            }
            return;
        }
        if !object.spec().str("nodeName").is_empty() {
            return self.hear_of_placed(change);
        }
        let is_ours = object.spec().str("schedulerName") == self.settings.scheduler_name;
        if !is_ours || self.binding.contains_key(object.uid()) {
            return;
        }
        if object.is_going() {
            self.queue.remove(object.uid());
            return self.world.forget_nominated(object.uid());
        }
        let pod = Arc::new(Pod::read(object, &mut self.world.classes));
        let matters = change
            .old
            .as_ref()
            .is_none_or(|old| !old.spec().same(object.spec()) || !old.labels().same(object.labels()));
        self.world.nominate(&pod, &pod.nominated);
        self.queue.put(pod, matters, self.now());
    }

    fn hear_of_placed(&mut self, change: &Change) {
        let object = change.object();
        let pod = Arc::new(Pod::read(object, &mut self.world.classes));
        self.queue.remove(&pod.uid);
        self.world.forget_nominated(&pod.uid);
        let old = self.world.remove_pod(&pod.uid);
        let is_alike = old.as_ref().is_some_and(|old| old.class.id == pod.class.id);
        let needs_less = old.as_ref().is_some_and(|old| old.requests != pod.requests);
        self.world.put_pod(pod);
        if !is_alike {
            self.wake(News::PodCame);
        }
        if needs_less {
            self.wake(News::PodWent);
        }
    }

    fn wake(&mut self, news: News) {
        let now = self.now();
        self.queue.wake(news, now);
    }

    fn place(&mut self, waiting: Waiting) {
        let key = waiting.pod.key();
        // It may have gone since it was put into the queue.
        let Some(object) = self.caches.pods.by_key(&key).filter(|pod| pod.uid() == &*waiting.pod.uid) else { return };
        let default = self.caches.owners.selector_for(&object);
        match self.placer.place(&self.world, &waiting.pod, default.as_ref()) {
            Ok(placement) => self.bind(waiting, object, placement),
            Err(diagnosis) => self.refuse(waiting, &object, diagnosis),
        }
    }

    fn bind(&mut self, waiting: Waiting, object: Shared, placement: Placement) {
        debug!(pod = waiting.pod.key(), node = &*placement.node, "placed");
        let placed = waiting.pod.placed(&placement.node, &object, &mut self.world.classes);
        self.world.forget_nominated(&placed.uid);
        self.world.put_pod(placed.clone());
        self.binding.insert(placed.uid.clone(), placed);
        let (informers, recorder) = (self.informers.clone(), self.recorder.clone());
        self.tasks.spawn(async move {
            let binding = Binding { informers: &informers, recorder: &recorder, pod: &object, placement: &placement };
            Done::Bound(waiting, bind::bind(binding).await)
        });
    }

    fn refuse(&mut self, waiting: Waiting, object: &Shared, mut diagnosis: Diagnosis) {
        let mut nominated = None;
        if self.world.len() > 0 {
            match preempt::preempt(&self.world, &waiting.pod, &diagnosis, &self.budgets()) {
                Ok(candidate) => nominated = Some(self.make_room(&waiting.pod, object, candidate)),
                Err(why) => {
                    diagnosis.preemption = Some(format!("no new claims to deallocate, preemption: {why}"));
                }
            }
        }
        let message = diagnosis.message();
        let (informers, recorder, pod) = (self.informers.clone(), self.recorder.clone(), object.clone());
        self.tasks.spawn(async move {
            tell::refused(&informers, &recorder, &pod, message, nominated.as_deref()).await;
            Done::Told
        });
        let mut refused_by = diagnosis.plugins();
        if self.world.len() == 0 {
            refused_by.insert(Plugin::NodeName);
        }
        let now = self.now();
        self.queue.give_back(waiting, refused_by, now);
    }

    fn make_room(&mut self, pod: &Arc<Pod>, object: &Shared, candidate: Candidate) -> Box<str> {
        let (informers, recorder, preemptor) = (self.informers.clone(), self.recorder.clone(), object.clone());
        let node = candidate.node.clone();
        let victims: Vec<Shared> =
            candidate.victims.iter().filter_map(|victim| self.caches.pods.by_key(&victim.key())).collect();
        self.world.nominate(pod, &node);
        let on_node = node.clone();
        self.tasks.spawn(async move {
            tell::make_room(&informers, &recorder, &preemptor, &victims, &on_node).await;
            Done::Told
        });
        node
    }

    fn budgets(&self) -> Vec<Budget> {
        self.caches.budgets.all().iter().map(Budget::read).collect()
    }

    fn finish(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(Done::Told) => {}
            Ok(Done::Bound(waiting, Ok(()))) => drop(self.binding.remove(&waiting.pod.uid)),
            Ok(Done::Bound(waiting, Err(why))) => {
                warn!(pod = waiting.pod.key(), why, "a pod did not get its node");
                self.forget(&waiting);
                let now = self.now();
                if let Some(object) = self.still_waits(&waiting) {
                    self.recorder.warning(&kinds::PODS, &object, "FailedScheduling", why);
                    self.queue.retry(waiting, now);
                }
            }
            Err(panic) => warn!(%panic, "a task of the scheduler ended badly"),
        }
    }

    /// Takes a pod from the node that it did not get.
    fn forget(&mut self, waiting: &Waiting) {
        self.binding.remove(&waiting.pod.uid);
        let is_there = self
            .caches
            .pods
            .by_key(&waiting.pod.key())
            .is_some_and(|pod| pod.uid() == &*waiting.pod.uid && !pod.spec().str("nodeName").is_empty());
        if !is_there && self.world.remove_pod(&waiting.pod.uid).is_some() {
            self.wake(News::PodWent);
        }
    }

    fn still_waits(&self, waiting: &Waiting) -> Option<Shared> {
        let pod = self.caches.pods.by_key(&waiting.pod.key())?;
        (pod.uid() == &*waiting.pod.uid && pod.spec().str("nodeName").is_empty() && !pod.is_going()).then_some(pod)
    }
}

async fn sleep_until(alarm: Option<Instant>) {
    match alarm {
        Some(alarm) => tokio::time::sleep_until(alarm).await,
        None => std::future::pending().await,
    }
}

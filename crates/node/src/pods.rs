//! All pods of the node: gives each a worker, passes on what the API and the runtime tell, and takes away what belongs
//! to nobody.

mod orphans;

use crate::context::Context;
use crate::core::admit::{self, Refusal};
use crate::core::model::{is_mirror, is_static};
use crate::core::status;
use crate::events::Severity;
use crate::follow::{self, Change};
use crate::report::Reporter;
use crate::worker::{Order, Worker};
use container::Event;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use kube::api::Api;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

/// Refusals take these words in front of their message.
const REJECTED: &str = "Pod was rejected: ";

/// News for the dispatcher.
#[derive(Debug)]
pub(crate) enum News {
    /// From the API.
    Api(Box<Change<Pod>>),
    /// Static pods: these are all.
    Static(Vec<Pod>),
    /// A pod uses more than it may: its uid, and why.
    Evict(String, String),
    /// A worker has ended.
    Done(String),
}

/// A pod that the node has.
#[derive(Debug)]
struct Held {
    order_tx: watch::Sender<Order>,
    wake: Arc<Notify>,
    reporter: Arc<Reporter>,
}

/// The pods of the node, for those who ask about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pods {
    held: Arc<Mutex<HashMap<String, Held>>>,
    /// Mirror pods by the static pod's full name.
    mirrors: Arc<Mutex<HashMap<String, Pod>>>,
}

/// A pod with its present status.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) pod: Arc<Pod>,
    pub(crate) status: Arc<PodStatus>,
}

impl Pods {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Known> {
        let held = self.lock();
        held.values()
            .map(|held| Known { pod: held.order_tx.borrow().pod().clone(), status: held.reporter.last() })
            .collect()
    }

    /// One by its name; of static pods the one that runs.
    pub(crate) fn named(&self, namespace: &str, name: &str) -> Option<Known> {
        self.all().into_iter().find(|known| {
            let meta = &known.pod.metadata;
            meta.namespace.as_deref() == Some(namespace) && meta.name.as_deref() == Some(name)
        })
    }

    /// The mirror of a static pod.
    pub(crate) fn mirror(&self, namespace: &str, name: &str) -> Option<Pod> {
        let mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
        mirrors.get(&format!("{namespace}/{name}")).cloned()
    }

    /// All mirrors.
    pub(crate) fn mirrors(&self) -> Vec<Pod> {
        self.mirrors.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether the node has a pod.
    pub(crate) fn has(&self, uid: &str) -> bool {
        self.lock().contains_key(uid)
    }

    fn wake(&self, uid: &str) {
        if let Some(held) = self.lock().get(uid) {
            held.wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|held| held.wake.notify_one());
    }
}

/// Runs the pods of the node until it stops. Containers go on after that.
pub(crate) async fn run(
    context: Arc<Context>,
    pods: Pods,
    news_tx: mpsc::UnboundedSender<News>,
    news_rx: mpsc::UnboundedReceiver<News>,
) {
    let api: Api<Pod> = Api::all(context.client.clone());
    let fields = format!("spec.nodeName={}", context.config.name);
    let stop = context.stop.clone();
    let events = context.runtime.events();
    let to_dispatcher = news_tx.clone();
    let following = follow::follow(&api, &fields, &stop, move |change| {
        // The dispatcher ends only after this does.
        let _ = to_dispatcher.send(News::Api(Box::new(change)));
    });
    let dispatcher = Dispatcher { context: context.clone(), pods: pods.clone(), workers: HashMap::new(), news_tx };
    tokio::join!(following, dispatcher.run(news_rx), pass_on(&pods, events, &context));
}

/// Passes on what the runtime tells.
async fn pass_on(pods: &Pods, mut events: broadcast::Receiver<Event>, context: &Context) {
    loop {
        let Some(event) = context.stop.run_until_cancelled(events.recv()).await else { return };
        match event {
            Ok(Event::Started { pod, .. } | Event::Exited { pod, .. } | Event::PodLost { pod }) => pods.wake(&pod),
            Err(broadcast::error::RecvError::Lagged(_)) => pods.wake_all(),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Owns the workers.
struct Dispatcher {
    context: Arc<Context>,
    pods: Pods,
    workers: HashMap<String, JoinHandle<()>>,
    news_tx: mpsc::UnboundedSender<News>,
}

impl Dispatcher {
    async fn run(mut self, mut news_rx: mpsc::UnboundedReceiver<News>) {
        let stop = self.context.stop.clone();
        while let Some(Some(news)) = stop.run_until_cancelled(news_rx.recv()).await {
            self.hear(news);
        }
        for (_, worker) in self.workers.drain() {
            worker.abort();
        }
        // The reporters end when nobody can tell them anything any more.
        self.pods.lock().clear();
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Api(change) => match *change {
                Change::All(all) => self.all(all),
                Change::Put(pod) => self.put(pod),
                Change::Gone(pod) => self.gone(pod),
            },
            News::Static(all) => self.statics(all),
            News::Evict(uid, why) => {
                if let Some(held) = self.pods.lock().get(&uid) {
                    held.order_tx.send_modify(|order| *order = Order::Evict(order.pod().clone(), why));
                }
            }
            News::Done(uid) => {
                self.pods.lock().remove(&uid);
                self.workers.remove(&uid);
            }
        }
    }

    /// What the API has: what it no longer has is gone, and what nobody knows is taken away.
    fn all(&mut self, all: Vec<Pod>) {
        let there: HashSet<String> = all.iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
        let lost: Vec<Arc<Pod>> = {
            let held = self.pods.lock();
            let pods = held.values().map(|held| held.order_tx.borrow().pod().clone());
            pods.filter(|pod| !is_static(pod) && !pod.metadata.uid.as_ref().is_some_and(|uid| there.contains(uid)))
                .collect()
        };
        lost.into_iter().for_each(|pod| self.gone((*pod).clone()));
        // Pods that have run take what they need before others are admitted.
        let (known, fresh): (Vec<Pod>, Vec<Pod>) = all.into_iter().partition(|pod| self.has_run(pod));
        known.into_iter().chain(fresh).for_each(|pod| self.put(pod));
        let (context, pods) = (self.context.clone(), self.pods.clone());
        self.context.tasks.spawn(async move {
            let stop = context.stop.clone();
            // What is not done when the node stops is found by the next one.
            let _ = stop.run_until_cancelled(orphans::remove(context, pods)).await;
        });
    }

    fn has_run(&self, pod: &Pod) -> bool {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        self.context.runtime.pod(uid).is_ok()
            || pod.status.as_ref().and_then(|status| status.phase.as_deref()).is_some_and(|phase| phase != "Pending")
    }

    fn put(&mut self, pod: Pod) {
        if is_mirror(&pod) {
            self.mirrored(pod);
            return;
        }
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let pod = Arc::new(pod);
        if let Some(held) = self.pods.lock().get(&uid) {
            held.order_tx.send_if_modified(|order| {
                let known = order.pod();
                let same = known.metadata.resource_version == pod.metadata.resource_version;
                let own_echo = same || only_status_changed(known, &pod, &held.reporter.last());
                if !own_echo {
                    *order = order.renewed(pod.clone());
                }
                !own_echo
            });
            return;
        }
        self.begin(uid, pod);
    }

    /// The API has a mirror; if it is a new one it has to be told the status.
    fn mirrored(&mut self, pod: Pod) {
        let name = full_name(&pod);
        let uid = pod.metadata.uid.clone();
        let known = {
            let mut mirrors = self.pods.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
            mirrors.insert(name.clone(), pod)
        };
        if known.and_then(|known| known.metadata.uid) != uid {
            let held = self.pods.lock();
            let of_mirror = held.values().filter(|held| full_name(held.order_tx.borrow().pod()) == name);
            of_mirror.for_each(|held| held.reporter.again());
        }
    }

    fn gone(&mut self, pod: Pod) {
        if is_mirror(&pod) {
            let mut mirrors = self.pods.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
            mirrors.remove(&full_name(&pod));
            return;
        }
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if let Some(held) = self.pods.lock().get(&uid) {
            held.order_tx.send_replace(Order::Gone(Arc::new(pod)));
        }
    }

    fn statics(&mut self, all: Vec<Pod>) {
        let there: HashSet<String> = all.iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
        let gone: Vec<Arc<Pod>> = {
            let held = self.pods.lock();
            let pods = held.values().map(|held| held.order_tx.borrow().pod().clone());
            pods.filter(|pod| is_static(pod) && !pod.metadata.uid.as_ref().is_some_and(|uid| there.contains(uid)))
                .collect()
        };
        gone.into_iter().for_each(|pod| self.gone((*pod).clone()));
        all.into_iter().for_each(|pod| self.put(pod));
    }

    /// Gives a pod a worker, if the node takes it.
    fn begin(&mut self, uid: String, pod: Arc<Pod>) {
        let order = match self.refusal(&pod) {
            None => Order::Run(pod.clone()),
            Some(refusal) => {
                self.context.events.pod(&pod, Severity::Warning, reason(&refusal.reason), refusal.message.clone());
                let message = format!("{REJECTED}{}", refusal.message);
                let status = status::reject(&pod, &refusal.reason, &message, Timestamp::now());
                Order::Refuse(pod.clone(), Box::new(status))
            }
        };
        let known = pod.status.clone().unwrap_or_default();
        let (reporter, writing) = Reporter::new(self.context.client.clone(), &pod, known);
        let reporter = Arc::new(reporter);
        self.context.tasks.spawn(writing);
        let wake = Arc::new(Notify::new());
        let (order_tx, order_rx) = watch::channel(order);
        let worker = Worker::new(self.context.clone(), order_rx, wake.clone(), reporter.clone());
        let (news_tx, done) = (self.news_tx.clone(), uid.clone());
        let task = self.context.tasks.spawn(async move {
            worker.run().await;
            // Without a dispatcher nobody needs to know.
            let _ = news_tx.send(News::Done(done));
        });
        debug!(uid, "a pod is here");
        self.pods.lock().insert(uid.clone(), Held { order_tx, wake, reporter });
        self.workers.insert(uid, task);
    }

    /// Whether the node does not take a pod. One that has run here is always taken.
    fn refusal(&self, pod: &Pod) -> Option<Refusal> {
        if self.has_run(pod) || pod.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let node = self.context.node_rx.borrow().clone();
        let others: Vec<Arc<Pod>> = {
            let held = self.pods.lock();
            let active =
                held.values().filter(|held| !held.reporter.last().phase.as_deref().is_some_and(status::is_terminal));
            active.map(|held| held.order_tx.borrow().pod().clone()).collect()
        };
        admit::admit(pod, &node, others.iter().map(|pod| &**pod)).err()
    }
}

fn full_name(pod: &Pod) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!("{}/{}", text(&pod.metadata.namespace), text(&pod.metadata.name))
}

/// Reasons of events are constants; those of refusals are few.
fn reason(text: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "OutOfcpu",
        "OutOfmemory",
        "OutOfephemeral-storage",
        "OutOfpods",
        "NodeAffinity",
        "NodeName",
        "NodePorts",
        "TaintToleration",
        "PodOSNotSupported",
    ];
    KNOWN.into_iter().find(|known| *known == text).unwrap_or("UnexpectedAdmissionError")
}

/// Whether a pod differs from the known one in nothing but the status that the node itself wrote.
fn only_status_changed(known: &Pod, new: &Pod, last: &PodStatus) -> bool {
    let others = |pod: &Pod| -> Vec<(String, String)> {
        let own = ["Ready", "ContainersReady", "Initialized", "PodScheduled", "PodReadyToStartContainers"];
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let foreign = conditions.filter(|condition| !own.contains(&condition.type_.as_str()));
        foreign.map(|condition| (condition.type_.clone(), condition.status.clone())).collect()
    };
    let phase = |status: &PodStatus| status.phase.clone();
    known.spec == new.spec
        && known.metadata.deletion_timestamp == new.metadata.deletion_timestamp
        && known.metadata.deletion_grace_period_seconds == new.metadata.deletion_grace_period_seconds
        && known.metadata.labels == new.metadata.labels
        && known.metadata.annotations == new.metadata.annotations
        && known.metadata.generation == new.metadata.generation
        && others(known) == others(new)
        && (new.status.as_ref().is_none_or(|status| !phase(status).as_deref().is_some_and(status::is_terminal))
            || new.status.as_ref().and_then(phase) == phase(last))
}

/// A dispatcher that dies with pods in hand is worth a word.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        if !self.workers.is_empty() && !self.context.stop.is_cancelled() {
            warn!(pods = self.workers.len(), "the pods of the node are left alone");
        }
    }
}

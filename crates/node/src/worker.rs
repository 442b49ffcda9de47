//! The life of one pod on this node: a task that is woken by the API, by the runtime, by probes and by its own clock,
//! looks at everything anew, decides (`core::plan`) and acts.
//!
//! ```text
//! running ──(deleted · gone · all containers done)──▶ ending ──▶ over ──(deleted)──▶ removed
//! ```
//!
//! Nothing here needs to be remembered: what a restart of the node must know lies in the runtime and in the API.
//! [`sandbox`] makes what comes before containers, [`start`] starts them, [`stop`] stops them, [`end`] is the way out.

mod end;
mod sandbox;
mod start;
mod stop;

use crate::context::Context;
use crate::core::backoff::Backoff;
use crate::core::model::{PodState, SCHEME, spec};
use crate::core::plan::plan;
use crate::core::restart;
use crate::core::status::{self, Seen, Waiting};
use crate::events::Severity;
use crate::images::Pulls;
use crate::observe;
use crate::probes::Probes;
use crate::report::Reporter;
use crate::volumes::{Live, Mounted};
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The first pause after something failed; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONG_PAUSE: Duration = Duration::from_secs(20);

/// What a worker is told.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    /// The pod is this.
    Run(Arc<Pod>),
    /// The API no longer has the pod; it was this.
    Gone(Arc<Pod>),
    /// The node does not take it.
    Refuse(Arc<Pod>, Box<PodStatus>),
    /// It uses more than it may, for this reason.
    Evict(Arc<Pod>, String),
}

impl Order {
    /// The pod.
    pub(crate) fn pod(&self) -> &Arc<Pod> {
        match self {
            Order::Run(pod) | Order::Gone(pod) | Order::Refuse(pod, _) | Order::Evict(pod, _) => pod,
        }
    }

    /// What holds when the API tells something new of the pod: it runs, unless it was not taken or is evicted.
    pub(crate) fn renewed(&self, pod: Arc<Pod>) -> Order {
        match self {
            Order::Refuse(_, status) if pod.metadata.deletion_timestamp.is_none() => Order::Refuse(pod, status.clone()),
            Order::Evict(_, why) if pod.metadata.deletion_timestamp.is_none() => Order::Evict(pod, why.clone()),
            _ => Order::Run(pod),
        }
    }

    /// Whether the pod is to end.
    fn ends(&self) -> bool {
        match self {
            Order::Run(pod) => pod.metadata.deletion_timestamp.is_some(),
            Order::Gone(_) | Order::Refuse(..) | Order::Evict(..) => true,
        }
    }

    /// Whether the API waits to be told that the pod is over, or has it no more.
    fn leaves(&self) -> bool {
        match self {
            Order::Run(pod) | Order::Refuse(pod, _) | Order::Evict(pod, _) => pod.metadata.deletion_timestamp.is_some(),
            Order::Gone(_) => true,
        }
    }
}

/// What a pod's worker is about to do.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// All its containers are done.
    Over,
    /// Look again when something happens, or at this time.
    Wait(Option<Instant>),
}

/// One pod.
pub(crate) struct Worker {
    context: Arc<Context>,
    uid: String,
    /// orders: dispatcher -> worker
    orders_rx: watch::Receiver<Order>,
    /// The runtime, a probe or an object has news.
    wake: Arc<Notify>,
    reporter: Arc<Reporter>,
    /// The pod as it is: worker -> its volumes
    pod_tx: watch::Sender<Arc<Pod>>,
    probes: Probes,
    waiting: Waiting,
    backoff: Backoff,
    pulls: Pulls,
    volumes: Option<HashMap<String, Mounted>>,
    live: Option<Live>,
    addresses: Vec<IpAddr>,
    failures: u32,
    seen_at: Instant,
    is_running: bool,
}

impl Worker {
    pub(crate) fn new(
        context: Arc<Context>,
        orders_rx: watch::Receiver<Order>,
        wake: Arc<Notify>,
        reporter: Arc<Reporter>,
    ) -> Worker {
        let pod = orders_rx.borrow().pod().clone();
        Worker {
            context,
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            orders_rx,
            probes: Probes::new(wake.clone()),
            wake,
            reporter,
            pod_tx: watch::channel(pod).0,
            waiting: Waiting::new(),
            backoff: Backoff::new(Backoff::FIRST, Backoff::LONGEST),
            pulls: Pulls::new(),
            volumes: None,
            live: None,
            addresses: Vec::new(),
            failures: 0,
            seen_at: Instant::now(),
            is_running: false,
        }
    }

    /// Works until the pod is over and gone, or is dropped when the node stops; containers then go on.
    pub(crate) async fn run(mut self) {
        let phase = self.reporter.last().phase.clone();
        let was_over = phase.as_deref().is_some_and(status::is_terminal);
        while !was_over && !self.order().ends() {
            match self.next().await {
                Some(Next::Over) => break,
                Some(Next::Wait(until)) => self.wait(until).await,
                None => {}
            }
        }
        self.end().await;
    }

    fn order(&self) -> Order {
        self.orders_rx.borrow().clone()
    }

    fn pod(&self) -> Arc<Pod> {
        self.orders_rx.borrow().pod().clone()
    }

    /// One look and what follows from it; given up when the pod is to end.
    async fn next(&mut self) -> Option<Next> {
        let mut orders = self.orders_rx.clone();
        tokio::select! {
            next = self.sync() => Some(next),
            _ = orders.wait_for(Order::ends) => None,
        }
    }

    /// Waits for news, at most until a time.
    async fn wait(&mut self, until: Option<Instant>) {
        let timer = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.wake.notified() => {}
            changed = self.orders_rx.changed() => if changed.is_err() { std::future::pending::<()>().await },
            () = timer => {}
        }
    }

    /// Looks, decides, acts, and tells.
    async fn sync(&mut self) -> Next {
        let pod = self.pod();
        self.pod_tx.send_if_modified(|known| {
            let changed = !Arc::ptr_eq(known, &pod);
            if changed {
                known.clone_from(&pod);
            }
            changed
        });
        if let Some(next) = self.deadline(&pod) {
            return next;
        }
        let mut retry = None;
        if let Err(again) = self.prepare_adopted(&pod).await {
            retry = Some(again);
        }
        let state = self.observe();
        let status = self.status(&pod, &state, false);
        if status.phase.as_deref().is_some_and(status::is_terminal) {
            return Next::Over;
        }
        let restart_all = self.restarts_all(&pod, &state, &status);
        self.tell(status);
        self.follow_probes(&pod, &state);
        let plan = plan(&pod, &state, &self.probes.verdicts(), restart_all);
        let acted = self.carry_out(&pod, &state, plan).await;
        match acted {
            Ok(None) => self.failures = 0,
            Ok(Some(at)) => retry = earlier(retry, Some(at)),
            Err(()) => {
                let pause = PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONG_PAUSE);
                self.failures = self.failures.saturating_add(1);
                retry = earlier(retry, Some(Instant::now() + pause));
            }
        }
        let state = self.observe();
        let status = self.status(&pod, &state, false);
        if status.phase.as_deref().is_some_and(status::is_terminal) {
            return Next::Over;
        }
        self.note_running(&status);
        self.tell(status);
        self.follow_probes(&pod, &state);
        Next::Wait(earlier(retry, self.deadline_at(&pod)))
    }

    fn observe(&self) -> PodState {
        observe::pod(&self.context.runtime, &self.uid, &self.addresses)
    }

    fn status(&self, pod: &Pod, state: &PodState, terminal: bool) -> PodStatus {
        let old = self.reporter.last();
        status::generate(&Seen {
            pod,
            state,
            old: &old,
            verdicts: &self.probes.verdicts(),
            waiting: &self.waiting,
            hosts: &self.context.hosts,
            terminal,
            now: Timestamp::now(),
        })
    }

    fn restarts_all(&self, pod: &Pod, state: &PodState, status: &PodStatus) -> bool {
        restart::all_could_restart(spec(pod))
            && !restart::all_cleared(pod, state)
            && status
                .conditions
                .iter()
                .flatten()
                .any(|condition| condition.type_ == restart::ALL_RESTARTING && condition.status == "True")
    }

    fn tell(&self, status: PodStatus) {
        self.reporter.report(status);
    }

    fn follow_probes(&mut self, pod: &Arc<Pod>, state: &PodState) {
        let last = self.reporter.last();
        let lists = [&last.container_statuses, &last.init_container_statuses];
        let started = lists.into_iter().flatten().flatten().filter(|status| status.started == Some(true));
        let started: Vec<String> = started
            .filter_map(|status| Some(status.container_id.as_deref()?.strip_prefix(SCHEME)?.to_owned()))
            .collect();
        self.probes.follow(&self.context, pod, state, &started);
    }

    fn note_running(&mut self, status: &PodStatus) {
        let running = status.phase.as_deref() == Some("Running");
        let was_pending = self.reporter.last().phase.as_deref() == Some("Pending");
        if running && was_pending && !self.is_running {
            self.context.metrics.pod_took(self.seen_at.elapsed());
        }
        self.is_running |= running;
    }

    /// When the pod has run for as long as it may.
    fn deadline_at(&self, pod: &Pod) -> Option<Instant> {
        let seconds = spec(pod).active_deadline_seconds?;
        let started = self.reporter.last().start_time.clone()?;
        let left = started.0.as_second().saturating_add(seconds).saturating_sub(Timestamp::now().as_second());
        Some(Instant::now() + Duration::from_secs(u64::try_from(left).unwrap_or_default()))
    }

    /// Ends a pod whose time is over.
    fn deadline(&mut self, pod: &Pod) -> Option<Next> {
        let at = self.deadline_at(pod)?;
        if at > Instant::now() {
            return None;
        }
        let message = "Pod was active on the node longer than the specified deadline";
        self.context.events.pod(pod, Severity::Normal, "DeadlineExceeded", message);
        let mut status = (*self.reporter.last()).clone();
        status.phase = Some("Failed".to_owned());
        status.reason = Some("DeadlineExceeded".to_owned());
        status.message = Some(message.to_owned());
        self.tell(status);
        Some(Next::Over)
    }
}

/// The earlier of two times.
fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

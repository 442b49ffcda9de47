//! Probes: one task for each probe of each running container. Their outcomes wake the pod's worker.
//!
//! When a probe runs and what a row of results means stands in [`crate::core::probe`]; here it is run.

mod grpc;
mod run;

use crate::context::Context;
use crate::core::model::{Outcome, PodState, Run, Verdict, Verdicts, inits, is_sidecar, lasting, spec};
use crate::core::probe::{Kind, Row, Timing};
use crate::events::{Severity, container_path};
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::jiff::Timestamp;
pub(crate) use run::Found;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// How often a probe that could not be run is tried again at once.
const TRIES: u32 = 3;

/// The probes of one pod.
#[derive(Debug)]
pub(crate) struct Probes {
    shared: Arc<Shared>,
    /// By container.
    running: HashMap<String, Probed>,
}

/// What probes tell their worker.
#[derive(Debug)]
struct Shared {
    verdicts: Mutex<Verdicts>,
    /// An outcome has changed.
    wake: Arc<Notify>,
}

/// The probes of one container.
#[derive(Debug)]
struct Probed {
    /// Whether it has started up: worker and startup probe -> other probes
    started_tx: watch::Sender<bool>,
    tasks: Vec<(Kind, JoinHandle<()>)>,
}

impl Drop for Probed {
    fn drop(&mut self) {
        self.tasks.iter().for_each(|(_, task)| task.abort());
    }
}

/// All that a probe has to know.
struct Job {
    context: Arc<Context>,
    pod: Arc<Pod>,
    container: Container,
    id: String,
    address: String,
    kind: Kind,
    timing: Timing,
    started_at: Timestamp,
    started_tx: watch::Sender<bool>,
    shared: Arc<Shared>,
}

impl Probes {
    /// No probes yet; `wake` is told of changed outcomes.
    pub(crate) fn new(wake: Arc<Notify>) -> Probes {
        let shared = Arc::new(Shared { verdicts: Mutex::default(), wake });
        Probes { shared, running: HashMap::new() }
    }

    /// What the probes found.
    pub(crate) fn verdicts(&self) -> Verdicts {
        self.shared.verdicts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the probes of containers that run, and ends those of containers that do not.
    pub(crate) fn follow(&mut self, context: &Arc<Context>, pod: &Arc<Pod>, state: &PodState, started: &[String]) {
        let alive = |id: &String| state.containers.iter().any(|known| known.id == *id && known.is_running());
        self.running.retain(|id, _| alive(id));
        let known = |id: &String| state.containers.iter().any(|known| known.id == *id);
        self.shared.verdicts.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| known(id));
        let address = match state.addresses.first() {
            Some(address) => address.to_string(),
            None => context.hosts.first().map(ToString::to_string).unwrap_or_default(),
        };
        for container in lasting(spec(pod)) {
            let is_init = inits(spec(pod)).iter().any(|init| init.name == container.name);
            if is_init && !is_sidecar(container) || Kind::ALL.iter().all(|kind| kind.of(container).is_none()) {
                continue;
            }
            let Some(latest) = state.latest(&container.name) else { continue };
            let Run::Running { started_at } = latest.run else { continue };
            if self.running.contains_key(&latest.id) {
                continue;
            }
            let has_started = container.startup_probe.is_none() || started.contains(&latest.id);
            let started_tx = watch::channel(has_started).0;
            let tasks = Kind::ALL.into_iter().filter_map(|kind| {
                let timing = Timing::of(kind.of(container)?);
                if kind == Kind::Startup && has_started {
                    return None;
                }
                let job = Job {
                    context: context.clone(),
                    pod: pod.clone(),
                    container: container.clone(),
                    id: latest.id.clone(),
                    address: address.clone(),
                    kind,
                    timing,
                    started_at,
                    started_tx: started_tx.clone(),
                    shared: self.shared.clone(),
                };
                Some((kind, tokio::spawn(job.keep_probing())))
            });
            let tasks = tasks.collect();
            self.running.insert(latest.id.clone(), Probed { started_tx, tasks });
        }
    }

    /// A pod that ends is no longer asked whether it lives, only whether it is ready.
    pub(crate) fn readiness_only(&mut self) {
        for probed in self.running.values_mut() {
            let (kept, ended) = probed.tasks.drain(..).partition(|(kind, _)| *kind == Kind::Readiness);
            let ended: Vec<(Kind, JoinHandle<()>)> = ended;
            ended.iter().for_each(|(_, task)| task.abort());
            probed.tasks = kept;
            probed.started_tx.send_replace(true);
        }
    }

    /// Ends all probes.
    pub(crate) fn stop(&mut self) {
        self.running.clear();
    }
}

impl Job {
    async fn keep_probing(self) {
        let since = Timestamp::now().duration_since(self.started_at);
        let since = Duration::try_from(since).unwrap_or_default();
        tokio::time::sleep(self.timing.initial_delay.saturating_sub(since)).await;
        if self.kind != Kind::Startup {
            let mut started = self.started_tx.subscribe();
            if started.wait_for(|started| *started).await.is_err() {
                return;
            }
        }
        let mut row = Row::default();
        let mut ticks = tokio::time::interval(self.timing.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(success) = self.probe().await else { continue };
            let Some(outcome) = row.add(success, &self.timing) else { continue };
            self.settle(outcome);
            let is_final = self.kind == Kind::Startup || self.kind == Kind::Liveness && outcome == Outcome::Failure;
            if is_final {
                return;
            }
        }
    }

    /// Runs the probe once; `None` if it could not be run.
    async fn probe(&self) -> Option<bool> {
        let begun = Instant::now();
        let mut found = Found::Unknown(String::new());
        for _ in 0..TRIES {
            found = run::run(self).await;
            if !matches!(found, Found::Unknown(_)) {
                break;
            }
        }
        let kind = self.kind.name();
        self.context.metrics.probed(&self.pod, &self.container.name, self.kind, &found, begun.elapsed());
        let (reason, message, result) = match found {
            Found::Success => return Some(true),
            Found::Warning(output) => ("ProbeWarning", format!("{kind} probe warning: {output}"), Some(true)),
            Found::Failure(output) => ("Unhealthy", format!("{kind} probe failed: {output}"), Some(false)),
            Found::Unknown(why) => {
                ("Unhealthy", format!("{kind} probe errored and resulted in unknown state: {why}"), None)
            }
        };
        let path = container_path(&self.pod, &self.container.name);
        self.context.events.container(&self.pod, &path, Severity::Warning, reason, message);
        result
    }

    /// Writes the outcome down, and wakes the worker if it is news.
    fn settle(&self, outcome: Outcome) {
        let mut verdicts = self.shared.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict: &mut Verdict = verdicts.entry(self.id.clone()).or_default();
        let place = match self.kind {
            Kind::Startup => &mut verdict.startup,
            Kind::Liveness => &mut verdict.liveness,
            Kind::Readiness => &mut verdict.readiness,
        };
        if *place == Some(outcome) {
            return;
        }
        *place = Some(outcome);
        drop(verdicts);
        if self.kind == Kind::Startup && outcome == Outcome::Success {
            self.started_tx.send_replace(true);
        }
        self.shared.wake.notify_one();
    }
}

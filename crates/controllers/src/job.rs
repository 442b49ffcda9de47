//! Jobs: pods that run to their end, as many times as asked.
//!
//! [`facts`] is what a Job and its pods come to; [`verdict`] whether it is over; [`manage`] makes and deletes pods;
//! [`tracking`] counts pods that have ended, each once: a finalizer keeps them until they are counted. [`indexes`] and
//! [`policy`] are pure; [`stray`] frees pods whose Job is gone.

mod backoff;
mod facts;
mod indexes;
mod manage;
mod policy;
mod stray;
mod tracking;
mod verdict;

use crate::workload::claim::{self, Claimer};
use crate::workload::numbers::{count, set_count};
use facts::Facts;
use informer::{Cache, Informers, Key, Kind, Next, Object, Queue, Recorder, clock, kinds};
use object::{Value, View, json};
use std::sync::Arc;

/// The finalizer by which pods wait to be counted.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const JOBS: &Kind = &kinds::JOBS;
const PARALLEL: usize = 5;

struct Controller {
    informers: Informers,
    recorder: Recorder,
    jobs: Arc<Cache>,
    pods: Arc<Cache>,
    backoffs: backoff::Backoffs,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (jobs, pods) = (informers.cache(&kinds::JOBS), informers.cache(&kinds::PODS));
    jobs.synced().await;
    pods.synced().await;
    let queue = Queue::new("jobs");
    let waker = queue.clone();
    jobs.subscribe(move |change| waker.add(change.object().key()));
    let (waker, known) = (queue.clone(), jobs.clone());
    pods.subscribe(move |change| claim::wake_owners(&waker, &known, &kinds::JOBS, change, claim::selector_of));
    let recorder = informers.recorder("job-controller");
    let strays = stray::run(informers.clone(), jobs.clone(), pods.clone());
    let backoffs = backoff::Backoffs::default();
    let controller = Arc::new(Controller { informers, recorder, jobs, pods, backoffs });
    let work = queue.run(PARALLEL, |key| {
        let controller = controller.clone();
        async move { controller.sync(key).await }
    });
    tokio::join!(work, strays);
}

/// Whether a Job is over.
pub(crate) fn is_finished(job: &Object) -> bool {
    job.is("Complete") || job.is("Failed")
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(job) = self.jobs.by_key(&key) else {
            self.backoffs.forget(&key);
            return Ok(Next::Done);
        };
        let manager = job.spec().str("managedBy");
        if is_finished(&job) || !matches!(manager, "" | "kubernetes.io/job-controller") {
            self.backoffs.forget(&key);
            return Ok(Next::Done);
        }
        let Some(selector) = claim::selector_of(job.view()) else { return Ok(Next::Done) };
        let claimer = Claimer { informers: &self.informers, kind: JOBS, owner: &job, selector: &selector };
        let pods = claimer.claim(&kinds::PODS, &self.pods).await?;
        let now = clock::now();
        let mut facts = Facts::of(&job, pods);
        let backoff = self.backoffs.after(&key, &facts);
        let mut status = job.status().to_value();
        if !status.is_object() {
            status = json!({});
        }
        if !facts.is_suspended && status.get("startTime").is_none() {
            status["startTime"] = clock::now_text().into();
        }
        let mut verdict = verdict::of(&facts, View::from(&status), now);
        let mut next = verdict::next_check(&facts, View::from(&status));
        let managed = if verdict.is_some() {
            let ended = self.end_all(&mut facts).await;
            if ended.is_err() {
                verdict = None;
            }
            ended
        } else {
            self.go_on(&mut facts, &mut status, &mut verdict, &backoff, &mut next).await
        };
        self.write_counts(&facts, &mut status);
        self.track(facts, status, verdict, || self.backoffs.keep(&key, backoff)).await?;
        managed.map(|()| next)
    }

    /// Makes and deletes pods as needed, and sees whether that was all.
    async fn go_on(
        &self,
        facts: &mut Facts<'_>,
        status: &mut Value,
        verdict: &mut Option<Value>,
        backoff: &backoff::Backoff,
        next: &mut Next,
    ) -> Result<(), kube::Error> {
        let managed = if facts.job.is_going() { Ok(Next::Done) } else { self.manage(facts, backoff).await };
        if verdict::is_complete(facts) {
            *verdict = Some(verdict::complete());
        } else if !facts.job.is_going() {
            self.note_suspension(facts, status);
        }
        *next = next.sooner(managed?);
        Ok(())
    }

    fn note_suspension(&self, facts: &Facts<'_>, status: &mut Value) {
        let (value, reason, message, event) = if facts.is_suspended {
            ("True", "JobSuspended", "Job suspended", "Suspended")
        } else {
            ("False", "JobResumed", "Job resumed", "Resumed")
        };
        if !verdict::ensure(status, "Suspended", value, reason, message) {
            return;
        }
        self.recorder.normal(JOBS, facts.job, event, message);
        if facts.is_suspended {
            status.as_object_mut().map(|status| status.remove("startTime"));
        } else {
            status["startTime"] = clock::now_text().into();
        }
    }

    fn write_counts(&self, facts: &Facts<'_>, status: &mut Value) {
        set_count(status, "active", count(facts.active.len()));
        status["ready"] = facts.ready.into();
        status["terminating"] = facts.terminating.into();
    }
}

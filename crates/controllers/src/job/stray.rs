//! Frees pods that no Job counts any more: their Job is gone or over, or they have none.

use super::{TRACKING, is_finished, tracking};
use informer::{Cache, Informers, Next, Object, Queue, kinds};
use std::sync::Arc;

const PARALLEL: usize = 2;

pub(super) async fn run(informers: Informers, jobs: Arc<Cache>, pods: Arc<Cache>) {
    let queue = Queue::new("pods of jobs that are over");
    let (waker, known) = (queue.clone(), jobs.clone());
    pods.subscribe(move |change| {
        if let Some(pod) = change.new.as_ref().filter(|pod| is_stray(pod, &known)) {
            waker.add(pod.key());
        }
    });
    let (waker, known) = (queue.clone(), pods.clone());
    jobs.subscribe(move |change| {
        let job = change.object();
        if change.new.is_none() || is_finished(job) {
            known.by(informer::Index::Controller, job.uid()).iter().for_each(|pod| waker.add(pod.key()));
        }
    });
    queue
        .run(PARALLEL, |key| {
            let (informers, jobs, pods) = (informers.clone(), jobs.clone(), pods.clone());
            async move {
                if let Some(pod) = pods.by_key(&key).filter(|pod| is_stray(pod, &jobs)) {
                    tracking::free_pod(&informers, &pod).await?;
                }
                Ok(Next::Done)
            }
        })
        .await;
}

fn is_stray(pod: &Object, jobs: &Cache) -> bool {
    if !pod.meta().strings("finalizers").any(|name| name == TRACKING) {
        return false;
    }
    let owner = pod.controller();
    if owner.str("kind") != kinds::JOBS.kind {
        return !owner.exists();
    }
    let job = jobs.get(pod.namespace(), owner.str("name")).filter(|job| job.uid() == owner.str("uid"));
    job.is_none_or(|job| is_finished(&job))
}

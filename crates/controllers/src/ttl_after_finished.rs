//! Jobs that are over are deleted when the time that they shall be kept is over too.

use informer::{Informers, Next, Object, Queue, clock, kinds};
use object::json;

const PARALLEL: usize = 2;

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let jobs = informers.cache(&kinds::JOBS);
    jobs.synced().await;
    let queue = Queue::new("jobs that are over");
    let waker = queue.clone();
    jobs.subscribe(move |change| {
        if let Some(job) = change.new.as_ref().filter(|job| end_of(job).is_some()) {
            waker.add(job.key());
        }
    });
    queue
        .run(PARALLEL, |key| {
            let (informers, jobs) = (informers.clone(), jobs.clone());
            async move {
                let Some(job) = jobs.by_key(&key) else { return Ok(Next::Done) };
                match end_of(&job) {
                    Some(end) if end > clock::now() => Ok(Next::After(clock::until(end))),
                    Some(_) => {
                        let options = json!({"propagationPolicy": "Foreground"});
                        informers.delete(&kinds::JOBS, &job, options).await.map(|()| Next::Done)
                    }
                    None => Ok(Next::Done),
                }
            }
        })
        .await;
}

/// Until when a job is kept; `None` if for ever, or if it is not over or goes already.
fn end_of(job: &Object) -> Option<i64> {
    let seconds = job.spec().opt_int("ttlSecondsAfterFinished").filter(|_| !job.is_going())?;
    let over = ["Complete", "Failed"].into_iter().find(|kind| job.is(kind))?;
    Some(clock::seconds(job.condition(over).str("lastTransitionTime"))?.saturating_add(seconds))
}

//! CronJobs: Jobs at the times of a schedule. [`schedule`] finds the times.

mod schedule;

use crate::workload::claim;
use crate::workload::pods::controller_reference;
use informer::{Cache, Index, Informers, Key, Kind, Next, Object, Queue, Recorder, Shared, clock, kinds, request};
use object::{Value, View, json};
use schedule::{Due, Timetable};
use std::sync::Arc;
use std::time::Duration;

const CRON_JOBS: &Kind = &kinds::CRON_JOBS;
const JOBS: &Kind = &kinds::JOBS;
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
const PARALLEL: usize = 5;
/// A moment is only past when it is over.
const DELTA: Duration = Duration::from_millis(100);

struct Controller {
    informers: Informers,
    recorder: Recorder,
    cron_jobs: Arc<Cache>,
    jobs: Arc<Cache>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (cron_jobs, jobs) = (informers.cache(CRON_JOBS), informers.cache(JOBS));
    cron_jobs.synced().await;
    jobs.synced().await;
    let queue = Queue::new("cronjobs");
    let waker = queue.clone();
    cron_jobs.subscribe(move |change| waker.add(change.object().key()));
    let waker = queue.clone();
    jobs.subscribe(move |change| {
        if let Some(key) = claim::owner_key(change.object(), CRON_JOBS) {
            waker.add(key);
        }
    });
    let recorder = informers.recorder("cronjob-controller");
    let controller = Arc::new(Controller { informers, recorder, cron_jobs, jobs });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(cron_job) = self.cron_jobs.by_key(&key) else { return Ok(Next::Done) };
        let jobs = self.jobs.by(Index::Controller, cron_job.uid());
        let mut status = cron_job.status().to_value();
        if !status.is_object() {
            status = json!({});
        }
        self.look_at_jobs(&cron_job, &jobs, &mut status);
        self.forget_missing(&cron_job, &mut status).await?;
        let next = if cron_job.is_going() || cron_job.spec().bool("suspend") {
            Ok(Next::Done)
        } else {
            self.start_due(&cron_job, &mut status).await
        };
        if !View::from(&status).same(cron_job.status()) {
            let mut changed = cron_job.to_value();
            changed["status"] = status;
            self.informers.replace_status(CRON_JOBS, &changed).await?;
        }
        self.clean_up(&cron_job, &jobs).await?;
        next
    }

    /// Takes jobs that are over from the list of active ones.
    fn look_at_jobs(&self, cron_job: &Object, jobs: &[Shared], status: &mut Value) {
        for job in jobs {
            let is_listed = active(status).any(|listed| listed.str("uid") == job.uid());
            if !crate::job::is_finished(job) {
                if !is_listed {
                    let message = format!("Saw a job that the controller did not create or forgot: {}", job.name());
                    self.recorder.warning(CRON_JOBS, cron_job, "UnexpectedJob", message);
                }
                continue;
            }
            if is_listed {
                remove_active(status, job.uid());
                let condition = if job.is("Complete") { "Complete" } else { "Failed" };
                let message = format!("Saw completed job: {}, condition: {condition}", job.name());
                self.recorder.normal(CRON_JOBS, cron_job, "SawCompletedJob", message);
            }
            let (done, known) = (job.status().str("completionTime"), View::from(&*status).str("lastSuccessfulTime"));
            if job.is("Complete") && clock::seconds(done) > clock::seconds(known) {
                status["lastSuccessfulTime"] = done.into();
            }
        }
    }

    async fn forget_missing(&self, cron_job: &Object, status: &mut Value) -> Result<(), kube::Error> {
        let listed: Vec<(String, String)> =
            active(status).map(|job| (job.str("name").to_owned(), job.str("uid").to_owned())).collect();
        for (name, uid) in listed {
            let is_known = self.jobs.get(cron_job.namespace(), &name).is_some_and(|job| job.uid() == uid);
            if is_known || self.informers.live(JOBS, cron_job.namespace(), &name).await?.is_some() {
                continue;
            }
            let message = format!("Active job went missing: {name}");
            self.recorder.normal(CRON_JOBS, cron_job, "MissingJob", message);
            remove_active(status, &uid);
        }
        Ok(())
    }

    /// Starts the job of the last time that has passed, if it is not started yet.
    async fn start_due(&self, cron_job: &Object, status: &mut Value) -> Result<Next, kube::Error> {
        let spec = cron_job.spec();
        let timetable = match Timetable::read(spec.str("schedule"), spec.opt_str("timeZone")) {
            Ok(timetable) => timetable,
            Err(schedule::Error::Zone(zone)) => {
                let message = format!("invalid timeZone: {zone:?}: unknown time zone {zone}");
                self.recorder.warning(CRON_JOBS, cron_job, "UnknownTimeZone", message);
                return Ok(Next::Done);
            }
            Err(schedule::Error::Schedule(why)) => {
                let message = format!("unparseable schedule: {:?} : {why}", spec.str("schedule"));
                self.recorder.warning(CRON_JOBS, cron_job, "UnparseableSchedule", message);
                return Ok(Next::Done);
            }
        };
        let now = clock::now();
        let last = clock::seconds(View::from(&*status).str("lastScheduleTime"));
        let since = last.unwrap_or_else(|| cron_job.created());
        let deadline = spec.opt_int("startingDeadlineSeconds");
        let from = deadline.map_or(since, |deadline| since.max(now - deadline));
        let next = timetable.next(now).map_or(Next::Done, |next| Next::After(clock::until(next) + DELTA));
        let Some(Due { at, missed }) = timetable.due(from, now) else { return Ok(next) };
        if missed > 100 {
            let why = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.recorder.warning(CRON_JOBS, cron_job, "TooManyMissedTimes", why);
        }
        if deadline.is_some_and(|deadline| at + deadline < now) {
            let message = format!("Missed scheduled time to start a job: {}", schedule::rfc1123(at));
            self.recorder.warning(CRON_JOBS, cron_job, "MissSchedule", message);
            return Ok(next);
        }
        let name = job_name(cron_job, at);
        let is_started = active(status).any(|job| job.str("name") == name) || last == Some(at);
        if is_started || !self.may_start(cron_job, status).await? {
            return Ok(next);
        }
        self.start(cron_job, &timetable, at, status).await?;
        Ok(next)
    }

    /// Whether another job may start while others run; those that it replaces are deleted.
    async fn may_start(&self, cron_job: &Object, status: &mut Value) -> Result<bool, kube::Error> {
        match cron_job.spec().str("concurrencyPolicy") {
            "Forbid" if active(status).next().is_some() => {
                let why = "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.recorder.normal(CRON_JOBS, cron_job, "JobAlreadyActive", why);
                Ok(false)
            }
            "Replace" => {
                let names: Vec<String> = active(status).map(|job| job.str("name").to_owned()).collect();
                for job in names.iter().filter_map(|name| self.jobs.get(cron_job.namespace(), name)) {
                    self.delete(cron_job, &job).await?;
                    remove_active(status, job.uid());
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    async fn start(
        &self,
        cron_job: &Object,
        timetable: &Timetable,
        at: i64,
        status: &mut Value,
    ) -> Result<(), kube::Error> {
        let job = job_of(cron_job, timetable, at);
        let made = match self.informers.create(JOBS, cron_job.namespace(), &job).await {
            Ok(made) => {
                let message = format!("Created job {}", made.name());
                self.recorder.normal(CRON_JOBS, cron_job, "SuccessfulCreate", message);
                made
            }
            Err(error) if request::is_namespace_going(&error) => return Ok(()),
            Err(error) if request::code(&error) == 409 => {
                let name = job_name(cron_job, at);
                let there = self.informers.live(JOBS, cron_job.namespace(), &name).await?;
                match there.filter(|job| job.is_controlled_by(cron_job.uid())) {
                    Some(job) => job,
                    None => return Ok(()),
                }
            }
            Err(error) => {
                let message = format!("Error creating job: {}", request::message(&error));
                self.recorder.warning(CRON_JOBS, cron_job, "FailedCreate", message);
                return Err(error);
            }
        };
        let reference = json!({
            "apiVersion": "batch/v1", "kind": "Job", "namespace": made.namespace(), "name": made.name(),
            "uid": made.uid(), "resourceVersion": made.meta().str("resourceVersion"),
        });
        match status["active"].as_array_mut() {
            Some(active) => active.push(reference),
            None => status["active"] = json!([reference]),
        }
        status["lastScheduleTime"] = object::time::format_seconds(at).into();
        Ok(())
    }

    /// Deletes the oldest jobs that the history has no room for.
    async fn clean_up(&self, cron_job: &Object, jobs: &[Shared]) -> Result<(), kube::Error> {
        let spec = cron_job.spec();
        for (condition, limit, default) in
            [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
        {
            let limit = usize::try_from(spec.opt_int(limit).unwrap_or(default)).unwrap_or_default();
            let mut done: Vec<&Shared> = jobs.iter().filter(|job| job.is(condition) && !job.is_going()).collect();
            done.sort_by_key(|job| (clock::seconds(job.status().str("startTime")), job.name().to_owned()));
            for job in done.iter().take(done.len().saturating_sub(limit)) {
                self.delete(cron_job, job).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cron_job: &Object, job: &Object) -> Result<(), kube::Error> {
        match self.informers.delete(JOBS, job, json!({"propagationPolicy": "Background"})).await {
            Ok(()) => {
                let message = format!("Deleted job {}", job.name());
                self.recorder.normal(CRON_JOBS, cron_job, "SuccessfulDelete", message);
                Ok(())
            }
            Err(error) => {
                let message = format!("Deleted job: {}", request::message(&error));
                self.recorder.warning(CRON_JOBS, cron_job, "FailedDelete", message);
                Err(error)
            }
        }
    }
}

fn active(status: &Value) -> impl Iterator<Item = View<'_>> {
    View::from(status).list("active")
}

fn remove_active(status: &mut Value, uid: &str) {
    let Some(active) = status.get_mut("active").and_then(Value::as_array_mut) else { return };
    active.retain(|job| job["uid"] != uid);
    if active.is_empty() {
        status.as_object_mut().map(|status| status.remove("active"));
    }
}

fn job_name(cron_job: &Object, at: i64) -> String {
    format!("{}-{}", cron_job.name(), at.div_euclid(60))
}

fn job_of(cron_job: &Object, timetable: &Timetable, at: i64) -> Value {
    let template = cron_job.spec().get("jobTemplate");
    let mut metadata = json!({
        "name": job_name(cron_job, at), "namespace": cron_job.namespace(),
        "ownerReferences": [controller_reference(CRON_JOBS, cron_job)],
    });
    for part in ["labels", "annotations"] {
        let given = template.get("metadata").get(part);
        if !given.is_empty() {
            metadata[part] = given.to_value();
        }
    }
    metadata["annotations"][SCHEDULED_AT] = timetable.local(at).into();
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template.get("spec").to_value()})
}

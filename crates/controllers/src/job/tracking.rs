//! Counts pods that have ended, each exactly once.
//!
//! A pod is first noted in the status, then freed of its finalizer, then counted; whatever happens in between, the next
//! run goes on from there.

use super::facts::Facts;
use super::policy::Failure;
use super::verdict::{self, FAILURE_TARGET, SUCCESS_MET};
use super::{Controller, JOBS, TRACKING};
use crate::workload::conditions;
use crate::workload::numbers::{count, set_count};
use crate::workload::pods;
use futures_util::future::join_all;
use informer::{Informers, Object, Shared, kinds, request};
use object::{Value, View, json};
use std::collections::HashSet;

/// How many pods are noted at once.
const MOST: usize = 500;

impl Controller {
    /// Counts what has ended, and writes the status. `noted` is called when the pods that have ended are noted.
    pub(super) async fn track(
        &self,
        mut facts: Facts<'_>,
        mut status: Value,
        verdict: Option<Value>,
        noted: impl FnOnce(),
    ) -> Result<(), kube::Error> {
        let mut waiting = with_finalizer(&facts);
        settle(&mut status, &waiting);
        let (free, is_cut_short) = note_ended(&mut facts, &mut status, verdict.as_ref());
        let verdict = verdict.map(|verdict| announce(&mut status, verdict));
        let job = self.write(facts.job, &status).await?;
        noted();
        let freed = join_all(free.iter().map(|pod| free_pod(&self.informers, pod))).await;
        let mut failure = None;
        for (pod, done) in free.iter().zip(freed) {
            match done {
                Ok(()) => drop(waiting.remove(pod.uid())),
                Err(error) => failure = Some(error),
            }
        }
        settle(&mut status, &waiting);
        let is_over = failure.is_none() && !is_cut_short && facts.terminating == 0 && is_settled(&status);
        let end = verdict.filter(|_| is_over);
        if let Some(end) = &end {
            conclude(&mut status, end);
        }
        self.write(&job, &status).await?;
        if let Some(end) = end {
            self.tell_end(&facts, View::from(&end), &status);
        }
        failure.map_or(Ok(()), Err)
    }

    async fn write(&self, job: &Object, status: &Value) -> Result<Shared, kube::Error> {
        let mut changed = job.to_value();
        changed["status"] = status.clone();
        if View::from(&changed).get("status").same(job.status()) {
            return Ok(Shared::new(Object::new(changed)));
        }
        self.informers.replace_status(JOBS, &changed).await
    }

    fn tell_end(&self, facts: &Facts<'_>, end: View<'_>, status: &Value) {
        if end.str("type") != "Complete" {
            let (reason, message) = (end.str("reason"), end.str("message").to_owned());
            let known = [
                "BackoffLimitExceeded",
                "DeadlineExceeded",
                "FailedIndexes",
                "MaxFailedIndexesExceeded",
                "PodFailurePolicy",
            ];
            let reason = known.into_iter().find(|known| *known == reason).unwrap_or("Failed");
            return self.recorder.warning(JOBS, facts.job, reason, message);
        }
        if facts.completions.is_some_and(|completions| View::from(status).int("succeeded") > completions) {
            let message = "Too many succeeded pods running after completion count reached";
            self.recorder.warning(JOBS, facts.job, "TooManySucceededPods", message);
        }
        self.recorder.normal(JOBS, facts.job, "Completed", "Job completed");
    }
}

/// Frees a pod of the finalizer.
pub(super) async fn free_pod(informers: &Informers, pod: &Object) -> Result<(), kube::Error> {
    let patch = json!({"metadata": {"uid": pod.uid(), "$deleteFromPrimitiveList/finalizers": [TRACKING]}});
    match informers.strategic(&kinds::PODS, pod, "", &patch).await {
        Err(error) if matches!(request::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

fn has_finalizer(pod: &Object) -> bool {
    pod.meta().strings("finalizers").any(|name| name == TRACKING)
}

fn with_finalizer(facts: &Facts<'_>) -> HashSet<String> {
    facts.pods.iter().filter(|pod| has_finalizer(pod)).map(|pod| pod.uid().to_owned()).collect()
}

/// Counts noted pods that no longer have the finalizer.
fn settle(status: &mut Value, waiting: &HashSet<String>) {
    for name in ["succeeded", "failed"] {
        let noted = View::from(&*status).get("uncountedTerminatedPods");
        let all: Vec<String> = noted.strings(name).map(str::to_owned).collect();
        let left: Vec<String> = all.iter().filter(|uid| waiting.contains(*uid)).cloned().collect();
        let settled = count(all.len() - left.len());
        if settled > 0 {
            let known = View::from(&*status).int(name);
            set_count(status, name, known + settled);
        }
        note(status, name, left);
    }
}

fn note(status: &mut Value, name: &str, uids: Vec<String>) {
    if !status.get("uncountedTerminatedPods").is_some_and(Value::is_object) {
        status["uncountedTerminatedPods"] = json!({});
    }
    let noted = &mut status["uncountedTerminatedPods"];
    if uids.is_empty() {
        noted.as_object_mut().map(|noted| noted.remove(name));
    } else {
        noted[name] = uids.into();
    }
}

fn is_settled(status: &Value) -> bool {
    View::from(status).get("uncountedTerminatedPods").is_empty()
}

/// Notes pods that have ended; those that can be freed, and whether there are more than were noted.
fn note_ended(facts: &mut Facts<'_>, status: &mut Value, verdict: Option<&Value>) -> (Vec<Shared>, bool) {
    let noted = |status: &Value, name: &str| -> Vec<String> {
        View::from(status).get("uncountedTerminatedPods").strings(name).map(str::to_owned).collect()
    };
    let (mut succeeded, mut failed) = (noted(status, "succeeded"), noted(status, "failed"));
    let has_failed_whole = verdict.is_some_and(|verdict| verdict["type"] != SUCCESS_MET);
    let (mut free, mut new_indexes, mut is_cut_short) = (Vec::new(), Vec::new(), false);
    for pod in facts.pods.iter().filter(|pod| has_finalizer(pod)) {
        if !may_go(facts, pod, verdict.is_some()) {
            continue;
        }
        free.push(pod.clone());
        let index = facts.index_of(pod);
        let is_noted = |list: &[String]| list.iter().any(|uid| uid == pod.uid());
        if pods::phase(pod) == "Succeeded" && !is_noted(&failed) {
            match index {
                Some(index) if facts.is_indexed && !facts.counted_indexes.has(index) => new_indexes.push(index),
                _ if facts.is_indexed || is_noted(&succeeded) => {}
                _ => succeeded.push(pod.uid().to_owned()),
            }
        } else if (facts.has_failed(pod) || has_failed_whole) && !is_noted(&failed) {
            let counts = facts.judge(pod) != Failure::Ignored && (!facts.is_indexed || index.is_some());
            if counts {
                failed.push(pod.uid().to_owned());
            }
        }
        if new_indexes.len() + succeeded.len() + failed.len() >= MOST {
            is_cut_short = true;
            break;
        }
    }
    note(status, "succeeded", succeeded);
    note(status, "failed", failed);
    if facts.is_indexed {
        write_indexes(facts, status, new_indexes);
    }
    (free, is_cut_short)
}

fn write_indexes(facts: &mut Facts<'_>, status: &mut Value, new: Vec<i64>) {
    let all = facts.counted_indexes.with(new);
    set_count(status, "succeeded", all.total());
    if all.total() == 0 {
        status.as_object_mut().map(|status| status.remove("completedIndexes"));
    } else {
        status["completedIndexes"] = all.to_string().into();
    }
    if let Some(failed) = &facts.failed_indexes {
        status["failedIndexes"] = failed.to_string().into();
    }
}

/// Whether a pod need not be kept any longer.
fn may_go(facts: &Facts<'_>, pod: &Object, is_over: bool) -> bool {
    if facts.job.is_going() || is_over || pods::phase(pod) == "Succeeded" {
        return true;
    }
    if !facts.has_failed(pod) {
        return false;
    }
    // The last failed pod of an index tells how often it failed, until the next one is there.
    let is_last = facts.index_of(pod).and_then(|index| facts.to_replace.get(&index));
    is_last.is_none_or(|last| last.uid() != pod.uid())
}

/// Writes what a Job will come to when its pods are gone; the condition that it then gets.
fn announce(status: &mut Value, verdict: Value) -> Value {
    let text = |name: &str| verdict[name].as_str().unwrap_or_default().to_owned();
    let (kind, reason, message) = (text("type"), text("reason"), text("message"));
    let end = match kind.as_str() {
        FAILURE_TARGET => "Failed",
        SUCCESS_MET => "Complete",
        _ => return verdict,
    };
    if !conditions::get(status, &kind).exists() {
        conditions::put(status, verdict);
    }
    verdict::condition(end, &reason, &message)
}

fn conclude(status: &mut Value, end: &Value) {
    let text = |name: &str| end[name].as_str().unwrap_or_default();
    verdict::ensure(status, text("type"), "True", text("reason"), text("message"));
    if end["type"] == "Complete" {
        status["completionTime"] = end["lastTransitionTime"].clone();
    }
}

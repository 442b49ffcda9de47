//! Makes and deletes a Job's pods.

use super::backoff::{self, Backoff};
use super::facts::{self, Facts, INDEX, INDEX_FAILURES, INDEX_IGNORED};
use super::policy::Failure;
use super::{Controller, JOBS, TRACKING};
use crate::workload::numbers::count;
use crate::workload::pods::{self, BURST, PodControl};
use crate::workload::rank;
use informer::{Next, Object, Shared, clock};
use object::{Value, View, json};
use std::collections::BTreeMap;

/// The variable by which containers know their index.
const VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// How long a prefix of generated names may be.
const MAX_PREFIX: usize = 58;

impl Controller {
    /// Deletes all active pods.
    pub(super) async fn end_all(&self, facts: &mut Facts<'_>) -> Result<(), kube::Error> {
        let all = facts.active.clone();
        self.delete(facts, all).await
    }

    /// Makes or deletes pods, so that as many are active as shall be.
    pub(super) async fn manage(&self, facts: &mut Facts<'_>, backoff: &Backoff) -> Result<Next, kube::Error> {
        if facts.is_suspended {
            return self.end_all(facts).await.map(|()| Next::Done);
        }
        let active = count(facts.active.len());
        let wanted = wanted(facts);
        let mut excess = to_remove(facts, usize::try_from(active - wanted).unwrap_or_default());
        excess.truncate(BURST);
        if !excess.is_empty() {
            return self.delete(facts, excess).await.map(|()| Next::Done);
        }
        let leaving = if facts.replaces_only_failed() { facts.terminating } else { 0 };
        let missing = usize::try_from(wanted - leaving - active).unwrap_or_default().min(BURST);
        if missing == 0 {
            return Ok(Next::Done);
        }
        if facts.limit_per_index().is_none() && !backoff.rest().is_zero() {
            return Ok(Next::After(backoff.rest()));
        }
        self.make(facts, missing).await
    }

    async fn make(&self, facts: &mut Facts<'_>, missing: usize) -> Result<Next, kube::Error> {
        let template = template(facts);
        let mut next = Next::Done;
        let pods = if facts.is_indexed {
            let mut indexes = pending_indexes(facts, missing);
            // An index that failed rests by itself.
            indexes.retain(|index| {
                let rest =
                    facts.to_replace.get(index).map_or(std::time::Duration::ZERO, |pod| backoff::rest_of_index(pod));
                if !rest.is_zero() {
                    next = next.sooner(Next::After(rest));
                }
                rest.is_zero()
            });
            indexes.into_iter().map(|index| indexed(facts, &template, index)).collect()
        } else {
            vec![template; missing]
        };
        let control = self.control(facts.job);
        let made = control.create_all(pods).await?;
        facts.active.extend(made);
        Ok(next)
    }

    async fn delete(&self, facts: &mut Facts<'_>, pods: Vec<Shared>) -> Result<(), kube::Error> {
        self.control(facts.job).delete_all(&pods).await?;
        facts.ready -= count(pods.iter().filter(|pod| pods::is_ready(pod)).count());
        facts.terminating += count(pods.len());
        facts.active.retain(|pod| !pods.iter().any(|gone| gone.uid() == pod.uid()));
        // They count as they are now.
        let now = |pod: &mut Shared| {
            if let Some(current) = self.pods.by_key(&pod.key()).filter(|current| current.uid() == pod.uid()) {
                *pod = current;
            }
        };
        facts.pods.iter_mut().for_each(now);
        Ok(())
    }

    fn control<'c>(&'c self, job: &'c Object) -> PodControl<'c> {
        PodControl { informers: &self.informers, recorder: &self.recorder, kind: JOBS, owner: job }
    }
}

/// How many pods shall be active.
fn wanted(facts: &Facts<'_>) -> i64 {
    let parallelism = facts.spec().opt_int("parallelism").unwrap_or(1);
    match facts.completions {
        // Once one has succeeded, the others may end, and no more are made.
        None if facts.succeeded > 0 => count(facts.active.len()),
        None => parallelism,
        Some(completions) => (completions - facts.succeeded).clamp(0, parallelism),
    }
}

/// Active pods that shall go: those of indexes that others have too, or that the Job has not, and as many more as to
/// make up `least`.
fn to_remove(facts: &Facts<'_>, least: usize) -> Vec<Shared> {
    let now = clock::now();
    let (mut going, mut left) = (Vec::new(), facts.active.clone());
    if facts.is_indexed {
        let mut by_index: BTreeMap<Option<i64>, Vec<Shared>> = BTreeMap::new();
        for pod in left.drain(..) {
            by_index.entry(facts.index_of(&pod)).or_default().push(pod);
        }
        for (index, pods) in by_index {
            let keep = usize::from(index.is_some());
            let gone = rank::to_delete(&pods, &[], pods.len() - keep, now);
            left.extend(pods.into_iter().filter(|pod| !gone.iter().any(|gone| gone.uid() == pod.uid())));
            going.extend(gone);
        }
    }
    if going.len() < least {
        going.extend(rank::to_delete(&left, &[], least - going.len(), now));
    }
    going
}

/// The first indexes that have no pod and are not over.
fn pending_indexes(facts: &Facts<'_>, most: usize) -> Vec<i64> {
    let of =
        |pods: &mut dyn Iterator<Item = &Shared>| -> Vec<i64> { pods.filter_map(|pod| facts.index_of(pod)).collect() };
    let mut taken = facts.succeeded_indexes.with(of(&mut facts.active.iter()));
    if facts.replaces_only_failed() {
        taken = taken.with(of(&mut facts.pods.iter().filter(|pod| pods::is_terminating(pod))));
    }
    if let Some(failed) = &facts.failed_indexes {
        taken = taken.union(failed);
    }
    taken.missing(facts.completions.unwrap_or_default(), most)
}

fn template(facts: &Facts<'_>) -> Value {
    let mut pod = pods::from_template(facts.spec().get("template"), JOBS, facts.job);
    let finalizers = &mut pod["metadata"]["finalizers"];
    match finalizers.as_array_mut() {
        Some(finalizers) if finalizers.iter().any(|name| name == TRACKING) => {}
        Some(finalizers) => finalizers.push(TRACKING.into()),
        None => *finalizers = json!([TRACKING]),
    }
    pod
}

fn indexed(facts: &Facts<'_>, template: &Value, index: i64) -> Value {
    let mut pod = template.clone();
    let suffix = format!("-{index}-");
    let stem = facts.job.name();
    let stem = stem.get(..MAX_PREFIX - suffix.len()).filter(|_| stem.len() + suffix.len() > MAX_PREFIX).unwrap_or(stem);
    pod["metadata"]["generateName"] = format!("{stem}{suffix}").into();
    pod["metadata"]["annotations"][INDEX] = index.to_string().into();
    pod["metadata"]["labels"][INDEX] = index.to_string().into();
    pod["spec"]["hostname"] = format!("{}-{index}", facts.job.name()).into();
    for containers in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(containers).and_then(Value::as_array_mut).into_iter().flatten() {
            add_variable(container);
        }
    }
    if facts.limit_per_index().is_some() {
        let (failures, ignored) = facts.to_replace.get(&index).map_or((0, 0), |pod| failures_after(facts, pod));
        pod["metadata"]["annotations"][INDEX_FAILURES] = failures.to_string().into();
        if ignored > 0 {
            pod["metadata"]["annotations"][INDEX_IGNORED] = ignored.to_string().into();
        }
    }
    pod
}

/// How often an index has failed when a pod of it has: counted, and ignored.
fn failures_after(facts: &Facts<'_>, pod: &Object) -> (i64, i64) {
    let (failures, ignored) = (facts::failures(pod), facts::ignored(pod));
    if facts.judge(pod) == Failure::Ignored { (failures, ignored + 1) } else { (failures + 1, ignored) }
}

fn add_variable(container: &mut Value) {
    if View::from(&*container).list("env").any(|variable| variable.str("name") == VARIABLE) {
        return;
    }
    let path = format!("metadata.labels['{INDEX}']");
    let variable = json!({"name": VARIABLE, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
    match container.get_mut("env").and_then(Value::as_array_mut) {
        Some(env) => env.push(variable),
        None => container["env"] = json!([variable]),
    }
}

//! What a Job and its pods come to. Pure.

use super::TRACKING;
use super::indexes::Indexes;
use super::policy::{self, Failure};
use crate::workload::numbers::count;
use crate::workload::pods;
use informer::{Object, Shared};
use object::View;
use std::collections::{HashMap, HashSet};

/// The annotation, and label, with a pod's index.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// How often the index of a pod has failed before it.
pub(super) const INDEX_FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// How often that was ignored.
pub(super) const INDEX_IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// What a Job and its pods come to.
pub(super) struct Facts<'a> {
    pub(super) job: &'a Object,
    pub(super) pods: Vec<Shared>,
    /// Pods that neither have ended nor are being deleted.
    pub(super) active: Vec<Shared>,
    pub(super) is_suspended: bool,
    pub(super) is_indexed: bool,
    pub(super) completions: Option<i64>,
    /// How many of the active pods are ready, and how many pods are being deleted.
    pub(super) ready: i64,
    pub(super) terminating: i64,
    /// All that have succeeded and failed, counted already or not.
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    /// Pods that have ended since the last count.
    pub(super) new_succeeded: Vec<Shared>,
    pub(super) new_failed: Vec<Shared>,
    /// Pods that are noted as about to be counted.
    pub(super) uncounted_succeeded: HashSet<String>,
    pub(super) uncounted_failed: HashSet<String>,
    pub(super) counted_indexes: Indexes,
    pub(super) succeeded_indexes: Indexes,
    /// Indexes that have failed, where each may fail by itself.
    pub(super) failed_indexes: Option<Indexes>,
    /// The pods that are to be replaced, where each index may fail by itself.
    pub(super) to_replace: HashMap<i64, Shared>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(job: &'a Object, pods: Vec<Shared>) -> Facts<'a> {
        let (spec, status) = (job.spec(), job.status());
        let uids = |name: &str| status.get("uncountedTerminatedPods").strings(name).map(str::to_owned).collect();
        let active: Vec<Shared> = pods.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let mut facts = Facts {
            job,
            is_suspended: spec.bool("suspend"),
            is_indexed: spec.str("completionMode") == "Indexed",
            completions: spec.opt_int("completions"),
            ready: count(active.iter().filter(|pod| pods::is_ready(pod)).count()),
            terminating: count(pods.iter().filter(|pod| pods::is_terminating(pod)).count()),
            active,
            succeeded: status.int("succeeded"),
            failed: status.int("failed"),
            new_succeeded: Vec::new(),
            new_failed: Vec::new(),
            uncounted_succeeded: uids("succeeded"),
            uncounted_failed: uids("failed"),
            counted_indexes: Indexes::default(),
            succeeded_indexes: Indexes::default(),
            failed_indexes: None,
            to_replace: HashMap::new(),
            pods,
        };
        facts.count_ended();
        if facts.is_indexed {
            facts.count_indexes();
        }
        facts
    }

    fn count_ended(&mut self) {
        let new = |uncounted: &HashSet<String>, ended: &dyn Fn(&Object) -> bool| -> Vec<Shared> {
            let valid = self.pods.iter().filter(|pod| self.is_tracked(pod) && !uncounted.contains(pod.uid()));
            valid.filter(|pod| ended(pod)).cloned().collect()
        };
        let succeeded = new(&self.uncounted_succeeded, &|pod| pods::phase(pod) == "Succeeded");
        let failed = new(&self.uncounted_failed, &|pod| self.has_failed(pod));
        (self.new_succeeded, self.new_failed) = (succeeded, failed);
        let counting = self.new_failed.iter().filter(|pod| self.judge(pod) != Failure::Ignored).count();
        self.succeeded += count(self.new_succeeded.len() + self.uncounted_succeeded.len());
        self.failed += count(counting + self.uncounted_failed.len());
    }

    fn count_indexes(&mut self) {
        let completions = self.completions.unwrap_or_default();
        let status = self.job.status();
        self.counted_indexes = Indexes::parse(status.str("completedIndexes"), completions);
        let tracked: Vec<&Shared> = self.pods.iter().filter(|pod| self.is_tracked(pod)).collect();
        let succeeded = tracked.iter().filter(|pod| pods::phase(pod) == "Succeeded");
        let succeeded = self.counted_indexes.with(succeeded.filter_map(|pod| self.index_of(pod)));
        self.succeeded_indexes = succeeded;
        self.succeeded = self.succeeded_indexes.total();
        let Some(limit) = self.limit_per_index() else { return };
        let known = Indexes::parse(status.str("failedIndexes"), completions);
        let failed = self.pods.iter().filter(|pod| self.is_tracked(pod) && self.fails_index(pod, limit));
        let failed = known.with(failed.filter_map(|pod| self.index_of(pod)));
        self.to_replace = self.find_to_replace(&failed);
        self.failed_indexes = Some(failed);
    }

    /// Whether the failure of a pod is that of its index.
    fn fails_index(&self, pod: &Object, limit: i64) -> bool {
        self.has_failed(pod)
            && match self.judge(pod) {
                Failure::FailsIndex => true,
                Failure::Ignored => false,
                _ => failures(pod) >= limit,
            }
    }

    /// The last failed pod of each index that is to be tried again.
    fn find_to_replace(&self, failed: &Indexes) -> HashMap<i64, Shared> {
        let active: HashSet<i64> = self.active.iter().filter_map(|pod| self.index_of(pod)).collect();
        let mut last: HashMap<i64, Shared> = HashMap::new();
        for pod in self.pods.iter().filter(|pod| self.is_tracked(pod) && self.has_failed(pod)) {
            let Some(index) = self.index_of(pod) else { continue };
            if self.succeeded_indexes.has(index) || failed.has(index) || active.contains(&index) {
                continue;
            }
            let rank = |pod: &Object| (all_failures(pod), super::backoff::finished(pod));
            if last.get(&index).is_none_or(|known| rank(known) <= rank(pod)) {
                last.insert(index, pod.clone());
            }
        }
        last
    }

    /// Whether a pod is yet to be counted.
    pub(super) fn is_tracked(&self, pod: &Object) -> bool {
        pod.meta().strings("finalizers").any(|name| name == TRACKING)
            && (!self.is_indexed || self.index_of(pod).is_some())
    }

    /// The index of a pod, if it has one that the Job has.
    pub(super) fn index_of(&self, pod: &Object) -> Option<i64> {
        let index = pod.annotation(INDEX).parse::<i64>().ok()?;
        (0..self.completions.unwrap_or(i64::MAX)).contains(&index).then_some(index)
    }

    /// Whether a pod counts as failed: it has, or it is being deleted and that is enough.
    pub(super) fn has_failed(&self, pod: &Object) -> bool {
        match pods::phase(pod) {
            "Failed" => true,
            "Succeeded" => false,
            _ => !self.replaces_only_failed() && pod.is_going(),
        }
    }

    /// Whether pods that are being deleted are replaced only when they are gone.
    pub(super) fn replaces_only_failed(&self) -> bool {
        let spec = self.job.spec();
        spec.str("podReplacementPolicy") == "Failed" || spec.has("podFailurePolicy")
    }

    /// What the policy says of a failed pod.
    pub(super) fn judge(&self, pod: &Object) -> Failure {
        policy::of_failed(self.job.spec().get("podFailurePolicy"), pod)
    }

    /// How often each index may fail by itself.
    pub(super) fn limit_per_index(&self) -> Option<i64> {
        if self.is_indexed { self.job.spec().opt_int("backoffLimitPerIndex") } else { None }
    }

    /// The Job's spec.
    pub(super) fn spec(&self) -> View<'a> {
        self.job.spec()
    }
}

/// How often the index of a pod had failed before it.
pub(super) fn failures(pod: &Object) -> i64 {
    number(pod, INDEX_FAILURES)
}

/// The same, with failures that were ignored.
pub(super) fn all_failures(pod: &Object) -> i64 {
    failures(pod) + number(pod, INDEX_IGNORED)
}

/// The same, without those that count.
pub(super) fn ignored(pod: &Object) -> i64 {
    number(pod, INDEX_IGNORED)
}

fn number(pod: &Object, name: &str) -> i64 {
    pod.annotation(name).parse::<i32>().map_or(0, i64::from).max(0)
}

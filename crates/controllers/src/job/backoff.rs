//! How long to wait before a failed pod is replaced.

use super::facts::{Facts, all_failures};
use informer::{Object, Shared, clock};
use object::View;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const FIRST: i64 = 10;
const LONGEST: i64 = 600;

/// Failures since the last success, and when the last was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: i64,
    last: Option<i64>,
}

/// The backoffs of all Jobs, by key.
#[derive(Default)]
pub(super) struct Backoffs(Mutex<HashMap<String, Backoff>>);

impl Backoffs {
    /// The backoff of a Job after what its pods did.
    pub(super) fn after(&self, key: &str, facts: &Facts<'_>) -> Backoff {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default();
        known.after(&facts.new_succeeded, &facts.new_failed)
    }

    pub(super) fn keep(&self, key: &str, backoff: Backoff) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), backoff);
    }

    pub(super) fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Backoff {
    fn after(self, succeeded: &[Shared], failed: &[Shared]) -> Backoff {
        let failed: Vec<i64> = failed.iter().map(|pod| finished(pod)).collect();
        let Some(success) = succeeded.iter().map(|pod| finished(pod)).max() else {
            let more = i64::try_from(failed.len()).unwrap_or(i64::MAX);
            return Backoff { failures: self.failures + more, last: failed.into_iter().max().or(self.last) };
        };
        let since: Vec<i64> = failed.into_iter().filter(|at| *at > success).collect();
        let failures = i64::try_from(since.len()).unwrap_or(i64::MAX);
        Backoff { failures, last: since.into_iter().max() }
    }

    /// How long to wait yet.
    pub(super) fn rest(self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| rest_after(self.failures, last))
    }
}

/// How long to wait before the index of a failed pod is tried again.
pub(super) fn rest_of_index(pod: &Object) -> Duration {
    rest_after(all_failures(pod) + 1, finished(pod))
}

fn rest_after(failures: i64, last: i64) -> Duration {
    if failures <= 0 {
        return Duration::ZERO;
    }
    let doublings = u32::try_from(failures - 1).unwrap_or(u32::MAX).min(20);
    clock::until(last + (FIRST << doublings).min(LONGEST))
}

/// When a pod ended, as far as it tells.
pub(super) fn finished(pod: &Object) -> i64 {
    from_containers(pod).or_else(|| from_condition(pod)).or_else(|| from_deletion(pod)).unwrap_or_else(|| pod.created())
}

fn from_containers(pod: &Object) -> Option<i64> {
    let is_sidecar = |status: &View<'_>| {
        let mut containers = pod.spec().list("initContainers");
        containers.any(|c| c.str("name") == status.str("name") && c.str("restartPolicy") == "Always")
    };
    let status = pod.status();
    let statuses = status.list("containerStatuses").chain(status.list("initContainerStatuses").filter(is_sidecar));
    let ends: Option<Vec<i64>> =
        statuses.map(|status| clock::seconds(status.at(&["state", "terminated"]).str("finishedAt"))).collect();
    ends?.into_iter().max()
}

fn from_condition(pod: &Object) -> Option<i64> {
    let condition = pod.condition("Ready");
    if condition.str("status") == "False" { clock::seconds(condition.str("lastTransitionTime")) } else { None }
}

fn from_deletion(pod: &Object) -> Option<i64> {
    let deletion = clock::seconds(pod.meta().str("deletionTimestamp"))?;
    Some(deletion - pod.meta().int("deletionGracePeriodSeconds"))
}

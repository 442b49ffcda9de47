//! Whether a Job is over, and how.

use super::facts::Facts;
use super::policy::{self, Failure};
use crate::workload::conditions;
use crate::workload::pods;
use informer::{Next, clock};
use object::{Value, View, json};

/// The condition that says that a Job will fail when its pods are gone.
pub(super) const FAILURE_TARGET: &str = "FailureTarget";
/// The condition that says that a Job will be complete when its pods are gone.
pub(super) const SUCCESS_MET: &str = "SuccessCriteriaMet";

/// A condition, changed now.
pub(super) fn condition(kind: &str, reason: &str, message: &str) -> Value {
    let now = clock::now_text();
    json!({
        "type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now,
        "reason": reason, "message": message,
    })
}

/// What a Job comes to whose pods have all succeeded.
pub(super) fn complete() -> Value {
    condition(SUCCESS_MET, "CompletionsReached", "Reached expected number of succeeded pods")
}

/// What a Job comes to, if it is over.
pub(super) fn of(facts: &Facts<'_>, status: View<'_>, now: i64) -> Option<Value> {
    let known = |kind: &str| {
        let mut conditions = status.list("conditions");
        conditions.find(|condition| condition.str("type") == kind && condition.str("status") == "True")
    };
    if let Some(met) = known(SUCCESS_MET) {
        return Some(met.to_value());
    }
    if let Some(target) = known(FAILURE_TARGET) {
        return Some(condition("Failed", target.str("reason"), target.str("message")));
    }
    let fail = |reason: &str, message: &str| Some(condition(FAILURE_TARGET, reason, message));
    if let Some(message) = failed_by_policy(facts) {
        return fail("PodFailurePolicy", &message);
    }
    if facts.failed > backoff_limit(facts) || has_restarted_too_often(facts) {
        return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if deadline(facts, status).is_some_and(|deadline| deadline <= now) {
        return fail("DeadlineExceeded", "Job was active longer than specified deadline");
    }
    let spec = facts.spec();
    if let Some(failed) = &facts.failed_indexes {
        if spec.opt_int("maxFailedIndexes").is_some_and(|most| failed.total() > most) {
            let message = "Job has exceeded the specified maximal number of failed indexes";
            return fail("MaxFailedIndexesExceeded", message);
        }
        let all = failed.total() + facts.succeeded_indexes.total();
        if failed.total() > 0 && all >= facts.completions.unwrap_or_default() {
            return fail("FailedIndexes", "Job has failed indexes");
        }
    }
    if !facts.is_indexed {
        return None;
    }
    let met = policy::success(spec.get("successPolicy"), facts.completions.unwrap_or(0), &facts.succeeded_indexes)?;
    Some(condition(SUCCESS_MET, "SuccessPolicy", &met))
}

/// When to look whether the deadline has passed.
pub(super) fn next_check(facts: &Facts<'_>, status: View<'_>) -> Next {
    deadline(facts, status).map_or(Next::Done, |deadline| Next::After(clock::until(deadline)))
}

fn deadline(facts: &Facts<'_>, status: View<'_>) -> Option<i64> {
    let seconds = facts.spec().opt_int("activeDeadlineSeconds").filter(|_| !facts.is_suspended)?;
    Some(clock::seconds(status.str("startTime"))?.saturating_add(seconds))
}

fn backoff_limit(facts: &Facts<'_>) -> i64 {
    facts.spec().opt_int("backoffLimit").unwrap_or(6)
}

fn failed_by_policy(facts: &Facts<'_>) -> Option<String> {
    let failed = facts.pods.iter().filter(|pod| facts.has_failed(pod));
    failed.map(|pod| facts.judge(pod)).find_map(|failure| match failure {
        Failure::FailsJob(message) => Some(message),
        _ => None,
    })
}

/// Where containers are started again in place, that counts.
fn has_restarted_too_often(facts: &Facts<'_>) -> bool {
    if facts.spec().at(&["template", "spec"]).str("restartPolicy") != "OnFailure" {
        return false;
    }
    let running = facts.pods.iter().filter(|pod| matches!(pods::phase(pod), "Running" | "Pending"));
    let restarts: i64 = running
        .flat_map(|pod| {
            let status = pod.status();
            status.list("initContainerStatuses").chain(status.list("containerStatuses"))
        })
        .map(|status| status.int("restartCount"))
        .sum();
    let limit = backoff_limit(facts);
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

/// Whether all that was asked for has succeeded.
pub(super) fn is_complete(facts: &Facts<'_>) -> bool {
    let wanted = facts.completions.map_or(facts.succeeded > 0, |completions| facts.succeeded >= completions);
    wanted && facts.active.is_empty()
}

/// Gives a condition a status; true if that changed something. What is not there is false already.
pub(super) fn ensure(status: &mut Value, kind: &str, value: &str, reason: &str, message: &str) -> bool {
    let known = conditions::get(status, kind);
    let same = |name: &str, value: &str| known.str(name) == value;
    if known.exists() && same("status", value) && same("reason", reason) && same("message", message) {
        return false;
    }
    if !known.exists() && value == "False" {
        return false;
    }
    let mut new = condition(kind, reason, message);
    new["status"] = value.into();
    let place = status["conditions"].as_array_mut().and_then(|all| all.iter_mut().find(|c| c["type"] == kind));
    match place {
        Some(place) => *place = new,
        None => conditions::put(status, new),
    }
    true
}

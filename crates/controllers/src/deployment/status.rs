//! How far a Deployment is.

use super::sets::{self, Plan, Sets};
use super::{Controller, PROGRESSING, set_condition};
use crate::workload::conditions;
use crate::workload::numbers::set_count;
use informer::{Next, Object, clock, kinds};
use object::{Value, View, json};
use std::time::Duration;

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// True if all pods are new and available, and none is left over.
pub(super) fn is_complete(plan: &Plan, deployment: &Object, status: View<'_>) -> bool {
    let all = |name: &str| status.int(name) == plan.replicas;
    all("updatedReplicas")
        && all("replicas")
        && all("availableReplicas")
        && status.int("observedGeneration") >= deployment.meta().int("generation")
}

impl Controller {
    /// Writes counts and availability, and nothing about progress.
    pub(super) async fn write_plain_status(&self, deployment: &Object, sets: &Sets) -> Result<Next, kube::Error> {
        let status = calculate(deployment, sets);
        self.write(deployment, status).await?;
        Ok(Next::Done)
    }

    /// Writes all of the status.
    pub(super) async fn write_status(&self, deployment: &Object, sets: &Sets) -> Result<Next, kube::Error> {
        let mut status = calculate(deployment, sets);
        judge_progress(deployment, sets, &mut status, clock::now());
        judge_failures(sets, &mut status);
        let next = next_check(deployment, View::from(&status));
        self.write(deployment, status).await?;
        Ok(next)
    }

    async fn write(&self, deployment: &Object, status: Value) -> Result<(), kube::Error> {
        if View::from(&status).same(deployment.status()) {
            return Ok(());
        }
        let mut changed = deployment.to_value();
        changed["status"] = status;
        self.informers.replace_status(&kinds::DEPLOYMENTS, &changed).await.map(drop)
    }
}

fn calculate(deployment: &Object, sets: &Sets) -> Value {
    let plan = Plan::of(deployment);
    let available = sets.sum(sets::available);
    let mut status = json!({});
    if let Some(collisions) = deployment.status().opt_int("collisionCount") {
        status["collisionCount"] = collisions.into();
    }
    let old = deployment.status().get("conditions");
    if !old.is_empty() {
        status["conditions"] = old.to_value();
    }
    let updated = sets.new.as_ref().map_or(0, |new| sets::actual(new));
    for (name, count) in [
        ("observedGeneration", deployment.meta().int("generation")),
        ("replicas", sets.sum(sets::actual)),
        ("updatedReplicas", updated),
        ("readyReplicas", sets.sum(|set| set.status().int("readyReplicas"))),
        ("availableReplicas", available),
        ("unavailableReplicas", (sets.sum(sets::replicas) - available).max(0)),
    ] {
        set_count(&mut status, name, count);
    }
    if let Some(terminating) = terminating(sets) {
        status["terminatingReplicas"] = terminating.into();
    }
    let (value, reason, message) = if available >= plan.replicas - plan.max_unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(&mut status, "Available", value, reason, message.to_owned());
    status
}

/// How many pods are being deleted, unless a ReplicaSet does not tell.
fn terminating(sets: &Sets) -> Option<i64> {
    let seen = sets.all().into_iter().filter(|set| set.status().int("observedGeneration") > 0);
    seen.map(|set| set.status().opt_int("terminatingReplicas")).sum()
}

fn judge_progress(deployment: &Object, sets: &Sets, status: &mut Value, now: i64) {
    let plan = Plan::of(deployment);
    let Some(deadline) = plan.deadline else { return conditions::remove(status, PROGRESSING) };
    let current = deployment.condition(PROGRESSING);
    let new = View::from(&*status);
    let is_done =
        new.int("replicas") == new.int("updatedReplicas") && current.str("reason") == "NewReplicaSetAvailable";
    if is_done {
        return;
    }
    let subject = match &sets.new {
        Some(set) => format!("ReplicaSet {:?}", set.name()),
        None => format!("Deployment {:?}", deployment.name()),
    };
    if is_complete(&plan, deployment, new) {
        let message = format!("{subject} has successfully progressed.");
        set_condition(status, PROGRESSING, "True", "NewReplicaSetAvailable", message);
    } else if has_progressed(deployment.status(), new) {
        // The time of the last progress counts, so it is written anew each time.
        let since = (current.str("status") == "True").then(|| current.get("lastTransitionTime").to_value());
        conditions::remove(status, PROGRESSING);
        set_condition(status, PROGRESSING, "True", "ReplicaSetUpdated", format!("{subject} is progressing."));
        if let Some(since) = since
            && let Some(last) = status["conditions"].as_array_mut().and_then(|conditions| conditions.last_mut())
        {
            last["lastTransitionTime"] = since;
        }
    } else if has_timed_out(current, deadline, now) {
        let message = format!("{subject} has timed out progressing.");
        set_condition(status, PROGRESSING, "False", "ProgressDeadlineExceeded", message);
    }
}

fn has_progressed(old: View<'_>, new: View<'_>) -> bool {
    let rest = |status: View<'_>| status.int("replicas") - status.int("updatedReplicas");
    let more = |name: &str| new.int(name) > old.int(name);
    more("updatedReplicas") || rest(new) < rest(old) || more("readyReplicas") || more("availableReplicas")
}

fn has_timed_out(condition: View<'_>, deadline: i64, now: i64) -> bool {
    match condition.str("reason") {
        "" | "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => clock::seconds(condition.str("lastUpdateTime")).is_some_and(|last| last + deadline < now),
    }
}

/// That pods cannot be made or deleted is told of the new ReplicaSet first.
fn judge_failures(sets: &Sets, status: &mut Value) {
    let failed = |set: &Object| Some(set.condition(REPLICA_FAILURE)).filter(|c| c.exists()).map(View::to_value);
    let failure = sets.new.iter().chain(&sets.old).find_map(|set| failed(set));
    match failure {
        Some(mut failure) => {
            let current = conditions::get(status, REPLICA_FAILURE);
            let is_known = current.get("status").value() == failure.get("status")
                && current.get("reason").value() == failure.get("reason");
            if !is_known {
                failure["lastUpdateTime"] = failure["lastTransitionTime"].clone();
                conditions::put(status, failure);
            }
        }
        None => conditions::remove(status, REPLICA_FAILURE),
    }
}

/// When to look whether the deadline has passed.
fn next_check(deployment: &Object, status: View<'_>) -> Next {
    let plan = Plan::of(deployment);
    let condition = status.list("conditions").find(|c| c.str("type") == PROGRESSING).unwrap_or(View::ABSENT);
    let is_settled = is_complete(&plan, deployment, status) || condition.str("reason") == "ProgressDeadlineExceeded";
    match (plan.deadline, clock::seconds(condition.str("lastUpdateTime"))) {
        (Some(deadline), Some(last)) if !is_settled => {
            Next::After(clock::until(last.saturating_add(deadline)) + Duration::from_secs(1))
        }
        _ => Next::Done,
    }
}

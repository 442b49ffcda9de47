//! Asking the disruption budget that covers a pod, and taking one disruption from it.

use super::{CONFLICT_TRIES, conditions};
use crate::lookup::{Cluster, Stored};
use crate::object_codec;
use crate::rest::call::Call;
use crate::rest::options::DeleteOptions;
use crate::rest::write;
use crate::storage::{self, Facts};
use object::selector::labels::Selector;
use object::status::Cause;
use object::{Status, Value, View, json};
use std::sync::Arc;
use store::{CommitError, Expect, Txn};

/// Most evictions that a budget remembers before its controller has seen them.
const MAX_DISRUPTED: usize = 2000;
const ALLOWED: &str = "DisruptionAllowed";

/// Takes one disruption from the budget that covers the pod.
pub(super) async fn ask(call: &Call, pod: View<'_>, options: &DeleteOptions) -> Result<(), Status> {
    for _ in 0..CONFLICT_TRIES {
        let budgets = budgets_of(call, pod)?;
        let [budget] = &budgets[..] else {
            if budgets.is_empty() {
                return Ok(());
            }
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::plain(500, "", why));
        };
        if allows_unhealthy(pod, View::from(&**budget)) {
            return Ok(());
        }
        let charged = take_one(call, pod, budget)?;
        if options.dry_run || store(call, budget, charged).await? {
            return Ok(());
        }
    }
    Err(Status::timeout("couldn't update PodDisruptionBudget due to conflicts"))
}

fn budgets_of(call: &Call, pod: View<'_>) -> Result<Vec<Arc<Value>>, Status> {
    let budgets = Stored(call.core.store.clone()).list("policy", "poddisruptionbudgets", Some(&call.info.namespace));
    let labels = pod.at(&["metadata", "labels"]);
    let mut covering = Vec::new();
    for budget in budgets {
        let selector = View::from(&*budget).at(&["spec", "selector"]);
        // A budget whose selector cannot be read covers nothing.
        if let Ok(selector) = Selector::from_object(selector)
            && selector.matches(&labels)
        {
            covering.push(budget);
        }
    }
    Ok(covering)
}

/// A pod that is not ready may go where the budget says so, or where enough others are healthy.
fn allows_unhealthy(pod: View<'_>, budget: View<'_>) -> bool {
    let is_ready =
        pod.at(&["status", "conditions"]).items().any(|c| c.str("type") == "Ready" && c.str("status") == "True");
    if is_ready {
        return false;
    }
    let status = budget.get("status");
    budget.get("spec").str("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        || (status.int("desiredHealthy") > 0 && status.int("currentHealthy") >= status.int("desiredHealthy"))
}

/// The budget with one disruption less, or the refusal.
fn take_one(call: &Call, pod: View<'_>, budget: &Arc<Value>) -> Result<Value, Status> {
    let view = View::from(&**budget);
    let (name, status) = (view.get("metadata").str("name"), view.get("status"));
    if status.int("observedGeneration") < view.get("metadata").int("generation") {
        let message = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(message, 10));
    }
    let allowed = status.int("disruptionsAllowed");
    if allowed < 0 {
        return Err(forbidden(name, "pdb disruptions allowed is negative"));
    }
    if status.get("disruptedPods").len() > MAX_DISRUPTED {
        return Err(forbidden(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller"));
    }
    if allowed == 0 {
        return Err(refused(why_none(name, status), 0));
    }
    let mut charged = (**budget).clone();
    let now = call.core.now_text();
    charged["status"]["disruptionsAllowed"] = (allowed - 1).into();
    if allowed == 1 {
        tell_exhausted(&mut charged["status"], &now);
    }
    charged["status"]["disruptedPods"][pod.get("metadata").str("name")] = now.into();
    Ok(charged)
}

/// Why a budget allows no disruption.
fn why_none(name: &str, status: View<'_>) -> String {
    let conditions = status.get("conditions");
    let condition = conditions.items().find(|condition| condition.str("type") == ALLOWED);
    let told = condition.filter(|condition| condition.str("status") == "False" && !condition.str("message").is_empty());
    let told = told.map(|condition| (condition.str("reason"), condition.str("message")));
    let (wanted, healthy) = (status.int("desiredHealthy"), status.int("currentHealthy"));
    let not_now = format!("The disruption budget {name} does not allow evicting pods currently");
    match told {
        // How many are healthy is not known then.
        Some(("SyncFailed", why)) => format!("{not_now} because it failed sync: {why}"),
        _ if healthy <= wanted => {
            format!("The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently")
        }
        Some((reason, why)) => format!("{not_now} ({reason}): {why}"),
        None => not_now,
    }
}

/// Says in a status that no further disruption is allowed.
fn tell_exhausted(status: &mut Value, now: &str) {
    let mut condition = json!({"type": ALLOWED, "status": "False", "reason": "InsufficientPods", "message": ""});
    let generation = &status["observedGeneration"];
    if !generation.is_null() {
        condition["observedGeneration"] = generation.clone();
    }
    conditions::set(status, now, condition);
}

/// Stores a charged budget; false if it changed meanwhile.
async fn store(call: &Call, budget: &Arc<Value>, charged: Value) -> Result<bool, Status> {
    let metadata = View::from(&**budget).get("metadata");
    let key = storage::key_of("policy", "poddisruptionbudgets", &call.info.namespace, metadata.str("name"));
    let revision = write::parse_version(metadata.str("resourceVersion"))?;
    let facts = Facts::of_metadata(View::from(&charged));
    let template = object_codec::encode("PodDisruptionBudget", "policy/v1", &charged);
    let txn = Txn::new().guard(&*key, Expect::At(revision)).put_attached(&*key, template, facts);
    match call.core.store.commit(txn).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(Status::internal(error)),
    }
}

/// 429: not now.
fn refused(message: String, retry_after: u32) -> Status {
    let mut status =
        Status::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", retry_after);
    if let Some(details) = &mut status.details {
        details.causes = vec![Cause { reason: "DisruptionBudget".to_owned(), message, field: String::new() }];
    }
    status
}

fn forbidden(name: &str, why: &str) -> Status {
    let resource = object::status::GroupResource { group: "policy", resource: "poddisruptionbudget" };
    Status::forbidden(resource, name, why)
}

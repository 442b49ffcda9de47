//! The subresource `pods/NAME/eviction`: a delete that asks the disruption budgets first.

use super::call::Call;
use super::delete::{self, Deleted};
use super::options::{DeleteOptions, WriteOptions};
use super::{answer, decode, write};
use crate::admission::{Attributes, Operation};
use crate::http::Body;
use crate::lookup::{Cluster, Stored};
use crate::object_codec;
use crate::storage::{self, Facts};
use ::http::Response;
use bytes::Bytes;
use object::selector::labels::Selector;
use object::status::Cause;
use object::{Status, Value, View};
use std::sync::Arc;
use store::{CommitError, Expect, Txn};

const CONFLICT_TRIES: usize = 20;
/// Most evictions that a budget remembers before its controller has seen them.
const MAX_DISRUPTED: usize = 2000;

/// Answers a POST of an eviction.
pub(crate) async fn evict(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call, "CreateOptions", false)?;
    let mut eviction = decode::body(call, &body, options.field_validation)?;
    super::metadata::match_namespace(&mut eviction, call.namespace())?;
    let name = &call.info.name;
    if View::from(&eviction).get("metadata").str("name") != name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let dry_run = DeleteOptions::parse(&call.query, &eviction["deleteOptions"])?.dry_run || options.dry_run;
    let attributes = Attributes::new(call, Operation::Create, name, dry_run);
    call.core.admission.admit(&attributes, &mut eviction, None).await?;
    call.core.admission.validate(&attributes, &eviction, None).await?;
    let mut deletion = DeleteOptions::parse(&call.query, &eviction["deleteOptions"])?;
    deletion.dry_run |= dry_run;
    let current = call.current().ok_or_else(|| call.not_found())?;
    let pod = decode::stored(call, &current)?;
    if !ignores_budgets(View::from(&pod)) {
        ask_budgets(call, View::from(&pod), &deletion).await?;
    }
    let pods = call.about_pods()?;
    match delete::delete_named(&pods, name, &deletion).await? {
        Deleted::Gone(_) | Deleted::Later(_) => Ok(answer::success(call, 201)),
    }
}

/// A pod that does not run, or goes anyway, disrupts nothing.
fn ignores_budgets(pod: View<'_>) -> bool {
    matches!(pod.get("status").str("phase"), "Succeeded" | "Failed" | "Pending")
        || pod.get("metadata").has("deletionTimestamp")
}

/// Takes one disruption from the budget that covers the pod.
async fn ask_budgets(call: &Call, pod: View<'_>, options: &DeleteOptions) -> Result<(), Status> {
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
        let message = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status.int("desiredHealthy"),
            status.int("currentHealthy")
        );
        return Err(refused(message, 0));
    }
    let mut charged = (**budget).clone();
    charged["status"]["disruptionsAllowed"] = (allowed - 1).into();
    charged["status"]["disruptedPods"][pod.get("metadata").str("name")] = call.core.now_text().into();
    Ok(charged)
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

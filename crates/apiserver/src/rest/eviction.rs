//! The subresource `pods/NAME/eviction`: a delete that asks the disruption budgets first.

mod budget;
mod conditions;

use super::call::Call;
use super::delete::{self, Asking, Deleted};
use super::options::{DeleteOptions, WriteOptions};
use super::{answer, decode, write};
use crate::admission::{Attributes, Operation};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use object::field::{Error, Path};
use object::{Status, Value, View, json};

const CONFLICT_TRIES: usize = 20;

/// Answers a POST of an eviction.
pub(crate) async fn evict(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call, "CreateOptions", false)?;
    let mut eviction = decode::body(call, &body, options.field_validation)?;
    super::metadata::match_namespace(&mut eviction, call.namespace())?;
    let name = &call.info.name;
    if View::from(&eviction).get("metadata").str("name") != name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    check_options(call, View::from(&eviction).get("deleteOptions"))?;
    let dry_run = DeleteOptions::parse(&call.query, &eviction["deleteOptions"])?.dry_run || options.dry_run;
    let attributes = Attributes::new(call, Operation::Create, name, dry_run);
    call.core.admission.admit(&attributes, &mut eviction, None).await?;
    call.core.admission.validate(&attributes, &eviction, None).await?;
    let mut deletion = DeleteOptions::parse(&call.query, &eviction["deleteOptions"])?;
    deletion.dry_run |= dry_run;
    let current = call.current().ok_or_else(|| call.not_found())?;
    let pod = decode::stored(call, &current)?;
    if !ignores_budgets(View::from(&pod)) {
        budget::ask(call, View::from(&pod), &deletion).await?;
    }
    let pods = call.about_pods()?;
    if !deletion.dry_run {
        mark(&pods, name, &mut deletion).await?;
    }
    match delete::delete_named(&pods, name, &deletion, Asking::Nobody).await? {
        Deleted::Gone(_) | Deleted::Later(_) => Ok(answer::success(call, 201)),
    }
}

/// What the options of a delete may not say here, and not otherwise than the query.
fn check_options(call: &Call, options: View<'_>) -> Result<(), Status> {
    const CAREFREE: &str = "ignoreStoreReadErrorWithClusterBreakingPotential";
    if options.bool(CAREFREE) {
        let why = "can not be set for pod eviction, try after removing the option";
        let error = Error::invalid(&Path::new("deleteOptions").child(CAREFREE), true, why);
        return Err(Status::invalid("policy", "Eviction", &call.info.name, &[error]));
    }
    let asked: Vec<&str> = call.query.all("dryRun").collect();
    let within: Vec<&str> = options.strings("dryRun").collect();
    if asked.is_empty() || within.is_empty() || asked == within {
        return Ok(());
    }
    let (asked, within) = (asked.join(" "), within.join(" "));
    let why = format!("Non-matching dry-run options in request and content: [{asked}] and [{within}]");
    Err(Status::plain(500, "", why))
}

/// A pod that does not run, or goes anyway, disrupts nothing.
fn ignores_budgets(pod: View<'_>) -> bool {
    matches!(pod.get("status").str("phase"), "Succeeded" | "Failed" | "Pending")
        || pod.get("metadata").has("deletionTimestamp")
}

/// Tells in the pod's status why it goes. That makes a new version of it, which is the one to delete.
async fn mark(pods: &Call, name: &str, deletion: &mut DeleteOptions) -> Result<(), Status> {
    for _ in 0..CONFLICT_TRIES {
        let current = pods.named(name).ok_or_else(|| Status::not_found(pods.resource.group_resource(), name))?;
        let mut pod = decode::stored(pods, &current)?;
        delete::check_preconditions(pods, View::from(&pod), deletion)?;
        set_condition(&mut pod["status"], &pods.core.now_text());
        match write::replace(pods, pod, &current, false, false).await {
            Err(status) if status.reason == "Conflict" => continue,
            stored => {
                let stored = stored?.value(pods)?;
                if let Some(version) = &mut deletion.resource_version {
                    View::from(&stored).get("metadata").str("resourceVersion").clone_into(version);
                }
                return Ok(());
            }
        }
    }
    Err(write::modified(pods))
}

fn set_condition(status: &mut Value, now: &str) {
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "lastProbeTime": null,
        "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
    });
    conditions::set(status, now, condition);
}

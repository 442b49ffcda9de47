//! `rollout status|history|undo|restart|pause|resume`.

mod history;
mod status;

use crate::api::Api;
use crate::error::{Error, Result};
use crate::select::{Selection, Target, with_query};
use std::io::Write;
use value::{Value, json};

pub use history::{history, undo};
pub use status::{Status, status};

const MANAGER: &str = "fieldManager=kubectl-rollout";

/// What `restart`, `pause` and `resume` do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// New pods, one after the other.
    Restart,
    /// Changes wait.
    Pause,
    /// They do not any more.
    Resume,
}

/// Changes all that is selected.
///
/// # Errors
/// Where something cannot be changed so.
pub async fn change(api: &Api, selection: &Selection, change: Change, out: &mut (dyn Write + Send)) -> Result<()> {
    let mut errors = Vec::new();
    for (target, object) in selection.objects(api).await? {
        let done = match patch(&target, &object, change) {
            Ok((patch, said)) => {
                let path = with_query(&target.path(), MANAGER);
                api.patch(&path, "application/strategic-merge-patch+json", &patch).await.map(|_| said)
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(said) => writeln!(out, "{} {said}", target.shown())?,
            Err(error) => errors.push(error.to_string()),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

fn patch(target: &Target, object: &Value, change: Change) -> Result<(Value, &'static str)> {
    let (kind, name) = (target.resource.kind.as_str(), target.name.as_deref().unwrap_or_default());
    let paused = object["spec"]["paused"] == true;
    let full = target.resource.full_name();
    let refuse = |why: &str| Err(Error::usage(format!("{full} {name:?} {why}")));
    match change {
        Change::Restart if !matches!(kind, "Deployment" | "DaemonSet" | "StatefulSet") => {
            refuse("restarting is not supported")
        }
        Change::Restart if kind == "Deployment" && paused => {
            refuse("can't restart paused deployment (run rollout resume first)")
        }
        Change::Restart => {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let annotations = json!({ "kubectl.kubernetes.io/restartedAt": now });
            Ok((json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } }), "restarted"))
        }
        Change::Pause if kind != "Deployment" => refuse("pausing is not supported"),
        Change::Pause if paused => refuse("is already paused"),
        Change::Pause => Ok((json!({ "spec": { "paused": true } }), "paused")),
        Change::Resume if kind != "Deployment" => refuse("resuming is not supported"),
        Change::Resume if !paused => refuse("is not paused"),
        Change::Resume => Ok((json!({ "spec": { "paused": null } }), "resumed")),
    }
}

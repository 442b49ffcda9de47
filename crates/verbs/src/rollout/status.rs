//! How far a rollout is.

use crate::api::Api;
use crate::error::{Error, Result};
use crate::select::{Selection, Target};
use crate::text::{field, name};
use futures_util::StreamExt as _;
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use value::Value;

/// What to follow.
#[derive(Clone, Debug)]
pub struct Status {
    /// The objects.
    pub selection: Selection,
    /// Until it is done.
    pub watch: bool,
    /// No longer than this.
    pub timeout: Option<Duration>,
    /// Only this revision; any for zero.
    pub revision: i64,
}

/// Tells how far rollouts are, and waits for their end.
///
/// # Errors
/// Where one has failed, or the time is over.
pub async fn status(api: &Api, status: &Status, out: &mut (dyn Write + Send)) -> Result<()> {
    for (target, _) in status.selection.objects(api).await? {
        let following = follow(api, status, &target, out);
        match status.timeout {
            None => following.await?,
            Some(timeout) => timeout_at(Instant::now() + timeout, following)
                .await
                .unwrap_or_else(|_| Err(Error::usage("timed out waiting for the condition")))?,
        }
    }
    Ok(())
}

async fn follow(api: &Api, status: &Status, target: &Target, out: &mut (dyn Write + Send)) -> Result<()> {
    let query = format!("fieldSelector=metadata.name%3D{}", target.name.as_deref().unwrap_or_default());
    loop {
        let list = api.get(&format!("{}?{query}", target.collection())).await?;
        let Some(object) = list["items"].get(0) else {
            return Err(Error::usage("object has been deleted"));
        };
        if tell(target, object, status.revision, out)? || !status.watch {
            return Ok(());
        }
        let version = field(&list, "/metadata/resourceVersion");
        let path = format!("{}?{query}&watch=true&resourceVersion={version}", target.collection());
        let mut events = api.watch(&path, "application/json").await?;
        while let Some(event) = events.next().await {
            let event = event?;
            match event["type"].as_str() {
                Some("DELETED") => return Err(Error::usage("object has been deleted")),
                Some("ERROR") => break,
                Some("BOOKMARK") => {}
                _ if tell(target, &event["object"], status.revision, out)? => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Prints how far it is; whether it is done.
fn tell(target: &Target, object: &Value, revision: i64, out: &mut (dyn Write + Send)) -> Result<bool> {
    let (text, done) = match target.resource.kind.as_str() {
        "Deployment" => deployment(object, revision)?,
        "DaemonSet" => daemon_set(object)?,
        "StatefulSet" => stateful_set(object)?,
        kind => {
            let group = &target.resource.group;
            return Err(Error::usage(format!("no status viewer has been implemented for {kind}.{group}")));
        }
    };
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(done)
}

fn count(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn observed(object: &Value) -> bool {
    count(object, "/metadata/generation") <= count(object, "/status/observedGeneration")
}

fn deployment(object: &Value, revision: i64) -> Result<(String, bool)> {
    let name = name(object);
    if revision > 0 {
        let running: i64 = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        if running != revision {
            return Err(Error::usage(format!(
                "desired revision ({revision}) is different from the running revision ({running})"
            )));
        }
    }
    if !observed(object) {
        return Ok(("Waiting for deployment spec update to be observed...".to_owned(), false));
    }
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let late = |one: &Value| one["type"] == "Progressing" && one["reason"] == "ProgressDeadlineExceeded";
    if conditions.iter().any(late) {
        return Err(Error::usage(format!("deployment {name:?} exceeded its progress deadline")));
    }
    let status = |field: &str| count(object, &format!("/status/{field}"));
    let (wanted, updated) = (count(object, "/spec/replicas"), status("updatedReplicas"));
    let (all, available) = (status("replicas"), status("availableReplicas"));
    let waiting = |what: String| Ok((format!("Waiting for deployment {name:?} rollout to finish: {what}..."), false));
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new replicas have been updated"));
    }
    if all > updated {
        return waiting(format!("{} old replicas are pending termination", all - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    Ok((format!("deployment {name:?} successfully rolled out"), true))
}

fn need_rolling_update(object: &Value) -> Result<()> {
    if field(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        return Ok(());
    }
    Err(Error::usage("rollout status is only available for RollingUpdate strategy type"))
}

fn daemon_set(object: &Value) -> Result<(String, bool)> {
    need_rolling_update(object)?;
    let name = name(object);
    if !observed(object) {
        return Ok(("Waiting for daemon set spec update to be observed...".to_owned(), false));
    }
    let status = |field: &str| count(object, &format!("/status/{field}"));
    let (wanted, updated) = (status("desiredNumberScheduled"), status("updatedNumberScheduled"));
    let available = status("numberAvailable");
    let waiting = |what: String| Ok((format!("Waiting for daemon set {name:?} rollout to finish: {what}..."), false));
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new pods have been updated"));
    }
    if available < wanted {
        return waiting(format!("{available} of {wanted} updated pods are available"));
    }
    Ok((format!("daemon set {name:?} successfully rolled out"), true))
}

fn stateful_set(object: &Value) -> Result<(String, bool)> {
    need_rolling_update(object)?;
    if count(object, "/status/observedGeneration") == 0 || !observed(object) {
        return Ok(("Waiting for statefulset spec update to be observed...".to_owned(), false));
    }
    let status = |field: &str| count(object, &format!("/status/{field}"));
    let (wanted, ready, updated) =
        (count(object, "/spec/replicas"), status("readyReplicas"), status("updatedReplicas"));
    if ready < wanted {
        return Ok((format!("Waiting for {} pods to be ready...", wanted - ready), false));
    }
    if object["spec"]["updateStrategy"]["rollingUpdate"].is_object() {
        let kept = count(object, "/spec/updateStrategy/rollingUpdate/partition");
        return Ok(match updated < wanted - kept {
            true => (
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                    wanted - kept
                ),
                false,
            ),
            false => (format!("partitioned roll out complete: {updated} new pods have been updated..."), true),
        });
    }
    let (update, current) = (field(object, "/status/updateRevision"), field(object, "/status/currentRevision"));
    if update != current {
        return Ok((
            format!("waiting for statefulset rolling update to complete {updated} pods at revision {update}..."),
            false,
        ));
    }
    let at = status("currentReplicas");
    Ok((format!("statefulset rolling update complete {at} pods at revision {current}..."), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn deployments_tell_how_far_they_are() {
        let of = |updated: i64, all: i64, available: i64| {
            let status = json!({"observedGeneration": 1, "updatedReplicas": updated, "replicas": all, "availableReplicas": available});
            let object =
                json!({"metadata": {"name": "web", "generation": 1}, "spec": {"replicas": 3}, "status": status});
            deployment(&object, 0).unwrap()
        };
        let waiting = |what: &str| (format!("Waiting for deployment \"web\" rollout to finish: {what}..."), false);
        assert_eq!(of(1, 3, 3), waiting("1 out of 3 new replicas have been updated"));
        assert_eq!(of(3, 4, 3), waiting("1 old replicas are pending termination"));
        assert_eq!(of(3, 3, 2), waiting("2 of 3 updated replicas are available"));
        assert_eq!(of(3, 3, 3), ("deployment \"web\" successfully rolled out".to_owned(), true));
    }
}

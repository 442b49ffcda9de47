//! Waits until objects are ready, or says what is not and why.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Error;
use crate::cluster::Cluster;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Told whenever what is waited for changes: one line an object that is not ready.
pub type Progress<'a> = dyn FnMut(&[String]) + Send + 'a;

fn count(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn condition<'a>(object: &'a Value, ty: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == ty)
}

/// Why an object is not ready; none where it is, or never says.
pub(super) fn not_ready(object: &Value, jobs: bool) -> Option<String> {
    let generation = count(object, "/metadata/generation");
    let observed = count(object, "/status/observedGeneration");
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" | "StatefulSet" | "ReplicaSet" if observed < generation => {
            Some("its change is not seen yet".into())
        }
        "Deployment" | "StatefulSet" => {
            let (updated, ready) = (count(object, "/status/updatedReplicas"), count(object, "/status/readyReplicas"));
            (updated < wanted || ready < wanted)
                .then(|| format!("{ready} of {wanted} pods are ready, {updated} are new"))
        }
        "ReplicaSet" | "ReplicationController" => {
            let ready = count(object, "/status/readyReplicas");
            (ready < wanted).then(|| format!("{ready} of {wanted} pods are ready"))
        }
        "DaemonSet" => {
            let (wanted, ready) =
                (count(object, "/status/desiredNumberScheduled"), count(object, "/status/numberReady"));
            (observed < generation || ready < wanted).then(|| format!("{ready} of {wanted} pods are ready"))
        }
        "Pod" => match condition(object, "Ready") {
            Some(ready) if ready["status"] == "True" => None,
            _ if object["status"]["phase"] == "Succeeded" => None,
            _ => Some(format!("phase {}", object["status"]["phase"].as_str().unwrap_or("unknown"))),
        },
        "Job" if jobs => job(object).map_or_else(|| Some("it runs".into()), |done| done.err()),
        "PersistentVolumeClaim" => (object["status"]["phase"] != "Bound").then(|| "it is not bound".into()),
        "CustomResourceDefinition" => match condition(object, "Established") {
            Some(established) if established["status"] == "True" => None,
            _ => Some("it is not established".into()),
        },
        _ => None,
    }
}

/// How a job or pod ended, if it has.
pub(super) fn job(object: &Value) -> Option<Result<(), String>> {
    if object["kind"] == "Pod" {
        return match object["status"]["phase"].as_str() {
            Some("Succeeded") => Some(Ok(())),
            Some("Failed") => Some(Err("pod failed".to_owned())),
            _ => None,
        };
    }
    if condition(object, "Complete").is_some_and(|done| done["status"] == "True") {
        return Some(Ok(()));
    }
    let failed = condition(object, "Failed").filter(|failed| failed["status"] == "True")?;
    Some(Err(format!("job failed: {}", failed["reason"].as_str().unwrap_or_default())))
}

/// Waits until all objects are ready.
pub(super) async fn ready(
    cluster: &Cluster,
    objects: &[Value],
    namespace: &str,
    jobs: bool,
    timeout: Duration,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    let mut shown = Vec::new();
    loop {
        let mut waiting = Vec::new();
        for object in objects {
            let path = cluster.path_of(object, namespace).await?;
            let found = cluster.get(&path).await?;
            let why = found.as_ref().map_or_else(|| Some("it is not there".to_owned()), |found| not_ready(found, jobs));
            if let Some(why) = why {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                waiting.push(format!("{}/{}: {why}", text(&object["kind"]), text(&object["metadata"]["name"])));
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        if waiting != shown {
            progress(&waiting);
            shown = waiting;
        }
        if Instant::now() >= end {
            return Err(Error::Release(format!("context deadline exceeded: not ready: {}", shown.join("; "))));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until a job or pod has ended; other objects have, as soon as they are there.
pub(super) async fn finished(cluster: &Cluster, path: &str, timeout: Duration) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    loop {
        let Some(object) = cluster.get(path).await? else { return Ok(()) };
        if !matches!(object["kind"].as_str(), Some("Job" | "Pod")) {
            return Ok(());
        }
        match job(&object) {
            Some(done) => return done.map_err(Error::Release),
            None if Instant::now() >= end => {
                return Err(Error::Release("timed out waiting for the condition".to_owned()));
            }
            None => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Waits until nothing is at a path.
pub(super) async fn gone(cluster: &Cluster, path: &str, timeout: Duration) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    while cluster.get(path).await?.is_some() {
        if Instant::now() >= end {
            return Err(Error::Release(format!("timed out waiting for {path} to be deleted")));
        }
        tokio::time::sleep(PAUSE / 5).await;
    }
    Ok(())
}

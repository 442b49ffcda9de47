//! Whether an object is ready, and why not, in the words of the library that Helm waits with.
//!
//! Deliberately absent: looking at other objects than the one; an object's own status says it all.

use value::Value;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It is what it shall be.
    Current,
    /// It is on its way.
    InProgress(String),
    /// It will not get there by itself.
    Failed(String),
    /// It goes.
    Terminating(String),
    /// It is not there.
    NotFound,
}

impl Readiness {
    /// The name of the state and the reason, where the object is not ready.
    pub(super) fn told(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Current => None,
            Self::InProgress(why) => Some(("InProgress", why)),
            Self::Failed(why) => Some(("Failed", why)),
            Self::Terminating(why) => Some(("Terminating", why)),
            Self::NotFound => Some(("NotFound", "Resource not found")),
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// What runs shall run.
    Running,
    /// As `Running`, and jobs shall have ended.
    JobsToo,
    /// Jobs and pods shall have ended; all else counts as soon as it is there.
    Hooks,
}

fn in_progress<T>(why: impl Into<String>) -> Result<T, Readiness> {
    Err(Readiness::InProgress(why.into()))
}

fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn condition<'a>(object: &'a Value, ty: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == ty)
}

fn is_true(object: &Value, ty: &str) -> bool {
    condition(object, ty).is_some_and(|condition| condition["status"] == "True")
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// How far an object is.
pub(super) fn of(object: &Value, what: For) -> Readiness {
    check(object, what).err().unwrap_or(Readiness::Current)
}

fn check(object: &Value, what: For) -> Result<(), Readiness> {
    let kind = text(object, "/kind");
    match (kind, what) {
        ("Job", For::Hooks | For::JobsToo) => return ended_job(object),
        ("Pod", For::Hooks) => return ended_pod(object),
        (_, For::Hooks) => return Ok(()),
        _ => {}
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Readiness::Terminating("Resource scheduled for deletion".to_owned()));
    }
    observed(object, kind)?;
    match (text(object, "/apiVersion").split('/').next().unwrap_or_default(), kind) {
        ("apps", "Deployment") if object["spec"]["paused"] == true => Ok(()),
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "ReplicaSet") | ("v1", "ReplicationController") => replica_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("v1", "Pod") => pod(object),
        ("v1", "PersistentVolumeClaim") => match text(object, "/status/phase") {
            "Bound" => Ok(()),
            phase => in_progress(format!("PVC is not Bound. phase: {phase}")),
        },
        ("v1", "Service") => match (text(object, "/spec/type"), text(object, "/spec/clusterIP")) {
            (ty @ "LoadBalancer", "") => in_progress(format!("ClusterIP not set. Service type: {ty}")),
            _ => Ok(()),
        },
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => conditions(object),
    }
}

/// Whether the newest change was seen.
fn observed(object: &Value, kind: &str) -> Result<(), Readiness> {
    let Some(observed) = object.pointer("/status/observedGeneration").and_then(Value::as_i64) else { return Ok(()) };
    let generation = number(object, "/metadata/generation");
    if observed == generation {
        return Ok(());
    }
    in_progress(format!("{kind} generation is {generation}, but latest observed generation is {observed}"))
}

/// What any kind may say of itself.
fn conditions(object: &Value) -> Result<(), Readiness> {
    let message =
        |ty| condition(object, ty).map(|condition| text(condition, "/message").to_owned()).unwrap_or_default();
    if is_true(object, "Reconciling") {
        return in_progress(message("Reconciling"));
    }
    if is_true(object, "Stalled") {
        return Err(Readiness::Failed(message("Stalled")));
    }
    if condition(object, "Ready").is_some_and(|ready| ready["status"] != "True") {
        return in_progress(message("Ready"));
    }
    Ok(())
}

fn fewer(what: &str, have: i64, wanted: i64) -> Result<(), Readiness> {
    if have < wanted { in_progress(format!("{what}: {have}/{wanted}")) } else { Ok(()) }
}

fn pending_termination(have: i64, wanted: i64) -> Result<(), Readiness> {
    if have > wanted { in_progress(format!("Pending termination: {}", have - wanted)) } else { Ok(()) }
}

fn wanted_replicas(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

fn deployment(object: &Value) -> Result<(), Readiness> {
    let progressing = condition(object, "Progressing");
    if progressing.is_some_and(|progressing| progressing["reason"] == "ProgressDeadlineExceeded") {
        return Err(Readiness::Failed("Progress deadline exceeded".to_owned()));
    }
    let wanted = wanted_replicas(object);
    let status = |name: &str| number(object, &format!("/status/{name}"));
    fewer("replicas", status("replicas"), wanted)?;
    fewer("Updated", status("updatedReplicas"), wanted)?;
    pending_termination(status("replicas"), wanted)?;
    fewer("Available", status("availableReplicas"), status("updatedReplicas"))?;
    fewer("Ready", status("readyReplicas"), wanted)?;
    let unlimited = object.pointer("/spec/progressDeadlineSeconds").is_none();
    let new_one_is_there =
        progressing.is_some_and(|progressing| progressing["reason"] == "NewReplicaSetAvailable") || unlimited;
    if !new_one_is_there {
        return in_progress("ReplicaSet not Available");
    }
    if !is_true(object, "Available") {
        return in_progress("Deployment not Available");
    }
    Ok(())
}

fn stateful_set(object: &Value) -> Result<(), Readiness> {
    // With this strategy pods are new when somebody deletes the old ones.
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let wanted = wanted_replicas(object);
    let status = |name: &str| number(object, &format!("/status/{name}"));
    fewer("Replicas", status("replicas"), wanted)?;
    fewer("Ready", status("readyReplicas"), wanted)?;
    pending_termination(status("replicas"), wanted)?;
    let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64);
    if let Some(partition) = partition.filter(|partition| *partition > 0) {
        return fewer("updated", status("updatedReplicas"), wanted - partition);
    }
    fewer("current", status("currentReplicas"), wanted)?;
    if text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
        return in_progress("Waiting for updated revision to match current");
    }
    Ok(())
}

fn replica_set(object: &Value) -> Result<(), Readiness> {
    let wanted = wanted_replicas(object);
    let status = |name: &str| number(object, &format!("/status/{name}"));
    fewer("Labelled", status("fullyLabeledReplicas"), wanted)?;
    fewer("Available", status("availableReplicas"), wanted)?;
    fewer("Ready", status("readyReplicas"), wanted)?;
    pending_termination(status("replicas"), wanted)
}

fn daemon_set(object: &Value) -> Result<(), Readiness> {
    if object.pointer("/status/observedGeneration").is_none() {
        return in_progress("Missing .status.observedGeneration");
    }
    let status = |name: &str| number(object, &format!("/status/{name}"));
    let wanted = status("desiredNumberScheduled");
    fewer("Current", status("currentNumberScheduled"), wanted)?;
    fewer("Updated", status("updatedNumberScheduled"), wanted)?;
    fewer("Available", status("numberAvailable"), wanted)?;
    fewer("Ready", status("numberReady"), wanted)
}

fn pod(object: &Value) -> Result<(), Readiness> {
    match text(object, "/status/phase") {
        "Succeeded" => Ok(()),
        "Failed" => Err(Readiness::Failed("Pod has completed, but not successfully".to_owned())),
        "Running" if is_true(object, "Ready") => Ok(()),
        "Running" => match crashing(object) {
            names if names.is_empty() => in_progress("Pod is running but is not Ready"),
            names => Err(Readiness::Failed(format!("Containers in CrashLoop state: {}", names.join(",")))),
        },
        "Pending" => {
            let unscheduled = condition(object, "PodScheduled");
            let unscheduled = unscheduled.is_some_and(|scheduled| scheduled["reason"] == "Unschedulable");
            in_progress(if unscheduled { "Pod could not be scheduled" } else { "Pod is in the Pending phase" })
        }
        phase => in_progress(match phase {
            "" => "Pod phase not available".to_owned(),
            phase => format!("unknown phase {phase}"),
        }),
    }
}

fn crashing(object: &Value) -> Vec<&str> {
    let statuses = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let crashing = |status: &&Value| text(status, "/state/waiting/reason") == "CrashLoopBackOff";
    statuses.into_iter().flatten().filter(crashing).map(|status| text(status, "/name")).collect()
}

/// A job that runs is as good as one that has ended well.
fn job(object: &Value) -> Result<(), Readiness> {
    if is_true(object, "Complete") {
        return Ok(());
    }
    if is_true(object, "Failed") {
        let wanted = number(object, "/spec/completions").max(1);
        return Err(Readiness::Failed(format!("Job Failed. failed: {}/{wanted}", number(object, "/status/failed"))));
    }
    if text(object, "/status/startTime").is_empty() { in_progress("Job not started") } else { Ok(()) }
}

fn ended_job(object: &Value) -> Result<(), Readiness> {
    let parallel = object.pointer("/spec/parallelism").and_then(Value::as_i64).unwrap_or(1);
    let wanted = object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(parallel);
    if is_true(object, "Complete") {
        return Ok(());
    }
    if is_true(object, "Failed") {
        return Err(Readiness::Failed(format!("Job Failed. failed: {}/{wanted}", number(object, "/status/failed"))));
    }
    in_progress("Job in progress")
}

fn ended_pod(object: &Value) -> Result<(), Readiness> {
    match text(object, "/status/phase") {
        "Succeeded" => Ok(()),
        "Failed" => Err(Readiness::Failed(format!("pod {} failed", text(object, "/metadata/name")))),
        _ => in_progress("Pod in progress"),
    }
}

fn definition(object: &Value) -> Result<(), Readiness> {
    for (ty, bad) in [("NamesAccepted", "False"), ("Established", "False")] {
        if let Some(found) = condition(object, ty).filter(|condition| condition["status"] == bad)
            && found["reason"] != "Installing"
        {
            return Err(Readiness::Failed(text(found, "/message").to_owned()));
        }
    }
    if is_true(object, "Established") { Ok(()) } else { in_progress("Install in progress") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn told(object: &Value, what: For) -> String {
        of(object, what).told().map_or_else(|| "ready".to_owned(), |(state, why)| format!("{state}: {why}"))
    }

    #[test]
    fn objects_say_how_far_they_are() {
        let deployment = |status: Value| {
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "generation": 2 },
                "spec": { "replicas": 2, "progressDeadlineSeconds": 600 }, "status": status })
        };
        let conditions = json!([{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            { "type": "Available", "status": "True" }]);
        let cases = [
            (
                json!({ "observedGeneration": 1 }),
                "InProgress: Deployment generation is 2, but latest observed generation is 1",
            ),
            (json!({ "observedGeneration": 2, "replicas": 1 }), "InProgress: replicas: 1/2"),
            (json!({ "replicas": 2, "updatedReplicas": 1 }), "InProgress: Updated: 1/2"),
            (json!({ "replicas": 3, "updatedReplicas": 2 }), "InProgress: Pending termination: 1"),
            (json!({ "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1 }), "InProgress: Available: 1/2"),
            (
                json!({ "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2, "conditions": conditions }),
                "ready",
            ),
            (
                json!({ "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] }),
                "Failed: Progress deadline exceeded",
            ),
        ];
        for (status, want) in cases {
            assert_eq!(told(&deployment(status.clone()), For::Running), want, "{status}");
        }
    }

    #[test]
    fn jobs_and_pods_are_looked_at_as_what_they_are_for() {
        let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "status": { "startTime": "now", "failed": 1 } });
        assert_eq!(told(&job, For::Running), "ready");
        assert_eq!(told(&job, For::JobsToo), "InProgress: Job in progress");
        let mut failed = job.clone();
        failed["status"]["conditions"] = json!([{ "type": "Failed", "status": "True" }]);
        assert_eq!(told(&failed, For::Hooks), "Failed: Job Failed. failed: 1/1");
        let pod =
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "status": { "phase": "Failed" } });
        assert_eq!(told(&pod, For::Hooks), "Failed: pod p failed");
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
        assert_eq!(told(&map, For::Running), "ready");
        let custom = json!({ "apiVersion": "x.io/v1", "kind": "Thing",
            "status": { "conditions": [{ "type": "Ready", "status": "False", "message": "not yet" }] } });
        assert_eq!(told(&custom, For::Running), "InProgress: not yet");
        assert_eq!(told(&custom, For::Hooks), "ready");
    }
}

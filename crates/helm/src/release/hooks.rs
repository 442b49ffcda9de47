//! Runs hooks: the lightest first, each to its end.

use serde_json::{Value, json};

use super::operations::Common;
use super::{Release, Storage, apply, now, wait};
use crate::Error;
use crate::cluster::Cluster;

/// Runs the hooks of an event, and keeps in the release how they went.
pub(super) async fn run(cluster: &Cluster, release: &mut Release, event: &str, how: &Common) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..release.hooks.len()).collect();
    order.retain(|index| release.hooks[*index].events.iter().any(|known| known == event));
    order.sort_by_key(|index| release.hooks[*index].weight);
    let mut ran = Vec::new();
    for index in order {
        let done = run_one(cluster, release, index, event, how).await;
        ran.push(index);
        let went = if done.is_ok() { "hook-succeeded" } else { "hook-failed" };
        show_logs(cluster, release, index, went, how).await;
        if let Err(error) = done {
            clean_up(cluster, release, &[index], "hook-failed").await;
            ran.pop();
            clean_up(cluster, release, &ran, "hook-succeeded").await;
            return Err(error);
        }
    }
    clean_up(cluster, release, &ran, "hook-succeeded").await;
    Ok(())
}

async fn run_one(
    cluster: &Cluster,
    release: &mut Release,
    index: usize,
    event: &str,
    how: &Common,
) -> Result<(), Error> {
    let timeout = how.timeout;
    let (namespace, path) = (release.namespace.clone(), release.hooks[index].path.clone());
    if release.hooks[index].delete_policies.is_empty() {
        release.hooks[index].delete_policies.push("before-hook-creation".to_owned());
    }
    let objects = apply::objects(&release.hooks[index].manifest)?;
    if has_policy(release, index, "before-hook-creation") {
        for object in &objects {
            let path = cluster.path_of(object, &namespace).await?;
            cluster.delete(&path).await?;
            wait::gone(cluster, &path, timeout).await?;
        }
    }
    let started = now();
    set_run(release, index, &started, "", "Running");
    // The hook runs whether or not its start could be written down.
    let _ = Storage::new(cluster, &namespace).update(release).await;
    let created = create(cluster, &objects, &namespace, how.applying.server_side).await;
    if let Err(error) = created {
        set_run(release, index, &started, &now(), "Failed");
        return Err(Error::Release(format!("warning: Hook {event} {path} failed: {error}")));
    }
    for object in &objects {
        let place = cluster.path_of(object, &namespace).await?;
        if let Err(error) = wait::finished(cluster, &place, timeout).await {
            set_run(release, index, &started, &now(), "Failed");
            return Err(error);
        }
    }
    set_run(release, index, &started, &now(), "Succeeded");
    Ok(())
}

async fn create(cluster: &Cluster, objects: &[Value], namespace: &str, server_side: bool) -> Result<(), Error> {
    for object in objects {
        if server_side {
            cluster.apply(object, namespace, false, false).await?;
        } else {
            cluster.post(&cluster.collection_of(object, namespace).await?, object).await?;
        }
    }
    Ok(())
}

fn set_run(release: &mut Release, index: usize, started: &str, completed: &str, phase: &str) {
    let mut run = json!({ "started_at": started, "phase": phase });
    if !completed.is_empty() {
        run["completed_at"] = completed.into();
    }
    release.hooks[index].last_run = run;
}

fn has_policy(release: &Release, index: usize, policy: &str) -> bool {
    release.hooks[index].delete_policies.iter().any(|known| known == policy)
}

/// Deletes the objects of hooks that ask for it. What cannot be deleted does not undo how the hook went.
async fn clean_up(cluster: &Cluster, release: &Release, ran: &[usize], policy: &str) {
    for index in ran.iter().filter(|index| has_policy(release, **index, policy)) {
        for object in apply::objects(&release.hooks[*index].manifest).unwrap_or_default() {
            if let Ok(path) = cluster.path_of(&object, &release.namespace).await {
                let _ = cluster.delete(&path).await;
            }
        }
    }
}

/// Hands on the logs of a hook that wants them shown when it went like this.
async fn show_logs(cluster: &Cluster, release: &Release, index: usize, went: &str, how: &Common) {
    let hook = &release.hooks[index];
    if !hook.output_log_policies.iter().any(|policy| policy == went) {
        return;
    }
    for object in apply::objects(&hook.manifest).unwrap_or_default() {
        // Logs that cannot be had change nothing about how the hook went.
        for (_, log) in logs(cluster, &object, &release.namespace).await.unwrap_or_default() {
            (how.hook_log)(&log);
        }
    }
}

/// The logs of a Job's or Pod's containers, with the pods' names.
pub(super) async fn logs(cluster: &Cluster, object: &Value, namespace: &str) -> Result<Vec<(String, String)>, Error> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&object["metadata"]["name"]);
    let namespace = match text(&object["metadata"]["namespace"]) {
        own if own.is_empty() => namespace.to_owned(),
        own => own,
    };
    let selector = match object["kind"].as_str() {
        Some("Job") => format!("labelSelector=job-name%3D{name}"),
        Some("Pod") => format!("fieldSelector=metadata.name%3D{name}"),
        _ => return Ok(Vec::new()),
    };
    let pods = cluster.get(&format!("/api/v1/namespaces/{namespace}/pods?{selector}")).await?.unwrap_or_default();
    let mut found = Vec::new();
    for pod in pods["items"].as_array().into_iter().flatten() {
        let pod_name = text(&pod["metadata"]["name"]);
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            let container = text(&container["name"]);
            let path = format!("/api/v1/namespaces/{namespace}/pods/{pod_name}/log?container={container}");
            found.push((pod_name.clone(), cluster.text(&path).await?));
        }
    }
    Ok(found)
}

//! Runs hooks: the lightest first, each to its end.
//!
//! What is left to do after them (logs to show, objects to delete) is handed out as an [`Aftermath`], so that tests can
//! show the logs of pods before the pods go.

use value::{Value, json};

use super::operations::Common;
use super::{Release, Storage, apply, logs, now, wait};
use crate::Error;
use crate::cluster::Cluster;

/// Steps for when hooks have run: which hook, how it went, whether its logs are still to be shown.
#[derive(Debug, Default)]
pub(super) struct Aftermath(Vec<(usize, Went, bool)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    Well,
    Wrong,
}

impl Went {
    fn policy(self) -> &'static str {
        match self {
            Self::Well => "hook-succeeded",
            Self::Wrong => "hook-failed",
        }
    }
}

/// Runs the hooks of an event, and keeps in the release how they went.
pub(super) async fn run(cluster: &Cluster, release: &mut Release, event: &str, how: &Common) -> Result<(), Error> {
    let (done, after) = begin(cluster, release, event, how).await;
    let cleaned = finish(cluster, release, after, how).await;
    done.and(cleaned)
}

/// Runs the hooks of an event; the rest is for [`finish`].
pub(super) async fn begin(
    cluster: &Cluster,
    release: &mut Release,
    event: &str,
    how: &Common,
) -> (Result<(), Error>, Aftermath) {
    let mut order: Vec<usize> = (0..release.hooks.len()).collect();
    order.retain(|index| release.hooks[*index].events.iter().any(|known| known == event));
    order.sort_by(|a, b| {
        let (a, b) = (&release.hooks[*a], &release.hooks[*b]);
        (a.weight, &a.name).cmp(&(b.weight, &b.name))
    });
    for (at, index) in order.iter().copied().enumerate() {
        if let Err(failed) = run_one(cluster, release, index, event, how).await {
            let Failed { error, has_run } = failed;
            let mut after = Vec::new();
            if has_run {
                show_logs(cluster, release, index, Went::Wrong, how).await;
                after.push((index, Went::Wrong, false));
                after.extend(order[..at].iter().map(|index| (*index, Went::Well, false)));
            }
            return (Err(error), Aftermath(after));
        }
    }
    (Ok(()), Aftermath(order.into_iter().rev().map(|index| (index, Went::Well, true)).collect()))
}

/// Shows the logs that are wanted, and deletes what is to go.
pub(super) async fn finish(cluster: &Cluster, release: &Release, after: Aftermath, how: &Common) -> Result<(), Error> {
    for (index, went, logs) in after.0 {
        if logs {
            show_logs(cluster, release, index, went, how).await;
        }
        delete(cluster, release, index, went.policy(), how).await?;
    }
    Ok(())
}

/// A hook that failed; one that never came to run leaves nothing behind.
struct Failed {
    error: Error,
    has_run: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, has_run: false }
    }
}

async fn run_one(
    cluster: &Cluster,
    release: &mut Release,
    index: usize,
    event: &str,
    how: &Common,
) -> Result<(), Failed> {
    let (namespace, path) = (release.namespace.clone(), release.hooks[index].path.clone());
    if release.hooks[index].delete_policies.is_empty() {
        release.hooks[index].delete_policies.push("before-hook-creation".to_owned());
    }
    delete(cluster, release, index, "before-hook-creation", how).await?;
    let objects = apply::objects(&release.hooks[index].manifest).map_err(|error| {
        Error::Release(format!("unable to build kubernetes object for {event} hook {path}: {error}"))
    })?;
    let started = now();
    set_run(release, index, &started, "", "Running");
    // The hook runs whether or not its start could be written down.
    let _ = Storage::new(cluster, &namespace).update(release).await;
    let created = create(cluster, &objects, &namespace, how.applying.server_side).await;
    if let Err(error) = created {
        set_run(release, index, &started, &now(), "Failed");
        return Err(Error::Release(format!("warning: Hook {event} {path} failed: {error}")).into());
    }
    for object in &objects {
        if let Err(error) = wait::finished(cluster, object, &namespace, how.timeout).await {
            set_run(release, index, &started, &now(), "Failed");
            return Err(Failed { error, has_run: true });
        }
    }
    set_run(release, index, &started, &now(), "Succeeded");
    Ok(())
}

async fn create(cluster: &Cluster, objects: &[Value], namespace: &str, server_side: bool) -> Result<(), Error> {
    for object in objects {
        apply::create(cluster, object, namespace, server_side).await?;
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

/// Deletes a hook's objects where it asks for that, and waits until they are gone.
async fn delete(cluster: &Cluster, release: &Release, index: usize, policy: &str, how: &Common) -> Result<(), Error> {
    let hook = &release.hooks[index];
    // With a definition all objects of its kind would go.
    if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.iter().any(|known| known == policy) {
        return Ok(());
    }
    let objects = apply::objects(&hook.manifest).map_err(|error| {
        Error::Release(format!("unable to build kubernetes object for deleting hook {}: {error}", hook.path))
    })?;
    for object in objects {
        let path = cluster.path_of(&object, &release.namespace).await?;
        if cluster.delete(&path).await? {
            wait::gone(cluster, &path, how.timeout).await?;
        }
    }
    Ok(())
}

/// Hands on the logs of a hook that wants them shown when it went like this.
async fn show_logs(cluster: &Cluster, release: &Release, index: usize, went: Went, how: &Common) {
    let hook = &release.hooks[index];
    if !hook.output_log_policies.iter().any(|policy| policy == went.policy()) {
        return;
    }
    for object in apply::objects(&hook.manifest).unwrap_or_default() {
        // Logs that cannot be had change nothing about how the hook went.
        for log in logs::of_hook(cluster, &object, &release.namespace).await.unwrap_or_default() {
            (how.hook_log)(&log);
        }
    }
}

//! Waits until objects are ready, or says what is not and why.

use std::time::{Duration, Instant};

use value::Value;

use super::readiness::{self, For, Readiness};
use crate::Error;
use crate::cluster::Cluster;

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// An object that is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where its kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How far it is: `InProgress`, `Failed`, `Terminating` or `NotFound`.
    pub state: &'static str,
    /// Why.
    pub why: String,
}

/// Told whenever what is waited for changes: the objects that are not ready; none at the end.
pub type Progress<'a> = dyn FnMut(&[Waiting]) + Send + 'a;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn waiting(object: &Value, path: &str, found: &Readiness) -> Option<Waiting> {
    let (state, why) = found.told()?;
    let namespace = path.split_once("/namespaces/").and_then(|(_, rest)| rest.split_once('/'));
    Some(Waiting {
        kind: text(&object["kind"]),
        namespace: namespace.map(|(namespace, _)| namespace.to_owned()).unwrap_or_default(),
        name: text(&object["metadata"]["name"]),
        state,
        why: why.to_owned(),
    })
}

/// What the person is told of what did not get ready.
fn failure(waiting: &[Waiting], timed_out: bool) -> Error {
    let one = |one: &Waiting| {
        let Waiting { kind, namespace, name, state, why } = one;
        format!("resource {kind}/{namespace}/{name} not ready. status: {state}, message: {why}")
    };
    let mut lines: Vec<String> = waiting.iter().map(one).collect();
    if timed_out {
        lines.push("context deadline exceeded".to_owned());
    }
    Error::Release(lines.join("\n"))
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
    let what = if jobs { For::JobsToo } else { For::Running };
    let mut shown = Vec::new();
    let done = until(cluster, objects, namespace, what, timeout, &mut |waiting| {
        if *waiting != shown {
            progress(waiting);
            shown = waiting.to_vec();
        }
    })
    .await;
    progress(&[]);
    done
}

/// Waits until a job or pod has ended; other objects have, as soon as they are there.
pub(super) async fn finished(
    cluster: &Cluster,
    object: &Value,
    namespace: &str,
    timeout: Duration,
) -> Result<(), Error> {
    until(cluster, std::slice::from_ref(object), namespace, For::Hooks, timeout, &mut |_| {}).await
}

async fn until(
    cluster: &Cluster,
    objects: &[Value],
    namespace: &str,
    what: For,
    timeout: Duration,
    tell: &mut (dyn FnMut(&[Waiting]) + Send),
) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    loop {
        let mut list = Vec::new();
        for object in objects {
            let path = cluster.path_of(object, namespace).await?;
            let found = cluster.get(&path).await?;
            let found = found.as_ref().map_or(Readiness::NotFound, |found| readiness::of(found, what));
            list.extend(waiting(object, &path, &found));
        }
        if list.is_empty() {
            return Ok(());
        }
        tell(&list);
        // What has failed does not get better by waiting.
        if list.iter().all(|one| one.state == "Failed") {
            return Err(failure(&list, false));
        }
        if Instant::now() >= end {
            return Err(failure(&list, true));
        }
        tokio::time::sleep(PAUSE.min(end.saturating_duration_since(Instant::now()))).await;
    }
}

/// Waits until nothing is at a path.
pub(super) async fn gone(cluster: &Cluster, path: &str, timeout: Duration) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    while let Some(found) = cluster.get(path).await? {
        if Instant::now() >= end {
            let (kind, name) = (text(&found["kind"]), text(&found["metadata"]["name"]));
            let namespace = text(&found["metadata"]["namespace"]);
            let (state, why) = match readiness::of(&found, For::Running) {
                Readiness::Terminating(why) => ("Terminating", why),
                _ => ("Current", "Resource is current".to_owned()),
            };
            return Err(Error::Release(format!(
                "resource {kind}/{namespace}/{name} still exists. status: {state}, message: {why}\ncontext deadline exceeded"
            )));
        }
        tokio::time::sleep(PAUSE / 5).await;
    }
    Ok(())
}

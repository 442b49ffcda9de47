//! What is left of pods that nobody knows any more: sandboxes, networks, folders and logs.

use crate::context::Context;
use crate::observe::notes;
use crate::pods::Pods;
use crate::volumes;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Seconds that containers get that nobody knows.
const GRACE: u64 = 30;

/// Takes away what belongs to none of the node's pods. Who is one is asked for each thing anew, for pods come and go
/// meanwhile.
pub(crate) async fn remove(context: Arc<Context>, held: Pods) {
    let sandboxes = context.runtime.pods();
    let mut unknown: HashSet<String> = HashSet::new();
    let strays = sandboxes.iter().filter(|pod| !held.has(&pod.config.uid));
    let ends = strays.map(|pod| {
        let grace = pod.config.annotations.get(notes::GRACE).and_then(|text| text.parse().ok()).unwrap_or(GRACE);
        end(&context, pod.config.uid.clone(), Duration::from_secs(grace))
    });
    unknown.extend(futures_util::future::join_all(ends).await);
    match context.network.pods().await {
        Ok(uids) => unknown.extend(uids.into_iter().filter(|uid| !held.has(uid))),
        Err(error) => warn!(error = &error as &dyn std::error::Error, "cannot list the pods of the network"),
    }
    unknown.extend(names(&context.config.data.join("pods")).filter(|uid| !held.has(uid)));
    for uid in unknown.into_iter().filter(|uid| !held.has(uid)) {
        if let Err(error) = context.network.detach(&uid).await {
            warn!(error = &error as &dyn std::error::Error, uid, "cannot take away the network of a pod that is gone");
        }
        if let Err(error) = volumes::tear_down(context.config.pod_folder(&uid)).await {
            warn!(error = &error as &dyn std::error::Error, uid, "cannot take away the files of a pod that is gone");
        }
    }
    let logs = context.config.logs();
    let old = names(&logs).filter(|name| !name.rsplit('_').next().is_some_and(|uid| held.has(uid)));
    for name in old {
        if let Err(error) = std::fs::remove_dir_all(logs.join(&name)) {
            warn!(%error, name, "cannot remove the logs of a pod that is gone");
        }
    }
}

async fn end(context: &Context, uid: String, grace: Duration) -> String {
    info!(uid, "a pod runs that the API does not know; it ends");
    if let Err(error) = context.runtime.stop_pod(&uid, grace).await {
        warn!(error = &error as &dyn std::error::Error, uid, "cannot stop a pod that is gone");
    }
    if let Err(error) = context.runtime.remove_pod(&uid).await {
        warn!(error = &error as &dyn std::error::Error, uid, "cannot remove a pod that is gone");
    }
    uid
}

fn names(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

//! Going back to an earlier revision.

use super::{Common, claim, method, record_failure, upgrade::supersede};
use crate::Error;
use crate::cluster::Cluster;
use crate::release::{Info, Release, Storage, apply, now, wait};

/// To what, and how.
#[derive(Clone, Debug, Default)]
pub struct Rollback {
    /// What all operations share.
    pub common: Common,
    /// The revision; the one before the newest for zero.
    pub revision: i64,
}

/// Makes an earlier revision's manifest the newest.
///
/// # Errors
/// Where there is no such revision, another operation is at the release, or the cluster does not take it.
pub async fn rollback(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    options: &Rollback,
    progress: &mut wait::Progress<'_>,
) -> Result<Release, Error> {
    let storage = Storage::new(cluster, namespace);
    let history = storage.history(name).await?;
    let mut current = history.last().cloned().unwrap_or_default();
    claim(&storage, &mut current, options.common.timeout).await?;
    let wanted = if options.revision == 0 { current.version - 1 } else { options.revision };
    let target = history.iter().find(|release| release.version == wanted);
    let target = target.ok_or_else(|| Error::Release(format!("release has no {wanted} version")))?;
    let mut release = Release {
        version: current.version + 1,
        info: Info {
            first_deployed: current.info.first_deployed.clone(),
            last_deployed: now(),
            description: options.common.underway(&format!("Rollback to {wanted}")),
            status: "pending-rollback".to_owned(),
            notes: target.info.notes.clone(),
            ..Info::default()
        },
        apply_method: method(options.common.applying.after(&current.apply_method).server_side),
        ..target.clone()
    };
    storage.create(&release).await?;
    if let Err(error) = perform(cluster, &mut release, &current, &options.common, progress).await {
        record_failure(&storage, &mut release, "Rollback", &error).await;
        return Err(error);
    }
    supersede(&storage, &history).await?;
    release.info.status = "deployed".to_owned();
    release.info.description = options.common.described(&format!("Rollback to {wanted}"));
    storage.update(&release).await?;
    storage.prune(name, options.common.max_history).await?;
    Ok(release)
}

async fn perform(
    cluster: &Cluster,
    release: &mut Release,
    current: &Release,
    common: &Common,
    progress: &mut wait::Progress<'_>,
) -> Result<(), Error> {
    common.hooks(cluster, release, "pre-rollback").await?;
    let (old, new) = (apply::objects(&current.manifest)?, apply::objects(&release.manifest)?);
    let place = (release.name.as_str(), release.namespace.as_str());
    let how = common.applying.after(&current.apply_method);
    apply::apply(cluster, (&old, &new), place, how, &mut Vec::new()).await?;
    apply::prune(cluster, &old, &new, &release.namespace).await?;
    common.wait_for(cluster, release, progress).await?;
    common.hooks(cluster, release, "post-rollback").await
}

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
    /// What was made anew goes again where it fails.
    pub cleanup_on_fail: bool,
    /// Nothing is done.
    pub dry_run: bool,
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
            description: options.common.underway(&options.common.described(&format!("Rollback to {wanted}"))),
            status: "pending-rollback".to_owned(),
            notes: target.info.notes.clone(),
            ..Info::default()
        },
        apply_method: method(options.common.applying.after(&target.apply_method).server_side),
        ..target.clone()
    };
    if options.dry_run {
        return Ok(release);
    }
    storage.create(&release).await?;
    let mut created = Vec::new();
    let done = perform(cluster, &mut release, &current, &options.common, &mut created, progress).await;
    if let Err(failure) = done {
        for path in created.iter().filter(|_| options.cleanup_on_fail) {
            // What cannot be deleted now is in the failed revision's manifest.
            let _ = cluster.delete(path).await;
        }
        return Err(fail(&storage, release, &history, failure).await);
    }
    supersede(&storage, &history).await?;
    release.info.status = "deployed".to_owned();
    release.info.description = options.common.described(&format!("Rollback to {wanted}"));
    storage.update(&release).await?;
    storage.prune(name, options.common.max_history).await?;
    Ok(release)
}

/// At which step it failed.
enum Failure {
    Hook(Error),
    /// Some objects are the target's, others not.
    Change(Error),
    Wait(Error),
}

/// Writes the failure down; what was deployed stays so, unless its objects were changed.
async fn fail(storage: &Storage<'_>, mut release: Release, history: &[Release], failure: Failure) -> Error {
    match failure {
        Failure::Hook(error) => {
            record_failure(storage, &mut release, "Rollback", &error).await;
            error
        }
        Failure::Change(error) => {
            record_failure(storage, &mut release, "Rollback", &error).await;
            // The failure itself is told in any case.
            let _ = supersede(storage, history).await;
            error
        }
        Failure::Wait(error) => {
            record_failure(storage, &mut release, "Release", &error).await;
            Error::Release(format!("release {} failed: {error}", release.name))
        }
    }
}

async fn perform(
    cluster: &Cluster,
    release: &mut Release,
    current: &Release,
    common: &Common,
    created: &mut Vec<String>,
    progress: &mut wait::Progress<'_>,
) -> Result<(), Failure> {
    common.hooks(cluster, release, "pre-rollback").await.map_err(Failure::Hook)?;
    change(cluster, release, current, common, created).await.map_err(Failure::Change)?;
    common.wait_for(cluster, release, progress).await.map_err(Failure::Wait)?;
    common.hooks(cluster, release, "post-rollback").await.map_err(Failure::Hook)
}

async fn change(
    cluster: &Cluster,
    release: &Release,
    current: &Release,
    common: &Common,
    created: &mut Vec<String>,
) -> Result<(), Error> {
    let (old, new) = (apply::objects(&current.manifest)?, apply::objects(&release.manifest)?);
    let how = common.applying.after(&release.apply_method).handing_over(true);
    apply::apply(cluster, (&old, &new), (&release.name, &release.namespace), how, created).await?;
    apply::prune(cluster, &old, &new, &release.namespace).await
}

//! Uninstalling a release.

use super::Common;
use crate::Error;
use crate::cluster::{Cascade, Cluster, UNREACHABLE};
use crate::release::{Release, Storage, apply, now, wait};

/// How.
#[derive(Clone, Debug, Default)]
pub struct Uninstall {
    /// What all operations share.
    pub common: Common,
    /// The history stays.
    pub keep_history: bool,
    /// No release is no error.
    pub ignore_not_found: bool,
    /// Nothing is done.
    pub dry_run: bool,
    /// What becomes of what depends on the release's objects.
    pub cascade: Cascade,
}

/// Takes a release away; gives it, and the objects that asked to stay.
///
/// # Errors
/// Where there is no such release, or the cluster does not let go of it.
pub async fn uninstall(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    options: &Uninstall,
) -> Result<Option<(Release, Vec<String>)>, Error> {
    let storage = Storage::new(cluster, namespace);
    let history = match storage.history(name).await {
        Ok(history) => history,
        Err(_) if options.ignore_not_found => return Ok(None),
        // Helm looks first whether there is a cluster.
        Err(error) if error.to_string().starts_with(UNREACHABLE) => return Err(error),
        Err(error) => return Err(Error::Release(format!("uninstall: Release not loaded: {name}: {error}"))),
    };
    let Some(mut release) = history.last().cloned() else { return Ok(None) };
    if options.dry_run {
        return Ok(Some((release, Vec::new())));
    }
    if release.info.status == "uninstalled" {
        if options.keep_history {
            return Err(Error::Release(format!("the release named {name:?} is already deleted")));
        }
        purge(&storage, &history).await?;
        return Ok(Some((release, Vec::new())));
    }
    release.info.status = "uninstalling".to_owned();
    release.info.deleted = now();
    release.info.description = "Deletion in progress (or silently failed)".to_owned();
    options.common.hooks(cluster, &mut release, "pre-delete").await?;
    storage.update(&release).await?;
    let kept = apply::delete(cluster, &release.manifest, &release.namespace, options.cascade).await?;
    if options.common.wait {
        for object in apply::objects(&release.manifest)?.iter().filter(|object| !apply::is_kept(object)) {
            if let Ok(path) = cluster.path_of(object, namespace).await {
                wait::gone(cluster, &path, options.common.timeout).await?;
            }
        }
    }
    let after = options.common.hooks(cluster, &mut release, "post-delete").await;
    release.info.status = "uninstalled".to_owned();
    release.info.description = options.common.described("Uninstallation complete");
    if options.keep_history {
        storage.update(&release).await?;
        super::upgrade::supersede(&storage, &history[..history.len() - 1]).await?;
    } else {
        purge(&storage, &history).await?;
    }
    after.map_err(|error| Error::Release(format!("uninstallation completed with 1 error(s): {error}")))?;
    Ok(Some((release, kept)))
}

async fn purge(storage: &Storage<'_>, history: &[Release]) -> Result<(), Error> {
    for release in history {
        storage.delete(release).await?;
    }
    Ok(())
}

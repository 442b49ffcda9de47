//! Running a release's tests.

use super::Common;
use crate::Error;
use crate::cluster::Cluster;
use crate::release::{Release, Storage};

/// Runs the test hooks of the newest revision. The release comes back either way, with how they went.
///
/// # Errors
/// Where there is no such release.
pub async fn test(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    common: &Common,
) -> Result<(Release, Result<(), Error>), Error> {
    let storage = Storage::new(cluster, namespace);
    let mut release = storage.get(name, 0).await?;
    let done = common.hooks(cluster, &mut release, "test").await;
    storage.update(&release).await?;
    Ok((release, done))
}

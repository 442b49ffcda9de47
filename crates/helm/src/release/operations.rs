//! Installing, upgrading, rolling back, uninstalling.
//!
//! Each operation writes its revision down before it touches anything else, as pending, with who began it; an
//! interrupted one is taken for failed after its time is over, or by [`unlock`].

mod install;
mod rollback;
mod test;
mod uninstall;
mod upgrade;

use std::time::Duration;

use jiff::Timestamp;

use super::apply::Applying;
use super::storage::SYSTEM_LABELS;
use super::wait::Progress;
use super::{Release, Storage};
use crate::Error;
use crate::cluster::Cluster;

pub use install::{Install, install, preview};
pub use rollback::{Rollback, rollback};
pub use test::{Filter, Tested, test};
pub use uninstall::{Uninstall, uninstall};
pub use upgrade::{CrdChange, Upgrade, upgrade, upgrade_crds};

/// What all operations share.
#[derive(Clone, Debug)]
pub struct Common {
    /// How objects are applied.
    pub applying: Applying,
    /// For each thing that is waited for.
    pub timeout: Duration,
    /// Waits until all objects are ready.
    pub wait: bool,
    /// Jobs have to be complete, too.
    pub wait_for_jobs: bool,
    /// Hooks do not run.
    pub no_hooks: bool,
    /// What the history says of the operation.
    pub description: String,
    /// How many revisions are kept; all of them for zero.
    pub max_history: usize,
    /// Who does it, for those who find it unfinished.
    pub actor: String,
    /// What templates ask of the cluster.
    pub lookup: Option<crate::engine::Lookup>,
    /// What becomes of what was rendered before it is used.
    pub post_render: Option<crate::render::PostRender>,
    /// Where logs of hooks go that want them shown.
    pub hook_log: fn(&str),
    /// Where warnings go of what is odd about values.
    pub warn: Option<fn(&str)>,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            applying: Applying { server_side: true, ..Applying::default() },
            timeout: Duration::from_secs(300),
            wait: false,
            wait_for_jobs: false,
            no_hooks: false,
            description: String::new(),
            max_history: 10,
            actor: String::new(),
            lookup: None,
            post_render: None,
            hook_log: |_| {},
            warn: None,
        }
    }
}

impl Common {
    /// What an operation says of itself while it runs.
    fn underway(&self, what: &str) -> String {
        if self.actor.is_empty() { what.to_owned() } else { format!("{what} (by {})", self.actor) }
    }

    /// The description asked for, or this one.
    fn described(&self, done: &str) -> String {
        if self.description.is_empty() { done.to_owned() } else { self.description.clone() }
    }

    /// What was rendered, after the post-renderer where there is one.
    fn rendered(&self, rendered: crate::render::Rendered) -> Result<crate::render::Rendered, Error> {
        self.post_render.as_ref().map_or(Ok(rendered.clone()), |post| post.run(rendered))
    }

    async fn hooks(&self, cluster: &Cluster, release: &mut Release, event: &str) -> Result<(), Error> {
        if self.no_hooks {
            return Ok(());
        }
        super::hooks::run(cluster, release, event, self).await
    }

    async fn wait_for(&self, cluster: &Cluster, release: &Release, progress: &mut Progress<'_>) -> Result<(), Error> {
        if !self.wait {
            return Ok(());
        }
        let objects = super::apply::objects(&release.manifest)?;
        super::wait::ready(cluster, &objects, &release.namespace, self.wait_for_jobs, self.timeout, progress).await
    }
}

/// Refuses labels that are Helm's own.
fn check_labels(labels: &value::Map) -> Result<(), Error> {
    if !labels.keys().any(|name| SYSTEM_LABELS.contains(&name.as_str())) {
        return Ok(());
    }
    let known = SYSTEM_LABELS.join(" ");
    Err(Error::Release(format!("user supplied labels contains system reserved label name. System labels: [{known}]")))
}

/// `ssa` or `csa`.
fn method(server_side: bool) -> String {
    if server_side { "ssa" } else { "csa" }.to_owned()
}

/// Writes the failure into the release; the error of the operation is what counts.
async fn record_failure(storage: &Storage<'_>, release: &mut Release, what: &str, error: &Error) {
    release.info.status = "failed".to_owned();
    release.info.description = format!("{what} {:?} failed: {error}", release.name);
    // The failure itself is told in any case.
    let _ = storage.update(release).await;
}

/// Whether a pending release has been left alone for longer than operations take.
fn is_abandoned(release: &Release, timeout: Duration) -> bool {
    let began = release.info.last_deployed.parse::<Timestamp>();
    began.is_ok_and(|began| Timestamp::now().duration_since(began).unsigned_abs() > timeout)
}

/// Refuses to touch a release that another operation works on; takes over one that was abandoned.
async fn claim(storage: &Storage<'_>, release: &mut Release, timeout: Duration) -> Result<(), Error> {
    if !release.is_pending() {
        return Ok(());
    }
    if !is_abandoned(release, timeout) {
        let (began, what) = (&release.info.last_deployed, &release.info.description);
        return Err(Error::Release(format!(
            "another operation (install/upgrade/rollback) is in progress: {what}, since {began}; if it was interrupted, `helm unlock {}` ends it",
            release.name
        )));
    }
    fail_pending(storage, release).await
}

async fn fail_pending(storage: &Storage<'_>, release: &mut Release) -> Result<(), Error> {
    let was = release.info.status.trim_start_matches("pending-").to_owned();
    release.info.description = format!("Interrupted {was}: {}", release.info.description);
    release.info.status = "failed".to_owned();
    storage.update(release).await
}

/// Ends what an interrupted operation left pending: its revision counts as failed. False where nothing is pending.
///
/// # Errors
/// Where there is no such release, or the cluster does not take the change.
pub async fn unlock(cluster: &Cluster, namespace: &str, name: &str) -> Result<bool, Error> {
    let storage = Storage::new(cluster, namespace);
    let mut release = storage.get(name, 0).await?;
    if !release.is_pending() {
        return Ok(false);
    }
    fail_pending(&storage, &mut release).await?;
    Ok(true)
}

//! Running a release's tests.

use super::Common;
use crate::Error;
use crate::cluster::Cluster;
use crate::release::{Release, Storage, hooks, logs};

/// Which tests run, by their names; all of them for none.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These alone.
    pub include: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
}

impl Filter {
    /// Whether a test of this name runs.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|known| known == name);
        !named(&self.exclude) && (self.include.is_empty() || named(&self.include))
    }
}

/// How the tests of a release went.
#[derive(Debug)]
pub struct Tested {
    /// The release, with how each test went.
    pub release: Release,
    /// The first that failed.
    pub outcome: Result<(), Error>,
    /// The logs of the tests' pods, where they were wanted.
    pub logs: Option<Result<String, Error>>,
}

/// Runs the test hooks of the newest revision.
///
/// # Errors
/// Where there is no such release.
pub async fn test(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    common: &Common,
    (filter, with_logs): (&Filter, bool),
) -> Result<Tested, Error> {
    let storage = Storage::new(cluster, namespace);
    let mut release = storage.get(name, 0).await?;
    let (mut chosen, skipped): (Vec<_>, Vec<_>) =
        std::mem::take(&mut release.hooks).into_iter().partition(|hook| filter.takes(&hook.name));
    release.hooks.append(&mut chosen);
    let mut common = common.clone();
    common.applying.server_side = release.apply_method == "ssa";
    let (outcome, after) = hooks::begin(cluster, &mut release, "test", &common).await;
    let chosen = std::mem::take(&mut release.hooks);
    release.hooks = skipped.iter().cloned().chain(chosen.iter().cloned()).collect();
    storage.update(&release).await?;
    let logs = if with_logs { Some(logs::of_tests(cluster, &release, filter).await) } else { None };
    // The objects go after their logs were read; the places in the list are those of the tests that ran.
    let ran = Release { hooks: chosen, ..release.clone() };
    let cleaned = hooks::finish(cluster, &ran, after, &common).await;
    Ok(Tested { release, outcome: outcome.and(cleaned), logs })
}

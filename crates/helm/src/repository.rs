//! Chart repositories.

use std::path::PathBuf;

use crate::Error;

/// Fetches a chart from a repository into the cache.
///
/// # Errors
/// Where the repository is not known, or does not have it.
pub fn fetch(reference: &str, version: Option<&str>, repository: Option<&str>) -> Result<PathBuf, Error> {
    let _ = (version, repository);
    match reference.split_once('/') {
        Some((repo, _)) => Err(Error::Repository(format!("repo {repo} not found"))),
        None => Err(Error::Repository(format!(
            "non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"
        ))),
    }
}

//! Lets the machine's own links forward: answers for pods come in there, and so do callers of Services.
//!
//! Only links that carry traffic are switched, one by one; the machine does not become a router as a whole. What was
//! switched is remembered beside the clusters' folders, and the last cluster to go switches it back.

use super::PodNetworkError;
use super::names::is_ours;
use super::record::read_ranges;
use crate::netlink::route::Link;
use std::fs;
use std::path::{Path, PathBuf};
use tracing::warn;

/// Where the switched links of the machine are remembered, for all clusters.
fn memory(run: &Path) -> PathBuf {
    run.parent().unwrap_or(run).join(".forwarding")
}

fn switch(link: &str) -> PathBuf {
    Path::new("/proc/sys/net/ipv4/conf").join(link).join("forwarding")
}

/// Switches forwarding on for links that are up and not ours.
pub(super) fn enable(run: &Path, links: &[Link]) {
    for link in links.iter().filter(|link| link.up && !link.loopback && !is_ours(&link.name)) {
        if fs::read_to_string(switch(&link.name)).is_ok_and(|value| value.trim() == "1") {
            continue;
        }
        let remembered = fs::create_dir_all(memory(run)).and_then(|()| fs::write(memory(run).join(&link.name), "0"));
        if let Err(error) = remembered.and_then(|()| fs::write(switch(&link.name), "1")) {
            warn!(link = link.name, %error, "cannot switch forwarding on: pods will not reach what lies behind this link");
        }
    }
}

/// Switches back what was switched on, unless another cluster is still there.
pub(super) fn restore(run: &Path) -> Result<(), PodNetworkError> {
    let memory = memory(run);
    let others = read_ranges(run.parent().unwrap_or(run));
    if !others.is_empty() {
        return Ok(());
    }
    for entry in fs::read_dir(&memory).into_iter().flatten().flatten() {
        let link = entry.file_name().to_string_lossy().into_owned();
        // A link that is gone needs nothing.
        let _ = fs::write(switch(&link), "0");
    }
    match fs::remove_dir_all(&memory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(PodNetworkError::State { path: memory, source: error })
        }
        _ => Ok(()),
    }
}

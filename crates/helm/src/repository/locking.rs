//! The digest of a lock file: of what was asked for, and what was chosen.

use sha2::{Digest, Sha256};

use crate::chart::{Dependency, ordered};

/// `sha256:` and the digest of the two lists as Go writes their JSON.
#[must_use]
pub fn digest(wanted: &[Dependency], chosen: &[Dependency]) -> String {
    let list = |list: &[Dependency]| ordered::list(list.iter().map(ordered::dependency));
    let sum = Sha256::digest(ordered::list([list(wanted), list(chosen)]));
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The time, as a lock file has it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

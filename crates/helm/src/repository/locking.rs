//! The digest of a lock file: of what was asked for, and what was chosen.

use sha2::{Digest, Sha256};

use crate::chart::{Dependency, ordered};

/// `sha256:` and the digest of the two lists as Go writes their JSON.
#[must_use]
pub fn digest(wanted: &[Dependency], chosen: &[Dependency]) -> String {
    sum(&ordered::list([list(wanted), list(chosen)]))
}

/// The digest that Helm 2 wrote: of what was asked for alone.
pub(super) fn digest_of_old(wanted: &[Dependency]) -> String {
    let mut fields = ordered::Fields::default();
    fields.json("dependencies", &list(wanted));
    sum(&fields.finish())
}

fn list(dependencies: &[Dependency]) -> String {
    ordered::list(dependencies.iter().map(ordered::dependency))
}

fn sum(text: &str) -> String {
    format!("sha256:{}", Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The time, as a lock file has it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

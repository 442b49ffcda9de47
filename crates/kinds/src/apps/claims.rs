//! Templates of claims of storage inside a stateful set.

use crate::change::{map_at, round_resources, set_default, set_default_text};
use object::Value;

/// Fills what a claim has by default, and says what it is.
pub(super) fn default_claim(claim: &mut Value) {
    let Some(fields) = claim.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), "v1".into());
    fields.insert("kind".to_owned(), "PersistentVolumeClaim".into());
    let status = map_at(claim, "status");
    set_default_text(status, "phase", "Pending");
    round_resources(status.get_mut("capacity"));
    round_resources(status.get_mut("allocatedResources"));
    let spec = map_at(claim, "spec");
    set_default(spec, "volumeMode", "Filesystem");
    crate::core::pod::defaults::round_requirements(spec.get_mut("resources"));
}

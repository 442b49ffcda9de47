//! What a client is told when others own what it applies.

use super::element::PathElement;
use super::managers::ManagerId;
use super::set::{FieldSet, show_path};
use crate::status::{Cause, Status};

type Conflict = (ManagerId, Vec<PathElement>);

/// The 409 answer: one cause for each owner and field, owners in order.
pub(super) fn conflict_status(conflicts: &[Conflict]) -> Box<Status> {
    let causes = conflicts.iter().map(|(owner, path)| Cause {
        reason: "FieldManagerConflict".to_owned(),
        message: format!("conflict with {}", owner.shown()),
        field: show_path(path),
    });
    Box::new(Status::apply_conflict(message(conflicts), causes.collect()))
}

/// The conflicts over fields that are not in the set.
pub(super) fn without(conflicts: Vec<Conflict>, allowed: &FieldSet) -> Vec<Conflict> {
    conflicts.into_iter().filter(|(_, path)| !allowed.has(path)).collect()
}

fn message(conflicts: &[Conflict]) -> String {
    if let [(owner, path)] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", owner.shown(), show_path(path));
    }
    let mut lines = Vec::new();
    let mut last = None;
    for (owner, path) in conflicts {
        if last != Some(owner) {
            lines.push(format!("conflicts with {}:", owner.shown()));
            last = Some(owner);
        }
        lines.push(format!("- {}", show_path(path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

//! What a binding of a pod to a node must say.

use object::View;
use object::field::{Error, Errors, Path};

/// Validates a binding.
#[allow(dead_code, reason = "for the kinds that come next")]
pub(crate) fn validate_binding(binding: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let (target, path) = (binding.get("target"), Path::new("target"));
    let kind = target.str("kind");
    if !matches!(kind, "" | "Node") {
        errors.push(Error::not_supported(&path.child("kind"), kind, &["Node", "<empty>"]));
    }
    if target.str("name").is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    errors
}

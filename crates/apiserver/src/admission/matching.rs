//! Which requests a webhook or policy is about, as which resource it sees them, and how they are told.

pub(super) mod equivalent;
pub(super) mod request;
pub(super) mod rules;

pub(super) use equivalent::{Seen, taken_back};

use super::Attributes;
use kinds::Resource;
use object::View;
use std::sync::Arc;

/// The resource as which a request is seen by somebody with these rules; `None` if they are not about it. Unless told to
/// be exact, rules about one version are about all of them.
pub(super) fn resource<'r>(
    rules: impl Iterator<Item = View<'r>> + Clone,
    is_exact: bool,
    attributes: &Attributes<'_>,
) -> Option<Arc<Resource>> {
    if rules.clone().any(|rule| rules::matches(rule, attributes, attributes.resource)) {
        return Some(attributes.resource.clone());
    }
    if is_exact {
        return None;
    }
    let equivalents = equivalent::of(attributes);
    let about =
        |rule: View<'_>| equivalents.iter().find(|resource| rules::matches(rule, attributes, resource)).cloned();
    rules.clone().find_map(about)
}

//! What the server tells clients about itself: its groups, versions and resources.
//!
//! Pure functions from the table of resources to documents; the caller answers with them and keeps them until the table
//! changes. There are two forms: the old one, a document for each group and version, and the aggregated one, which has
//! everything in one answer to `/api` and `/apis`. Of the aggregated form there is `v2` alone; `v2beta1` is switched
//! off for good in the release that we follow.
//!
//! Deliberately absent: routing and content negotiation.

mod aggregated;
mod classic;
mod order;
#[cfg(test)]
mod tests;

pub use aggregated::{content_type as aggregated_content_type, core, groups as aggregated_groups};
pub use classic::{api_versions, group, groups, resources};
pub use order::{group_versions, priority as group_priority};

use kinds::{Resource, Verbs};
use object::Value;
use sha2::{Digest, Sha512};

/// A strong ETag for a document, without quotes: what it says, hashed.
pub fn etag(document: &[u8]) -> String {
    let digest = Sha512::digest(document);
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The verbs in the order in which upstream lists them, which for custom resources is its own.
fn verbs(resource: &Resource) -> Value {
    if resource.custom.as_ref().is_some_and(|custom| custom.terminating) {
        return ["delete", "deletecollection", "get", "list", "watch"].into_iter().collect();
    }
    if resource.is_custom() && resource.verbs == Verbs::All {
        return ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
            .into_iter()
            .collect();
    }
    resource.verb_names().iter().copied().collect()
}

fn texts(list: &[std::borrow::Cow<'static, str>]) -> Value {
    list.iter().map(|text| text.as_ref()).collect()
}

//! Resource claims of a pod.

use super::checks::{dns_label, invalid_for_each};
use super::dump;
use super::ephemeral::NO_FIELD;
use super::profiles::MIRROR;
use super::resources::ClaimNames;
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::collections::HashSet;

/// The names that containers can refer to.
pub(super) fn names_of(spec: View<'_>) -> ClaimNames<'_> {
    spec.list("resourceClaims").map(|claim| claim.str("name")).filter(|name| !name.is_empty()).collect()
}

/// Validates the claims; `meta` is absent in a template.
pub(super) fn validate(claims: View<'_>, meta: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let is_mirror = meta.get("annotations").has(MIRROR);
    let mut seen = HashSet::new();
    for (index, claim) in claims.items().enumerate() {
        if is_mirror {
            errors.push(Error::forbidden(&NO_FIELD, "static pods do not support resource claims"));
            continue;
        }
        validate_one(claim, &mut seen, &list.index(index), errors);
    }
}

fn validate_one<'a>(claim: View<'a>, seen: &mut HashSet<&'a str>, path: &Path<'_>, errors: &mut Errors) {
    let name = claim.str("name");
    if name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    } else if !seen.insert(name) {
        errors.push(Error::duplicate(&path.child("name"), name));
    } else {
        dns_label(name, &path.child("name"), errors);
    }
    let detail = match (claim.has("resourceClaimName"), claim.has("resourceClaimTemplateName")) {
        (true, true) => Some("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
        (false, false) => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
        _ => None,
    };
    if let Some(detail) = detail {
        errors.push(Error::invalid_shown(path, dump::compact("PodResourceClaim", claim), detail));
    }
    for field in ["resourceClaimName", "resourceClaimTemplateName"] {
        if let Some(name) = claim.opt_str(field) {
            invalid_for_each(names::name_is_dns_subdomain(name, false), name, &path.child(field), errors);
        }
    }
}

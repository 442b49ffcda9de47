//! Who may have devices as an administrator: claims in namespaces that carry the label for it.

use super::call::Call;
use crate::lookup::Cluster;
use object::View;
use object::field::{Error, Errors, Path};

/// The label of a namespace whose claims may be for administrators.
const LABEL: &str = "resource.kubernetes.io/admin-access";

/// What is wrong with a new claim or template of one.
pub(super) fn check_new(call: &Call, object: View<'_>) -> Errors {
    if call.resource.group != "resource.k8s.io" {
        return Errors::new();
    }
    let spec = match &*call.resource.plural {
        "resourceclaims" => object.get("spec"),
        "resourceclaimtemplates" => object.at(&["spec", "spec"]),
        _ => return Errors::new(),
    };
    let requests = spec.get("devices").list("requests").map(|request| request.get("exactly"));
    check(call, requests, "spec.devices.requests")
}

/// What is wrong with a changed status of a claim.
pub(super) fn check_status(call: &Call, object: View<'_>, old: View<'_>) -> Errors {
    let is_status = call.resource.plural == "resourceclaims" && call.info.subresource == "status";
    if call.resource.group != "resource.k8s.io" || !is_status {
        return Errors::new();
    }
    fn results(object: View<'_>) -> impl Iterator<Item = View<'_>> {
        object.at(&["status", "allocation", "devices"]).list("results")
    }
    if results(old).any(|result| result.bool("adminAccess")) {
        return Errors::new();
    }
    check(call, results(object), "status.allocation.devices.results")
}

fn check<'a>(call: &Call, mut items: impl Iterator<Item = View<'a>>, place: &str) -> Errors {
    let Some(index) = items.position(|item| item.bool("adminAccess")) else { return Errors::new() };
    let namespace = call.core.follower.cluster().get("", "namespaces", "", call.namespace());
    let labels = namespace.as_deref().map(|namespace| View::from(namespace).at(&["metadata", "labels"]));
    if labels.is_some_and(|labels| labels.str(LABEL) == "true") {
        return Errors::new();
    }
    let path = format!("{place}[{index}].adminAccess");
    vec![Error::forbidden(
        &Path::new(&path),
        format!("admin access to devices requires the `{LABEL}: true` label on the containing namespace"),
    )]
}

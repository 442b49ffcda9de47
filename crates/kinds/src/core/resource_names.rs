//! Names of resources, as containers, limits and quotas name them: `cpu`, `requests.storage`, `example.com/gpu`.

use crate::checks::{NOT_INTEGER, nonnegative_quantity, qualified_name};
use object::field::{Error, Errors, Path};
use object::names::is_qualified_name;
use object::quantity::Quantity;

/// Names without a domain that resources can have.
const STANDARD: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Resources that are counted.
const WHOLE: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// A resource of any kind.
pub(crate) fn validate_resource_name(name: &str, path: &Path<'_>) -> Errors {
    let errors = qualified_name(name, path);
    if errors.is_empty() && !name.contains('/') && !STANDARD.contains(&name) && !is_quota_huge_pages(name) {
        return vec![Error::invalid(path, name, "must be a standard resource type or fully qualified")];
    }
    errors
}

/// A resource that a container can ask for.
pub(crate) fn validate_container_resource_name(name: &str, path: &Path<'_>) -> Errors {
    let mut errors = validate_resource_name(name, path);
    if !name.contains('/') {
        let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name);
        if !standard {
            errors.push(Error::invalid(path, name, "must be a standard resource for containers"));
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.push(Error::invalid(path, name, "doesn't follow extended resource name standard"));
    }
    errors
}

/// A resource that a quota can limit.
pub(crate) fn validate_quota_resource_name(name: &str, path: &Path<'_>) -> Errors {
    let mut errors = validate_resource_name(name, path);
    if !name.contains('/') && !is_standard_quota(name) {
        errors.push(Error::invalid(path, name, "must be a standard resource for quota"));
    }
    errors
}

/// The amount is one that the resource can have.
pub(crate) fn validate_resource_amount(name: &str, amount: &Quantity, path: &Path<'_>) -> Errors {
    let mut errors = nonnegative_quantity(amount, path);
    let whole = WHOLE.contains(&name) || is_extended(name);
    if whole && amount.milli_value() % 1000 != 0 {
        errors.push(Error::invalid(path, amount.to_string(), NOT_INTEGER));
    }
    errors
}

/// True for names that a quota knows without a domain.
pub(crate) fn is_standard_quota(name: &str) -> bool {
    name != "storage" && STANDARD.contains(&name) || is_quota_huge_pages(name)
}

/// True if the resource is huge pages of some size.
pub(crate) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// True if the resource is Kubernetes' own.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// True if more of the resource may be promised than there is.
pub(crate) fn is_overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}

fn is_quota_huge_pages(name: &str) -> bool {
    is_huge_pages(name) || name.starts_with("requests.hugepages-")
}

/// True if the resource is somebody else's and can be counted in a quota.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && is_qualified_name(&format!("requests.{name}")).is_empty()
}

//! The table itself: every built-in resource, group by group.

use crate::resource::Resource;
use std::sync::{Arc, LazyLock};

/// Every built-in resource.
pub fn builtin() -> &'static [Arc<Resource>] {
    static TABLE: LazyLock<Vec<Arc<Resource>>> =
        LazyLock::new(|| groups().into_iter().flatten().map(with_deletion).map(Arc::new).collect());
    &TABLE
}

/// The resources of each group. The first version of a group that is named here is the preferred one.
fn groups() -> Vec<Vec<Resource>> {
    vec![
        crate::core::resources(),
        crate::core::events(),
        crate::passing::bindings(),
        crate::passing::authentication(),
        crate::passing::authorization(),
        crate::admissionregistration::resources(),
        crate::apiextensions::resources(),
        crate::apiregistration::resources(),
        crate::apps::resources(),
        crate::autoscaling::resources(),
        crate::batch::resources(),
        crate::certificates::resources(),
        crate::policy::resources(),
        crate::coordination::resources(),
        crate::devices::resources(),
        crate::discovery::resources(),
        crate::flowcontrol::resources(),
        crate::networking::resources(),
        crate::rbac::resources(),
        crate::runtimeclass::resources(),
        crate::scheduling::resources(),
        crate::storage::resources(),
    ]
}

/// Resources of which a delete answers with the object itself.
const RETURNS_DELETED: &[(&str, &str)] = &[
    ("", "namespaces"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "podtemplates"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceclaims"),
    ("resource.k8s.io", "resourceclaimtemplates"),
    ("resource.k8s.io", "resourceslices"),
    ("storage.k8s.io", "csidrivers"),
    ("storage.k8s.io", "csinodes"),
    ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattachments"),
    ("storage.k8s.io", "volumeattributesclasses"),
];

fn with_deletion(mut resource: Resource) -> Resource {
    resource.returns_deleted = RETURNS_DELETED.contains(&(&*resource.group, &*resource.plural));
    resource
}

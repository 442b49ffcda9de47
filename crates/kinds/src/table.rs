//! The table itself: every built-in resource, group by group.

use crate::resource::Resource;
use std::sync::{Arc, LazyLock};

/// Every built-in resource.
pub fn builtin() -> &'static [Arc<Resource>] {
    static TABLE: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(|| {
        let real: Vec<Resource> = groups().into_iter().flatten().collect();
        let is_real =
            |p: &Resource| real.iter().any(|r| (&r.group, &r.version, &r.plural) == (&p.group, &p.version, &p.plural));
        let missing: Vec<Resource> = crate::placeholder::resources().into_iter().filter(|p| !is_real(p)).collect();
        real.into_iter().chain(missing).map(Arc::new).collect()
    });
    &TABLE
}

/// The resources of each group. The first version of a group that is named here is the preferred one.
fn groups() -> Vec<Vec<Resource>> {
    vec![
        crate::core::resources(),
        crate::core::events(),
        crate::apps::resources(),
        crate::autoscaling::resources(),
        crate::batch::resources(),
        crate::policy::resources(),
        crate::coordination::resources(),
        crate::discovery::resources(),
        crate::rbac::resources(),
        crate::runtimeclass::resources(),
        crate::scheduling::resources(),
    ]
}

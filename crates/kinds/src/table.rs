//! The table itself: every built-in resource, group by group.

use crate::resource::Resource;
use std::sync::{Arc, LazyLock};

/// Every built-in resource.
pub fn builtin() -> &'static [Arc<Resource>] {
    static TABLE: LazyLock<Vec<Arc<Resource>>> =
        LazyLock::new(|| groups().into_iter().flatten().map(Arc::new).collect());
    &TABLE
}

/// The resources of each group. The first version of a group that is named here is the preferred one.
fn groups() -> Vec<Vec<Resource>> {
    vec![crate::core::resources(), crate::core::events()]
}

//! The schema of the built-in kinds, read once from the compiled-in tables.

use super::{Schema, table};
use std::sync::OnceLock;

/// The tables, one for each family of kinds. All facts are those of Kubernetes 1.36, stable versions only.
const TABLES: &[&str] = &[
    include_str!("tables/meta.schema"),
    include_str!("tables/core.schema"),
    include_str!("tables/apps.schema"),
    include_str!("tables/batch.schema"),
    include_str!("tables/autoscaling.schema"),
    include_str!("tables/policy.schema"),
    include_str!("tables/networking.schema"),
    include_str!("tables/storage.schema"),
    include_str!("tables/scheduling.schema"),
    include_str!("tables/events.schema"),
    include_str!("tables/auth.schema"),
    include_str!("tables/admissionregistration.schema"),
    include_str!("tables/apiextensions.schema"),
    include_str!("tables/flowcontrol.schema"),
    include_str!("tables/resource.schema"),
];

/// The types of all built-in kinds.
pub fn builtin() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| table::read(TABLES).expect("the compiled-in tables are well-formed"))
}

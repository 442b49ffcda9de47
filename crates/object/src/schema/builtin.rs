//! The schema of the built-in kinds, read once from the compiled-in tables.

use super::{Schema, Type, TypeId, table};
use std::collections::HashSet;
use std::sync::OnceLock;

/// The tables, one for each family of kinds. All facts are those of Kubernetes 1.36, stable versions only.
const TABLES: &[&str] = &[
    include_str!("tables/meta.schema"),
    include_str!("tables/apidiscovery.schema"),
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

/// The type of a built-in kind, by the `apiVersion` and `kind` of its objects.
pub fn builtin_type(api_version: &str, kind: &str) -> Option<TypeId> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let package = match group {
        "" => "api.core",
        "apiextensions.k8s.io" => "apiextensions-apiserver.pkg.apis.apiextensions",
        "apiregistration.k8s.io" => "kube-aggregator.pkg.apis.apiregistration",
        _ if group.contains('.') && !group.ends_with(".k8s.io") => return None,
        group => return builtin().find(&format!("io.k8s.api.{}.{version}.{kind}", group.split('.').next()?)),
    };
    builtin().find(&format!("io.k8s.{package}.{version}.{kind}"))
}

/// Names that maps have, and somewhere a pointer to a struct that may be empty.
const EITHER: [&str; 6] = ["allocatable", "capacity", "data", "default", "resources", "selector"];

/// True if what has this name in a built-in object is a map wherever it may be empty.
pub(crate) fn is_map(name: &str) -> bool {
    static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let fields = builtin().types().flat_map(|ty| &ty.fields).filter(|field| matches!(field.ty, Type::Map(_)));
        fields.map(|field| &*field.name).filter(|name| !EITHER.contains(name)).collect()
    });
    names.contains(name)
}

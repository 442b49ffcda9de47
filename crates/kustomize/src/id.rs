//! Names of kinds and of resources.

use crate::schema::Schema;
use std::fmt;

/// Group, version and kind. Empty parts are unknown, or match anything where a selector is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Gvk {
    /// Empty for the core group.
    pub group: String,
    /// E.g. `v1`.
    pub version: String,
    /// E.g. `Deployment`.
    pub kind: String,
}

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// True if every part that `selector` names is the same here.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&selector.group, &self.group) && fits(&selector.version, &self.version) && fits(&selector.kind, &self.kind)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.group.is_empty() && self.version.is_empty() && self.kind.is_empty()
    }
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, version, group) =
            (or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"), or(&self.group, "[noGrp]"));
        write!(f, "{kind}.{version}.{group}")
    }
}

/// The name of a resource: its kind, its name, its namespace as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResId {
    /// What it is.
    pub gvk: Gvk,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`, empty if there is none.
    pub namespace: String,
    /// True if a namespace means nothing for the kind.
    pub cluster_scoped: bool,
}

/// What stands for the namespace of a resource that can have none.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

impl ResId {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str, schema: &Schema) -> Self {
        let cluster_scoped = schema.is_cluster_scoped(&gvk);
        Self { gvk, name: name.to_owned(), namespace: namespace.to_owned(), cluster_scoped }
    }

    /// The namespace that counts: none is `default`.
    pub(crate) fn effective_namespace(&self) -> &str {
        if self.cluster_scoped { NO_NAMESPACE } else { or(&self.namespace, "default") }
    }

    pub(crate) fn same_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Same kind and name.
    pub(crate) fn same_name(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// Same kind, name and effective namespace.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.same_name(other) && self.same_namespace(other)
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}

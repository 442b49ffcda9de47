//! Names of kinds and of resources.

use crate::schema::Schema;
use std::collections::HashMap;
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
        let (group, version) = split_api_version(api_version);
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

/// Group and version.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
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

    pub(crate) fn as_ref(&self) -> IdRef<'_> {
        IdRef {
            group: &self.gvk.group,
            version: &self.gvk.version,
            kind: &self.gvk.kind,
            name: &self.name,
            namespace: &self.namespace,
            scope: Scope::Known { cluster: self.cluster_scoped },
        }
    }

    /// The namespace that counts: none is `default`.
    pub(crate) fn effective_namespace(&self) -> &str {
        if self.cluster_scoped { NO_NAMESPACE } else { or(&self.namespace, "default") }
    }
}

/// A [`ResId`] that is only looked at: asking each resource for its names must not cost memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdRef<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    scope: Scope<'a>,
}

/// Whether a kind has namespaces: known, or to be found out if anybody asks.
#[derive(Debug, Clone, Copy)]
enum Scope<'a> {
    Known { cluster: bool },
    In { schema: &'a Schema, api_version: &'a str },
}

impl<'a> IdRef<'a> {
    pub(crate) fn new(
        api_version: &'a str,
        kind: &'a str,
        name: &'a str,
        namespace: &'a str,
        schema: &'a Schema,
    ) -> Self {
        let (group, version) = split_api_version(api_version);
        let api_version = if group.is_empty() { version } else { api_version };
        Self { group, version, kind, name, namespace, scope: Scope::In { schema, api_version } }
    }

    /// True if a namespace means nothing for the kind.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        match self.scope {
            Scope::Known { cluster } => cluster,
            Scope::In { schema, api_version } => schema.is_scoped_to_cluster(api_version, self.kind),
        }
    }

    pub(crate) fn to_id(self) -> ResId {
        let gvk = Gvk { group: self.group.to_owned(), version: self.version.to_owned(), kind: self.kind.to_owned() };
        let (name, namespace) = (self.name.to_owned(), self.namespace.to_owned());
        ResId { gvk, name, namespace, cluster_scoped: self.is_cluster_scoped() }
    }

    /// As [`ResId::effective_namespace`].
    pub(crate) fn effective_namespace(&self) -> &'a str {
        if self.is_cluster_scoped() { NO_NAMESPACE } else { or(self.namespace, "default") }
    }

    /// As [`Gvk::is_selected`].
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&selector.kind, self.kind) && fits(&selector.group, self.group) && fits(&selector.version, self.version)
    }

    /// Same kind and name.
    pub(crate) fn same_name(&self, other: &IdRef<'_>) -> bool {
        self.name == other.name && self.kind == other.kind && self.group == other.group && self.version == other.version
    }

    /// Same kind, name and effective namespace.
    pub(crate) fn same(&self, other: &IdRef<'_>) -> bool {
        self.same_name(other) && self.effective_namespace() == other.effective_namespace()
    }
}

/// The kinds of a build, numbered as they are met: there are few of them, however many resources there are.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    /// By `kind`.
    numbers: HashMap<Box<str>, Vec<usize>>,
    list: Vec<Gvk>,
}

impl Kinds {
    /// The number of a kind that was met.
    pub(crate) fn find(&self, group: &str, version: &str, kind: &str) -> Option<usize> {
        let same = |at: &&usize| self.list[**at].group == group && self.list[**at].version == version;
        self.numbers.get(kind)?.iter().find(same).copied()
    }

    /// The number of a kind.
    pub(crate) fn meet(&mut self, group: &str, version: &str, kind: &str) -> usize {
        self.find(group, version, kind).unwrap_or_else(|| {
            let number = self.list.len();
            self.list.push(Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() });
            self.numbers.entry(kind.into()).or_default().push(number);
            number
        })
    }

    /// All kinds that were met, by number.
    pub(crate) fn list(&self) -> &[Gvk] {
        &self.list
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }
}

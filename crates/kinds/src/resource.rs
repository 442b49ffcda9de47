//! One entry of the registry.

use crate::custom::Custom;
use crate::strategy::{Column, Strategy};
use object::Value;
use object::schema::{self, TypeId};
use object::status::GroupResource;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) type Text = Cow<'static, str>;

/// Whether objects live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One for the whole cluster.
    Cluster,
    /// In a namespace.
    Namespaced,
}

/// Which verbs a resource answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbs {
    /// create, delete, deletecollection, get, list, patch, update, watch.
    All,
    /// create alone, nothing is stored (`tokenreviews`, `subjectaccessreviews`).
    CreateOnly,
    /// get and list alone (`componentstatuses`).
    GetList,
}

/// Where a subresource leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// Last path segment: `status`, `scale`, `log`, …
    pub name: Text,
    /// Group, version and kind of what it takes and gives; empty group and version: the resource's own.
    pub group: Text,
    /// See `group`.
    pub version: Text,
    /// See `group`.
    pub kind: Text,
    /// As discovery lists them, sorted.
    pub verbs: &'static [&'static str],
}

/// One entry of the registry.
#[derive(Clone)]
pub struct Resource {
    /// API group; empty for core.
    pub group: Text,
    /// API version.
    pub version: Text,
    /// Kind.
    pub kind: Text,
    /// Plural name, as in paths.
    pub plural: Text,
    /// Singular name.
    pub singular: Text,
    /// Short names for command lines.
    pub short_names: Vec<Text>,
    /// Groups of kinds such as `all`.
    pub categories: Vec<Text>,
    /// Whether objects live in namespaces.
    pub scope: Scope,
    /// Which verbs it answers.
    pub verbs: Verbs,
    /// The kind's type in the schema, as OpenAPI names it: `io.k8s.api.core.v1.Pod`.
    pub type_name: Text,
    /// In the order of discovery (sorted by name).
    pub subresources: Vec<Subresource>,
    /// Defaults, validation, columns.
    pub strategy: Arc<dyn Strategy>,
    /// Where its objects are kept, if that is as another resource.
    pub stored: Option<StoredAs>,
    /// True if a delete answers with the object, not with a `Status`.
    pub returns_deleted: bool,
    /// The kind's type, if its objects hold values that are kept as they were sent (see `object::raw`).
    pub raws: Option<TypeId>,
    /// What a custom resource definition says, if one made it.
    pub custom: Option<Arc<Custom>>,
}

/// A column of a resource's table.
#[derive(Clone, Copy, Debug)]
pub struct ColumnView<'a> {
    /// Heading.
    pub name: &'a str,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: &'a str,
    /// `name` for the name column, else mostly empty.
    pub format: &'a str,
    /// For people; that of a built-in kind may begin with `@`, see `columns`.
    pub description: &'a str,
    /// 0 is always shown.
    pub priority: i64,
}

/// Where a resource's objects are kept that are another resource's too: the same objects in two versions or groups.
#[derive(Clone)]
pub struct StoredAs {
    /// Group of the resource in whose form they are kept.
    pub group: Text,
    /// Its version.
    pub version: Text,
    /// Its kind.
    pub kind: Text,
    /// Its plural name.
    pub plural: Text,
    /// How objects go from one form to the other.
    pub conversion: Arc<dyn Conversion>,
}

impl StoredAs {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// How objects go from the form in which they are kept to another and back. Metadata stays as it is; `kind` and
/// `apiVersion` are set by the caller.
pub trait Conversion: Send + Sync + 'static {
    /// From the resource's own form to the kept one.
    fn to_stored(&self, object: Value) -> Value;
    /// From the kept form to the resource's own.
    #[expect(clippy::wrong_self_convention, reason = "self converts, it is not converted")]
    fn from_stored(&self, object: Value) -> Value;
}

impl Resource {
    /// An entry with all verbs and neither short names, categories nor subresources. The type name follows from the
    /// group (`apps` → `io.k8s.api.apps.v1.…`).
    pub fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
        scope: Scope,
        strategy: impl Strategy,
    ) -> Resource {
        let package = match group {
            "" => "io.k8s.api.core",
            "apiextensions.k8s.io" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
            "apiregistration.k8s.io" => "io.k8s.kube-aggregator.pkg.apis.apiregistration",
            other => &format!("io.k8s.api.{}", other.split('.').next().unwrap_or(other)),
        };
        let type_name = format!("{package}.{version}.{kind}");
        let builtin = schema::builtin();
        Resource {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_ascii_lowercase().into(),
            short_names: Vec::new(),
            categories: Vec::new(),
            scope,
            verbs: Verbs::All,
            raws: builtin.find(&type_name).filter(|&ty| builtin.has_raws(ty)),
            type_name: type_name.into(),
            subresources: Vec::new(),
            strategy: Arc::new(strategy),
            stored: None,
            returns_deleted: false,
            custom: None,
        }
    }

    /// The entry of a custom resource, still without its names.
    pub(crate) fn custom(group: &str, version: &str, custom: &Arc<Custom>, strategy: Arc<dyn Strategy>) -> Resource {
        let own = |text: &str| Text::Owned(text.to_owned());
        Resource {
            group: own(group),
            version: own(version),
            kind: Text::default(),
            plural: Text::default(),
            singular: Text::default(),
            short_names: Vec::new(),
            categories: Vec::new(),
            scope: Scope::Cluster,
            verbs: Verbs::All,
            type_name: own(&custom.own().type_name),
            subresources: Vec::new(),
            strategy,
            stored: None,
            returns_deleted: false,
            raws: None,
            custom: Some(custom.clone()),
        }
    }

    /// With these short names.
    pub fn short(mut self, names: &[&'static str]) -> Resource {
        self.short_names = names.iter().map(|&name| name.into()).collect();
        self
    }

    /// In these categories.
    pub fn categories(mut self, names: &[&'static str]) -> Resource {
        self.categories = names.iter().map(|&name| name.into()).collect();
        self
    }

    /// With a subresource that takes and gives the resource's own kind, by get, patch and update.
    pub fn subresource(self, name: &'static str) -> Resource {
        self.subresource_of(name, ("", "", ""), &["get", "patch", "update"])
    }

    /// With a subresource of another kind (group, version, kind) or with other verbs.
    pub fn subresource_of(
        mut self,
        name: &'static str,
        (group, version, kind): (&'static str, &'static str, &'static str),
        verbs: &'static [&'static str],
    ) -> Resource {
        let kind = if kind.is_empty() { self.kind.clone() } else { kind.into() };
        let subresource = Subresource { name: name.into(), group: group.into(), version: version.into(), kind, verbs };
        let sorted = self.subresources.partition_point(|other| other.name < subresource.name);
        // Those of custom resources are told in the order in which they come.
        let place = if self.is_custom() { self.subresources.len() } else { sorted };
        self.subresources.insert(place, subresource);
        self
    }

    /// With these verbs.
    pub fn verbs(mut self, verbs: Verbs) -> Resource {
        self.verbs = verbs;
        self
    }

    /// Kept in the form of another resource.
    pub fn stored_in(
        mut self,
        (group, version, kind, plural): (&'static str, &'static str, &'static str, &'static str),
        conversion: impl Conversion,
    ) -> Resource {
        self.stored = Some(StoredAs {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            conversion: Arc::new(conversion),
        });
        self
    }

    /// The verbs by name, sorted. Namespaces alone cannot be deleted as a collection.
    pub fn verb_names(&self) -> &'static [&'static str] {
        match self.verbs {
            Verbs::CreateOnly => &["create"],
            Verbs::GetList => &["get", "list"],
            Verbs::All if self.group.is_empty() && self.plural == "namespaces" => {
                &["create", "delete", "get", "list", "patch", "update", "watch"]
            }
            Verbs::All => &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }
    }

    /// True if a custom resource definition made it.
    pub fn is_custom(&self) -> bool {
        self.custom.is_some() || schema::builtin().find(&self.type_name).is_none()
    }

    /// The columns of its table, the name first.
    pub fn columns(&self) -> Vec<ColumnView<'_>> {
        let builtin = |column: &'static Column| ColumnView {
            name: column.name,
            kind: column.kind,
            format: column.format,
            description: column.description,
            priority: column.priority.into(),
        };
        let Some(custom) = &self.custom else { return self.strategy.columns().iter().map(builtin).collect() };
        let own = custom.columns.iter().map(|column| ColumnView {
            name: &column.name,
            kind: &column.kind,
            format: &column.format,
            description: &column.description,
            priority: column.priority,
        });
        std::iter::once(builtin(&Column::NAME_ONLY[0])).chain(own).collect()
    }

    /// Names that a field selector may use beside `metadata.name` and `metadata.namespace`.
    pub fn selectable_fields(&self) -> Vec<&str> {
        match &self.custom {
            Some(custom) => custom.selectable.iter().map(|(name, _)| name.as_str()).collect(),
            None => self.strategy.selectable_fields().to_vec(),
        }
    }

    /// Kind of its lists.
    pub fn list_kind(&self) -> String {
        match &self.custom {
            Some(custom) => custom.list_kind.to_string(),
            None => format!("{}List", self.kind),
        }
    }

    /// As OpenAPI names the kind of its lists.
    pub fn list_type_name(&self) -> String {
        let package = self.type_name.rsplit_once('.').map_or("", |(package, _)| package);
        format!("{package}.{}", self.list_kind())
    }

    /// Group and plural name under which its objects are kept.
    pub fn stored_as(&self) -> (&str, &str) {
        match &self.stored {
            Some(stored) => (&stored.group, &stored.plural),
            None => (&self.group, &self.plural),
        }
    }

    /// True if objects live in namespaces.
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// Group and plural name, for messages.
    pub fn group_resource(&self) -> GroupResource<'_> {
        GroupResource { group: &self.group, resource: &self.plural }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// True if this is its [`Resource::api_version`].
    pub fn is_of_version(&self, api_version: &str) -> bool {
        api_version.rsplit_once('/').unwrap_or(("", api_version)) == (&self.group, &self.version)
    }
}

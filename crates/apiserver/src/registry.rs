//! Which resources the server has: the table of `kinds`, indexed by path.
//!
//! A custom resource definition adds an entry at run time by installing a changed copy of the table; readers always
//! see a whole table.

use crate::openapi::Documents;
use kinds::Resource;
use object::Value;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// All resources, at one moment.
#[derive(Clone, Default)]
pub struct Registry {
    entries: Vec<Arc<Resource>>,
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    /// Schemas of custom resources by type name, for documents.
    schemas: HashMap<String, Value>,
    documents: OnceLock<Arc<Documents>>,
}

impl Registry {
    /// An index over these resources. A later one replaces an earlier one of the same group, version and plural.
    pub fn new(resources: impl IntoIterator<Item = Arc<Resource>>) -> Registry {
        let mut registry = Registry::default();
        for resource in resources {
            let key = (resource.group.to_string(), resource.version.to_string(), resource.plural.to_string());
            if registry.by_path.insert(key, resource.clone()).is_some() {
                registry.entries.retain(|other| !same_path(other, &resource));
            }
            registry.entries.push(resource);
        }
        registry
    }

    /// With these schemas of custom resources (`openAPIV3Schema`), by type name.
    pub fn with_schemas(self, schemas: HashMap<String, Value>) -> Registry {
        Registry { schemas, documents: OnceLock::new(), ..self }
    }

    /// The OpenAPI documents about these resources.
    pub fn documents(&self) -> Arc<Documents> {
        let make = || Arc::new(Documents::new(self.entries.clone(), self.schemas.clone()));
        self.documents.get_or_init(make).clone()
    }

    /// The resource that a path names.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        // Three short copies; a borrowed key would need an unsafe or a second map.
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// The resource of a kind.
    pub fn find_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.entries.iter().find(|entry| entry.group == group && entry.version == version && entry.kind == kind)
    }

    /// Some version of a resource; the first that was registered.
    pub fn find_any_version(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.entries.iter().find(|entry| entry.group == group && entry.plural == plural)
    }

    /// True if any version of this group is served.
    pub fn has_group(&self, group: &str) -> bool {
        self.entries.iter().any(|entry| entry.group == group)
    }

    /// All resources, in the order in which they were registered.
    pub fn entries(&self) -> &[Arc<Resource>] {
        &self.entries
    }
}

fn same_path(a: &Resource, b: &Resource) -> bool {
    a.group == b.group && a.version == b.version && a.plural == b.plural
}

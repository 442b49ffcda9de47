//! Which resources the server has: the table of `kinds`, indexed by path, and what definitions add to it.
//!
//! A custom resource definition adds an entry at run time by installing a changed copy of the table (see `custom`);
//! readers always see a whole table.

use crate::openapi::Documents;
use kinds::Resource;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// All resources, at one moment.
#[derive(Clone, Default)]
pub struct Registry {
    entries: Vec<Arc<Resource>>,
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    /// Groups that are there whatever is defined.
    builtin_groups: Arc<HashSet<String>>,
    documents: OnceLock<Arc<Documents>>,
}

impl Registry {
    /// An index over these resources. A later one replaces an earlier one of the same group, version and plural.
    pub fn new(resources: impl IntoIterator<Item = Arc<Resource>>) -> Registry {
        let mut registry = Registry::default();
        resources.into_iter().for_each(|resource| registry.insert(resource));
        let builtin = registry.entries.iter().filter(|entry| entry.custom.is_none());
        registry.builtin_groups = Arc::new(builtin.map(|entry| entry.group.to_string()).collect());
        registry
    }

    fn insert(&mut self, resource: Arc<Resource>) {
        let key = (resource.group.to_string(), resource.version.to_string(), resource.plural.to_string());
        if self.by_path.insert(key, resource.clone()).is_some() {
            self.entries.retain(|other| !same_path(other, &resource));
        }
        self.entries.push(resource);
    }

    /// A copy with these custom resources; built-in ones of the same path stay. Documents of `before` that say the same
    /// are kept.
    pub fn with_custom(&self, custom: impl IntoIterator<Item = Arc<Resource>>, before: &Registry) -> Registry {
        let mut registry = Registry { documents: OnceLock::new(), ..self.clone() };
        for resource in custom {
            if registry.find(&resource.group, &resource.version, &resource.plural).is_none() {
                registry.insert(resource);
            }
        }
        if let Some(documents) = before.documents.get() {
            registry.documents = OnceLock::from(Arc::new(Documents::after(documents, registry.entries.clone())));
        }
        registry
    }

    /// The OpenAPI documents about these resources.
    pub fn documents(&self) -> Arc<Documents> {
        self.documents.get_or_init(|| Arc::new(Documents::new(self.entries.clone()))).clone()
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
        self.is_builtin_group(group) || self.entries.iter().any(|entry| entry.group == group)
    }

    /// True if the group is there without any definition.
    pub fn is_builtin_group(&self, group: &str) -> bool {
        self.builtin_groups.contains(group)
    }

    /// All resources, in the order in which they were registered.
    pub fn entries(&self) -> &[Arc<Resource>] {
        &self.entries
    }
}

fn same_path(a: &Resource, b: &Resource) -> bool {
    a.group == b.group && a.version == b.version && a.plural == b.plural
}

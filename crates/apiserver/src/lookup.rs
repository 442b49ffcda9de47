//! How decisions read the objects that they depend on: does this pod still exist, which quotas has this namespace.
//!
//! Reads see every write that was acknowledged before.

use crate::storage::{self, ObjectStore};
use object::Value;
use std::sync::Arc;

/// The stored objects of the cluster.
pub trait Cluster: Send + Sync {
    /// One object; `namespace` is empty for cluster-scoped resources.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;

    /// All objects of a resource, or of one namespace of it, in the order of their names.
    fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>>;
}

/// The store as decisions read it. Objects are parsed once and kept parsed beside their bytes, which is right for the
/// few and small kinds that decisions are about.
#[derive(Clone)]
pub struct Stored(pub(crate) ObjectStore);

impl Cluster for Stored {
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = storage::key_of(group, resource, namespace, name);
        self.0.snapshot().get(&key).map(|entry| entry.attached.parsed(&entry.value))
    }

    fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let prefix = storage::prefix_of(group, resource, namespace.unwrap_or_default());
        let snapshot = self.0.snapshot();
        snapshot.range(&prefix, None).map(|entry| entry.attached.parsed(&entry.value)).collect()
    }
}

#[cfg(test)]
pub(crate) mod fake {
    //! A cluster made of a list of objects.

    use super::*;
    use object::View;

    /// Objects with their group and resource.
    #[derive(Default)]
    pub(crate) struct Objects(pub(crate) Vec<(&'static str, &'static str, Arc<Value>)>);

    impl Objects {
        pub(crate) fn with(mut self, group: &'static str, resource: &'static str, object: Value) -> Objects {
            self.0.push((group, resource, Arc::new(object)));
            self
        }
    }

    impl Cluster for Objects {
        fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
            self.list(group, resource, Some(namespace))
                .into_iter()
                .find(|object| View::from(&**object).get("metadata").str("name") == name)
        }

        fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
            let is_wanted = |object: &Value| {
                namespace.is_none_or(|wanted| View::from(object).get("metadata").str("namespace") == wanted)
            };
            let of_resource = self.0.iter().filter(|(g, r, _)| *g == group && *r == resource);
            of_resource.map(|(_, _, object)| object).filter(|object| is_wanted(object)).cloned().collect()
        }
    }
}

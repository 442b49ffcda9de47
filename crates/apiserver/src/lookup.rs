//! How decisions read the objects that they depend on: does this pod still exist, which quotas has this namespace.
//!
//! Reads see every write that was acknowledged before.

use crate::storage::{self, ObjectStore};
use object::{Value, View};
use std::sync::Arc;

/// The stored objects of the cluster.
pub trait Cluster: Send + Sync {
    /// One object; `namespace` is empty for cluster-scoped resources.
    fn get(&self, group: &str, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;

    /// All objects of a resource, or of one namespace of it, in the order of their names.
    fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>>;

    /// The first pods of a namespace by name, and how many there are.
    fn first_pods(&self, namespace: &str, most: usize) -> (Vec<Arc<Value>>, usize) {
        let mut pods = self.list("", "pods", Some(namespace));
        let all = pods.len();
        pods.truncate(most);
        (pods, all)
    }

    /// The pods of a namespace that run on a node.
    fn pods_of_node(&self, node: &str, namespace: &str) -> Vec<Arc<Value>> {
        let mut pods = self.list("", "pods", Some(namespace));
        pods.retain(|pod| View::from(&**pod).get("spec").str("nodeName") == node);
        pods
    }
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

    /// Pods are many: only the first are read, and none stays parsed.
    fn first_pods(&self, namespace: &str, most: usize) -> (Vec<Arc<Value>>, usize) {
        let (snapshot, prefix) = (self.0.snapshot(), storage::prefix_of("", "pods", namespace));
        let pods = snapshot.range(&prefix, None).take(most);
        let pods = pods.filter_map(|entry| serde_json::from_slice(&entry.value).ok()).map(Arc::new);
        (pods.collect(), snapshot.count(&prefix))
    }

    /// Pods are many: only those of the node are read, and none stays parsed.
    fn pods_of_node(&self, node: &str, namespace: &str) -> Vec<Arc<Value>> {
        let place = pod_node_place();
        let snapshot = self.0.snapshot();
        let pods = snapshot.range(&storage::prefix_of("", "pods", namespace), None);
        let pods = pods.filter(|entry| match place.and_then(|place| entry.attached.fields.get(place)) {
            Some(of) => **of == *node,
            None => true,
        });
        let pods = pods.filter_map(|entry| serde_json::from_slice::<Value>(&entry.value).ok());
        pods.filter(|pod| View::from(pod).get("spec").str("nodeName") == node).map(Arc::new).collect()
    }
}

/// Where a pod's node stands among its selectable fields.
fn pod_node_place() -> Option<usize> {
    let pods = kinds::builtin().iter().find(|entry| entry.group.is_empty() && entry.plural == "pods")?;
    pods.strategy.selectable_fields().iter().position(|field| *field == "spec.nodeName")
}

#[cfg(test)]
pub(crate) mod fake {
    //! A cluster made of a list of objects.

    use super::*;

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

//! What the scheduler knows: nodes, the pods on them, pods that somebody made room for, volumes. Pure.

use crate::model::affinity::Namespaces;
use crate::model::class::Classes;
use crate::model::node::Node;
use crate::model::pod::Pod;
use crate::plugins::volumes::Storage;
use informer::Object;
use kinds::placement::Labels;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that placing a pod depends on.
#[derive(Debug, Default)]
pub(crate) struct World {
    nodes: Vec<Node>,
    by_name: HashMap<Box<str>, usize>,
    /// Pods on nodes that are not known (yet), by uid.
    homeless: HashMap<Box<str>, Arc<Pod>>,
    /// Where each pod is, by uid: the node's name.
    placed: HashMap<Box<str>, Box<str>>,
    /// Pods that somebody made room for, by node.
    nominated: HashMap<Box<str>, Vec<Arc<Pod>>>,
    namespaces: Namespaces,
    images: HashMap<Box<str>, i64>,
    /// Pods that have to be far from others, and pods that draw or repel.
    avoiding: usize,
    attracting: usize,
    pub(crate) classes: Classes,
    pub(crate) storage: Storage,
}

impl World {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// A node by its place; places change when nodes go.
    pub(crate) fn at(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.by_name.get(name).map(|at| &self.nodes[*at])
    }

    /// Ids of classes are below this.
    pub(crate) fn classes(&self) -> usize {
        self.classes.bound()
    }

    pub(crate) fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    /// Whether pods there have to be far from others.
    pub(crate) fn has_avoiding(&self) -> bool {
        self.avoiding > 0
    }

    /// Whether pods there draw or repel others.
    pub(crate) fn has_attracting(&self) -> bool {
        self.attracting > 0
    }

    pub(crate) fn has_images(&self) -> bool {
        !self.images.is_empty()
    }

    pub(crate) fn nodes_with_image(&self, image: &str) -> i64 {
        self.images.get(image).copied().unwrap_or_default()
    }

    /// Pods that somebody made room for on a node.
    pub(crate) fn nominated(&self, node: &str) -> &[Arc<Pod>] {
        self.nominated.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes in a node as it is.
    pub(crate) fn put_node(&mut self, object: &Object) {
        match self.by_name.get(object.name()) {
            Some(at) => {
                let node = &mut self.nodes[*at];
                count_images(&mut self.images, node, -1);
                node.renew(object);
                count_images(&mut self.images, node, 1);
            }
            None => {
                let mut node = Node::read(object);
                count_images(&mut self.images, &node, 1);
                let name = node.name.clone();
                let waiting: Vec<_> = self.homeless.values().filter(|pod| pod.node == name).cloned().collect();
                for pod in waiting {
                    self.homeless.remove(&pod.uid);
                    node.add(pod);
                }
                self.by_name.insert(name, self.nodes.len());
                self.nodes.push(node);
            }
        }
    }

    pub(crate) fn remove_node(&mut self, name: &str) {
        let Some(at) = self.by_name.remove(name) else { return };
        let node = self.nodes.swap_remove(at);
        count_images(&mut self.images, &node, -1);
        if let Some(moved) = self.nodes.get(at) {
            self.by_name.insert(moved.name.clone(), at);
        }
        for pod in node.pods {
            self.homeless.insert(pod.uid.clone(), pod);
        }
    }

    /// Takes in a pod that has a node.
    pub(crate) fn put_pod(&mut self, pod: Arc<Pod>) {
        self.remove_pod(&pod.uid);
        let affinity = &pod.class.affinity;
        self.avoiding += usize::from(!affinity.far.is_empty());
        self.attracting += usize::from(!affinity.is_empty());
        self.placed.insert(pod.uid.clone(), pod.node.clone());
        match self.by_name.get(&pod.node) {
            Some(at) => self.nodes[*at].add(pod),
            None => drop(self.homeless.insert(pod.uid.clone(), pod)),
        }
    }

    /// Takes in that a pod needs its node no more.
    pub(crate) fn remove_pod(&mut self, uid: &str) -> Option<Arc<Pod>> {
        let name = self.placed.remove(uid)?;
        let on_node = self.by_name.get(&name).and_then(|at| self.nodes[*at].remove(uid));
        let pod = on_node.or_else(|| self.homeless.remove(uid))?;
        let affinity = &pod.class.affinity;
        self.avoiding -= usize::from(!affinity.far.is_empty());
        self.attracting -= usize::from(!affinity.is_empty());
        Some(pod)
    }

    /// Takes in for which node a pod that waits is meant; an empty name for none.
    pub(crate) fn nominate(&mut self, pod: &Arc<Pod>, node: &str) {
        self.forget_nominated(&pod.uid);
        if !node.is_empty() {
            self.nominated.entry(node.into()).or_default().push(pod.clone());
        }
    }

    pub(crate) fn forget_nominated(&mut self, uid: &str) {
        self.nominated.retain(|_, pods| {
            pods.retain(|pod| *pod.uid != *uid);
            !pods.is_empty()
        });
    }

    pub(crate) fn put_namespace(&mut self, object: &Object) {
        self.namespaces.insert(object.name().to_owned(), Labels::read(object.labels()));
    }

    pub(crate) fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
    }
}

fn count_images(images: &mut HashMap<Box<str>, i64>, node: &Node, by: i64) {
    for (name, _) in &node.images {
        let count = images.entry(name.clone()).or_default();
        *count += by;
        if *count <= 0 {
            images.remove(name);
        }
    }
}

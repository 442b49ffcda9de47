//! A node, and what is on it.

use super::class::Class;
use super::pod::Pod;
use super::resources::Resources;
use informer::Object;
use kinds::placement::Labels;
use kinds::placement::Taint;
use std::sync::Arc;

/// A node and the pods on it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: Box<str>,
    pub(crate) labels: Labels,
    pub(crate) taints: Vec<Taint>,
    /// Whether it takes no pods but those that tolerate that.
    pub(crate) is_unschedulable: bool,
    pub(crate) allocatable: Resources,
    pub(crate) allowed_pods: usize,
    /// Images that it has: names and sizes.
    pub(crate) images: Vec<(Box<str>, i64)>,
    /// What is asked for by the pods on it.
    pub(crate) requested: Resources,
    /// The same with what is unsaid filled in: CPU and memory.
    pub(crate) filled: (i64, i64),
    pub(crate) pods: Vec<Arc<Pod>>,
    /// How many pods of each class there are.
    pub(crate) classes: Vec<(Arc<Class>, u32)>,
}

impl Node {
    /// A node without pods.
    pub(crate) fn read(object: &Object) -> Node {
        let (spec, status) = (object.spec(), object.status());
        let images = status.list("images").flat_map(|image| {
            let size = image.int("sizeBytes");
            image.strings("names").map(move |name| (name.into(), size))
        });
        let allocatable = status.get("allocatable");
        let pods = object::quantity::Quantity::from_view(allocatable.get("pods")).value();
        Node {
            name: object.name().into(),
            labels: Labels::read(object.labels()),
            taints: spec.list("taints").map(Taint::read).collect(),
            is_unschedulable: spec.bool("unschedulable"),
            allocatable: Resources::read(allocatable),
            allowed_pods: usize::try_from(pods).unwrap_or_default(),
            images: images.collect(),
            requested: Resources::default(),
            filled: (0, 0),
            pods: Vec::new(),
            classes: Vec::new(),
        }
    }

    /// The node as it is now, with the pods that were on it.
    pub(crate) fn renew(&mut self, object: &Object) {
        let fresh = Node::read(object);
        let old = std::mem::replace(self, fresh);
        (self.requested, self.filled) = (old.requested, old.filled);
        (self.pods, self.classes) = (old.pods, old.classes);
    }

    pub(crate) fn add(&mut self, pod: Arc<Pod>) {
        self.requested.add(&pod.requests);
        self.filled.0 += pod.filled.0;
        self.filled.1 += pod.filled.1;
        match self.classes.iter_mut().find(|(class, _)| class.id == pod.class.id) {
            Some((_, count)) => *count += 1,
            None => self.classes.push((pod.class.clone(), 1)),
        }
        self.pods.push(pod);
    }

    pub(crate) fn remove(&mut self, uid: &str) -> Option<Arc<Pod>> {
        let at = self.pods.iter().position(|pod| *pod.uid == *uid)?;
        let pod = self.pods.swap_remove(at);
        self.requested.sub(&pod.requests);
        self.filled.0 -= pod.filled.0;
        self.filled.1 -= pod.filled.1;
        if let Some(at) = self.classes.iter().position(|(class, _)| class.id == pod.class.id) {
            self.classes[at].1 -= 1;
            if self.classes[at].1 == 0 {
                self.classes.swap_remove(at);
            }
        }
        Some(pod)
    }
}

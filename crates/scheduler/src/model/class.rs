//! Classes of pods that are alike to others: same namespace, labels and affinity.
//!
//! Thousands of pods are few classes, so what a pod has to do with others is found out once for each class.

use super::affinity::PodAffinity;
use kinds::placement::Labels;
use object::{View, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Pods that are alike to others.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its place in tables.
    pub(crate) id: usize,
    /// Where they live.
    pub(crate) namespace: Box<str>,
    /// Their labels.
    pub(crate) labels: Labels,
    /// Whether they are being deleted.
    pub(crate) is_going: bool,
    /// What they want of others.
    pub(crate) affinity: PodAffinity,
}

/// All classes that are in use.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    known: HashMap<String, Arc<Class>>,
    free: Vec<usize>,
    next: usize,
    /// How many there may be before those without pods are forgotten.
    room: usize,
}

impl Classes {
    /// The class of a pod.
    pub(crate) fn of(&mut self, pod: View<'_>) -> Arc<Class> {
        let metadata = pod.get("metadata");
        let (labels, affinity) = (metadata.get("labels"), pod.get("spec").get("affinity"));
        let (namespace, is_going) = (metadata.str("namespace"), metadata.has("deletionTimestamp"));
        let key = json!([
            namespace,
            is_going,
            labels.to_value(),
            affinity.get("podAffinity").to_value(),
            affinity.get("podAntiAffinity").to_value()
        ])
        .to_string();
        if let Some(class) = self.known.get(&key) {
            return class.clone();
        }
        self.sweep();
        let id = self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let class = Arc::new(Class {
            id,
            namespace: namespace.into(),
            labels: Labels::read(labels),
            is_going,
            affinity: PodAffinity::read(affinity, namespace),
        });
        self.known.insert(key, class.clone());
        class
    }

    /// Ids are below this.
    pub(crate) fn bound(&self) -> usize {
        self.next
    }

    fn sweep(&mut self) {
        if self.known.len() <= self.room.max(256) {
            return;
        }
        let free = &mut self.free;
        self.known.retain(|_, class| {
            let is_used = Arc::strong_count(class) > 1;
            if !is_used {
                free.push(class.id);
            }
            is_used
        });
        self.room = self.known.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_pods_are_forgotten() {
        let mut classes = Classes::default();
        let kept = classes.of(View::from(&json!({"metadata": {"namespace": "kept"}})));
        for number in 0..2000 {
            classes.of(View::from(&json!({"metadata": {"namespace": number.to_string()}})));
        }
        assert!(classes.bound() < 600, "{}", classes.bound());
        assert_eq!(classes.of(View::from(&json!({"metadata": {"namespace": "kept"}}))).id, kept.id);
    }
}

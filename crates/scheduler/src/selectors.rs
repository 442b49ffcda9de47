//! Which pods are alike, for pods that say nothing about spreading: those of the same Services and the same workload.

use informer::{Cache, Informers, Object, kinds};
use object::selector::labels::Selector;
use object::{Map, Value, View, json};
use std::sync::Arc;

/// The objects that select pods.
pub(crate) struct Owners {
    services: Arc<Cache>,
    controllers: [(&'static str, Arc<Cache>); 3],
}

impl Owners {
    pub(crate) fn open(informers: &Informers) -> Owners {
        Owners {
            services: informers.cache(&kinds::SERVICES),
            controllers: [
                ("ReplicationController", informers.cache(&kinds::REPLICATION_CONTROLLERS)),
                ("ReplicaSet", informers.cache(&kinds::REPLICA_SETS)),
                ("StatefulSet", informers.cache(&kinds::STATEFUL_SETS)),
            ],
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Cache>> {
        self.controllers.iter().map(|(_, cache)| cache).chain([&self.services])
    }

    /// Selects the pods that are alike; `None` if nothing selects this one.
    pub(crate) fn selector_for(&self, pod: &Object) -> Option<Selector> {
        let mut labels = Map::new();
        for service in self.services.in_namespace(pod.namespace()) {
            let selector = service.spec().get("selector");
            if !selector.is_empty() && Selector::from_map(selector).matches(&pod.labels()) {
                labels.extend(selector.to_map());
            }
        }
        let mut expressions = Value::Null;
        if let Some(controller) = self.controller_of(pod) {
            let selector = controller.spec().get("selector");
            let is_plain = controller.get("kind").as_str() == "ReplicationController";
            let wanted = if is_plain { selector } else { selector.get("matchLabels") };
            labels.extend(wanted.to_map());
            if !is_plain {
                expressions = selector.get("matchExpressions").to_value();
            }
        }
        if labels.is_empty() && expressions.is_null() {
            return None;
        }
        let selector = json!({"matchLabels": labels, "matchExpressions": expressions});
        Selector::from_object(View::from(&selector)).ok()
    }

    fn controller_of(&self, pod: &Object) -> Option<informer::Shared> {
        let owner = pod.controller();
        let (_, cache) = self.controllers.iter().find(|(kind, _)| *kind == owner.str("kind"))?;
        cache.get(pod.namespace(), owner.str("name")).filter(|found| found.uid() == owner.str("uid"))
    }
}

//! Places pods without a cluster: for benches, tests, and to see what would happen.

use crate::cycle::Placer;
use crate::model::pod::Pod;
use crate::world::World;
use informer::Object;
use object::{Value, View};
use std::sync::Arc;

/// A cluster that is only thought of.
pub struct Simulation {
    world: World,
    placer: Placer,
}

impl Simulation {
    /// A cluster of these objects: nodes, namespaces, claims, volumes, storage classes, and pods that have nodes. The
    /// same seed makes the same choices among nodes that are equally good.
    pub fn new(objects: impl IntoIterator<Item = Value>, seed: u64) -> Simulation {
        let mut simulation = Simulation { world: World::default(), placer: Placer::new(seed) };
        objects.into_iter().for_each(|object| simulation.put(object));
        simulation
    }

    /// Takes in an object.
    pub fn put(&mut self, object: Value) {
        let object = Arc::new(Object::new(object));
        let storage = &mut self.world.storage;
        match object.get("kind").as_str() {
            "Node" => self.world.put_node(&object),
            "Namespace" => self.world.put_namespace(&object),
            "PersistentVolumeClaim" => drop(storage.claims.insert(object.key(), object)),
            "PersistentVolume" => drop(storage.volumes.insert(object.key(), object)),
            "StorageClass" => drop(storage.classes.insert(object.key(), object)),
            _ => {
                let pod = Pod::read(&object, &mut self.world.classes);
                self.world.put_pod(Arc::new(pod));
            }
        }
    }

    /// The node for a pod, which is there from now on; or why there is none.
    pub fn place(&mut self, pod: Value) -> Result<String, String> {
        let object = Object::new(pod);
        let pod = Arc::new(Pod::read(&object, &mut self.world.classes));
        let placed = self.placer.place(&self.world, &pod, None);
        let placement = placed.map_err(|diagnosis| diagnosis.message())?;
        let placed = pod.placed(&placement.node, &object, &mut self.world.classes);
        self.world.put_pod(placed);
        Ok(placement.node.into())
    }

    /// Whom a pod without a node would take away, and where: node and names. Otherwise why not.
    pub fn preempt(&mut self, pod: &Value, budgets: &[Value]) -> Result<(String, Vec<String>), String> {
        let object = Object::new(pod.clone());
        let pod = Pod::read(&object, &mut self.world.classes);
        let Err(diagnosis) = self.placer.place(&self.world, &pod, None) else {
            return Err("there is room already".to_owned());
        };
        let budgets: Vec<_> =
            budgets.iter().map(|budget| crate::preempt::Budget::read(&Arc::new(Object::new(budget.clone())))).collect();
        let candidate = crate::preempt::preempt(&self.world, &pod, &diagnosis, &budgets)?;
        let victims = candidate.victims.iter().map(|pod| pod.name.to_string()).collect();
        Ok((candidate.node.into(), victims))
    }
}

/// A node of a size, for simulations.
pub fn node(name: &str, labels: &Value, cpu: &str, memory: &str) -> Value {
    let mut labels = View::from(labels).to_value();
    labels["kubernetes.io/hostname"] = name.into();
    object::json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name, "labels": labels},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    })
}

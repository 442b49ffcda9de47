//! How fast pods are placed: 10,000 over 1,000 nodes, plain and with constraints.

#![allow(clippy::print_stdout, reason = "a bench prints")]

use object::{Value, json};
use scheduler::simulation::{Simulation, node};
use std::time::Instant;

const NODES: usize = 1_000;
const PODS: usize = 10_000;

fn main() {
    measure("plain", |_| json!({}));
    measure("zones evenly", |_| {
        json!({"topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "a"}},
        }]})
    });
    measure("rather apart", |_| {
        json!({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100, "podAffinityTerm": {
                "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}},
        }]}}})
    });
}

fn measure(name: &str, more: impl Fn(usize) -> Value) {
    let nodes = (0..NODES).map(|number| {
        let labels = json!({"topology.kubernetes.io/zone": format!("zone-{}", number % 3)});
        node(&format!("node-{number}"), &labels, "32", "256Gi")
    });
    let mut simulation = Simulation::new(nodes, 1);
    let pods: Vec<Value> = (0..PODS).map(|number| pod(number, more(number))).collect();
    let start = Instant::now();
    for pod in pods {
        simulation.place(pod).expect("there is room for all");
    }
    let took = start.elapsed();
    println!("{name}: {PODS} pods on {NODES} nodes in {took:.2?}, {:.0?} a pod", took / PODS as u32);
}

fn pod(number: usize, more: Value) -> Value {
    let mut spec = json!({"containers": [{
        "name": "main", "image": "image", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
    }]});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let name = format!("pod-{number}");
    json!({
        "apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": {"app": "a"}},
    })
}
